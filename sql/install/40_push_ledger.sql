-- What push has to remember: which mutations were answered, and what the
-- temporary ids of clients became.  Both belong to a role and, where a role
-- stands for all users of an application, to its principal; '' is none.
CREATE TABLE syncport.push_ledger (
	owner name NOT NULL DEFAULT CURRENT_USER,
	principal text NOT NULL DEFAULT COALESCE(syncport.principal(), ''),
	client_id text NOT NULL,
	mutation_id text NOT NULL,
	hash bytea NOT NULL,
	seq bigint NOT NULL,
	status text,
	key jsonb,
	temp_key jsonb,
	conflict_columns jsonb,
	error jsonb,
	pushed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (owner, principal, client_id, mutation_id)
)
-- each row is written twice, the second time without touching an index
WITH (fillfactor = 50);
CREATE INDEX push_ledger_pushed_at_idx ON syncport.push_ledger (pushed_at);
COMMENT ON TABLE syncport.push_ledger IS
'Mutations that push has answered, so that none is applied twice';
COMMENT ON COLUMN syncport.push_ledger.hash IS
'SHA-256 of the mutation without its id: another one under the same id is refused';
COMMENT ON COLUMN syncport.push_ledger.seq IS
'The transaction that answered it';
COMMENT ON COLUMN syncport.push_ledger.status IS
'The answer; NULL only while the transaction that reserved the id is open';
COMMENT ON COLUMN syncport.push_ledger.pushed_at IS
'From when on syncport.push_retention counts';

CREATE TABLE syncport.push_temp_id (
	owner name NOT NULL DEFAULT CURRENT_USER,
	principal text NOT NULL DEFAULT COALESCE(syncport.principal(), ''),
	client_id text NOT NULL,
	temp_id text NOT NULL,
	value jsonb NOT NULL,
	pushed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (owner, principal, client_id, temp_id)
);
CREATE INDEX push_temp_id_pushed_at_idx ON syncport.push_temp_id (pushed_at);
COMMENT ON TABLE syncport.push_temp_id IS
'What the ids that clients made up offline became';
COMMENT ON COLUMN syncport.push_temp_id.value IS
'The value of the key column, a number or a string';
COMMENT ON COLUMN syncport.push_temp_id.pushed_at IS
'From when on syncport.push_retention counts';

ALTER TABLE syncport.push_ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON syncport.push_ledger
	USING (owner = CURRENT_USER
		   AND principal = COALESCE((SELECT syncport.principal()), ''));
COMMENT ON POLICY owner ON syncport.push_ledger IS
'Everyone sees and writes what his own clients have pushed';
ALTER TABLE syncport.push_temp_id ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON syncport.push_temp_id
	USING (owner = CURRENT_USER
		   AND principal = COALESCE((SELECT syncport.principal()), ''));
COMMENT ON POLICY owner ON syncport.push_temp_id IS
'Everyone sees and writes what his own clients have pushed';

GRANT SELECT, INSERT, UPDATE, DELETE
	ON syncport.push_ledger, syncport.push_temp_id TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('syncport.push_ledger', '');
SELECT pg_catalog.pg_extension_config_dump('syncport.push_temp_id', '');
