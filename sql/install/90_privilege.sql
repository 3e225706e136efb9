-- What is not for everyone.  Everything else runs with the caller's own
-- privileges and needs only USAGE on the schema.
GRANT SELECT, INSERT, UPDATE, DELETE ON syncport.enabled_table TO PUBLIC;
REVOKE ALL ON FUNCTION syncport.enable, syncport.enable_script,
	syncport.disable, syncport.release_unique, syncport.schedule,
	syncport.unschedule, syncport.restamp, syncport.export_query FROM PUBLIC;
REVOKE ALL ON PROCEDURE syncport.purge, syncport.maintain FROM PUBLIC;
GRANT SELECT ON syncport.status TO PUBLIC;
