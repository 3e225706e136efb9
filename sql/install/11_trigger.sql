CREATE FUNCTION syncport.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
 NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now(), TG_ARGV[1], pg_current_xact_id()::text::int8));
 RETURN NEW;
END $$;
CREATE FUNCTION syncport.put_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
 IF to_jsonb(OLD)->TG_ARGV[2] = 'null' THEN
  OLD := jsonb_populate_record(OLD, jsonb_build_object(TG_ARGV[2], now()));
  EXECUTE format('INSERT INTO %I.%I SELECT ($1).*', TG_TABLE_SCHEMA, TG_TABLE_NAME) USING OLD;
 ELSE
  INSERT INTO syncport.tombstone(target,row_version,removed_at,key) VALUES (TG_RELID, pg_current_xact_id()::text::int8, now(), to_json(OLD));
 END IF;
 RETURN NULL;
END $$;
