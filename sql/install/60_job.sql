-- What has to be done now and then, by pg_cron or anything else.
CREATE PROCEDURE syncport.maintain()
LANGUAGE C
AS 'MODULE_PATHNAME', 'syncport_maintain';
COMMENT ON PROCEDURE syncport.maintain() IS
'Purges old tombstones of all tables that the caller may purge, and forgets mutations and temporary ids older than syncport.push_retention, whoever pushed them; commits in between';

CREATE FUNCTION syncport.schedule(maintain_cron text DEFAULT '17 3 * * *')
RETURNS void
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_schedule';
COMMENT ON FUNCTION syncport.schedule IS
'Lets pg_cron call syncport.maintain at these times, as the calling role';

CREATE FUNCTION syncport.unschedule() RETURNS void
LANGUAGE C VOLATILE
AS 'MODULE_PATHNAME', 'syncport_unschedule';
COMMENT ON FUNCTION syncport.unschedule() IS
'Takes back what syncport.schedule has asked of pg_cron';
