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
