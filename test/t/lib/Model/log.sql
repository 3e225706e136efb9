-- What a database without syncport knows of its deleted rows.

CREATE TABLE model_gone (seq bigserial, target text, key text, what text, old jsonb);

CREATE FUNCTION model_log() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	columns text[] := string_to_array(TG_ARGV[1], ' ');
	was jsonb := to_jsonb(OLD);
	key_was text;
	key_is text;
BEGIN
	SELECT string_agg(was ->> c, ' ' ORDER BY n) INTO key_was
		FROM unnest(columns) WITH ORDINALITY u (c, n);
	IF TG_OP = 'UPDATE' THEN
		SELECT string_agg(to_jsonb(NEW) ->> c, ' ' ORDER BY n) INTO key_is
			FROM unnest(columns) WITH ORDINALITY u (c, n);
		IF key_is = key_was THEN
			RETURN NULL;
		END IF;
	END IF;
	INSERT INTO public.model_gone (target, key, what, old)
		VALUES (TG_ARGV[0], key_was, TG_OP, was);
	RETURN NULL;
END $$;

CREATE FUNCTION model_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	DELETE FROM public.model_gone WHERE target = TG_ARGV[0];
	RETURN NULL;
END $$;
