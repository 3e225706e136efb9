-- Which database the stored row versions belong to.  A dump does not carry
-- it: CREATE EXTENSION makes a new one, so that clients of the database that
-- was dumped start anew.  pg_upgrade and physical copies keep it.
CREATE TABLE syncport.incarnation (
	id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE UNIQUE INDEX incarnation_single_idx ON syncport.incarnation ((true));
COMMENT ON TABLE syncport.incarnation IS
'One row: changes when row versions of this database lose their meaning for clients';
INSERT INTO syncport.incarnation DEFAULT VALUES;

CREATE FUNCTION syncport.restamp(target regclass DEFAULT NULL)
RETURNS bigint
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_restamp';
COMMENT ON FUNCTION syncport.restamp(regclass) IS
'Gives rows that a dump of another cluster brought versions of this one, without a change of updated_at; how many. NULL: in all tables, and every client starts anew, which storage that was rolled back needs';
