-- Who owns a thing: the application's user as the session's settings name it.
\pset null '(null)'

-- Nothing configured: the role alone.
SHOW syncport.principal;
SELECT syncport.principal();

-- A plain setting, spaces around its name do not matter.
SET syncport.principal = ' app.user_id ';
SELECT syncport.principal();
SET app.user_id = 'anna';
SELECT syncport.principal();
SET app.user_id = '';
SELECT syncport.principal();

-- It follows the transaction, as policies do.
BEGIN;
SET LOCAL app.user_id = 'ben';
SELECT syncport.principal();
COMMIT;
SELECT syncport.principal();

-- A key of a JSON setting.
SET syncport.principal = 'request.jwt.claims ->> sub';
SELECT syncport.principal();
SET request.jwt.claims = '{"sub": "carol", "role": 7, "empty": "", "none": null}';
SELECT syncport.principal();
SET syncport.principal = 'request.jwt.claims->>role';
SELECT syncport.principal();
SET syncport.principal = 'request.jwt.claims->>empty';
SELECT syncport.principal();
SET syncport.principal = 'request.jwt.claims->>none';
SELECT syncport.principal();
SET syncport.principal = 'request.jwt.claims->>missing';
SELECT syncport.principal();
SET request.jwt.claims = '["sub"]';
SELECT syncport.principal();
SET request.jwt.claims = '{"sub": ';
SELECT syncport.principal();

-- Who may set what.
CREATE ROLE regress_syncport_plain;
GRANT USAGE ON SCHEMA syncport TO regress_syncport_plain;
SET ROLE regress_syncport_plain;
SET syncport.principal = 'app.other';
SET syncport.soft_delete = off;
SET syncport.exact_count_limit = -1;
SET syncport.exact_count_limit = 5;
SET syncport.no_such_setting = 1;
RESET syncport.soft_delete;
RESET syncport.exact_count_limit;
RESET ROLE;
DROP OWNED BY regress_syncport_plain;
DROP ROLE regress_syncport_plain;
