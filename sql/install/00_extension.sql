\echo Use "CREATE EXTENSION syncport" to load this file. \quit

-- Made here, not by the control file: the extension must own its schema, and
-- CREATE fails where somebody else's schema of that name waits for it.
CREATE SCHEMA syncport;
COMMENT ON SCHEMA syncport IS
'Syncable tables, keyset pages and streamed exports; see the README of the extension syncport';

CREATE FUNCTION syncport.principal() RETURNS text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'syncport_principal';
COMMENT ON FUNCTION syncport.principal() IS
'The application user of this session as syncport.principal says where to read it, or NULL';
