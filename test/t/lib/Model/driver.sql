-- The driver of the model test: one process runs a script statement by
-- statement over four connections to each of two databases, so that the
-- order is the script's and nobody waits: what would block fails by
-- lock_timeout, in both databases.

CREATE TABLE step (
	n int PRIMARY KEY,
	session text NOT NULL,
	kind text NOT NULL,
	a text,						-- for the database with syncport
	b text,						-- for its twin
	find text,					-- undelete: finds the row for b
	allow text[] NOT NULL		-- differences that are legitimate
);

CREATE TABLE outcome (
	n int,
	what text,
	a_state text, a_tag text, a_message text,
	b_state text, b_tag text, b_message text,
	verdict text
);

-- Run a statement; an error is an outcome.  RESTRICT has a code of its own
-- since PostgreSQL 18.
CREATE FUNCTION attempt(connection text, statement text, has_row boolean,
	OUT state text, OUT tag text, OUT message text)
LANGUAGE plpgsql AS $$
BEGIN
	state := '00000';
	IF has_row THEN
		SELECT line INTO tag FROM dblink(connection, statement) t (line text);
	ELSE
		tag := dblink_exec(connection, statement);
	END IF;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
		message = MESSAGE_TEXT;
	tag := NULL;
	IF state = '23001' THEN
		state := '23503';
	END IF;
END $$;

-- How do the two outcomes differ?
CREATE FUNCTION judge(o outcome) RETURNS text
LANGUAGE sql AS $$
	SELECT CASE
		WHEN o.a_state = o.b_state AND o.a_tag IS NOT DISTINCT FROM o.b_tag
			THEN 'same'
		WHEN o.a_state IN ('55P03', '40001') OR o.b_state IN ('55P03', '40001')
			THEN 'lock'
		-- ON CONFLICT takes no deferrable key, if it gets as far
		WHEN '55000' IN (o.a_state, o.b_state) THEN 'matched'
		WHEN o.b_state = '00000' THEN CASE
			WHEN o.a_state = '00000' THEN 'matched'
			WHEN o.a_state IN ('23505', '23P01') THEN 'taken'
			-- the tombstone is another tenant's
			WHEN o.a_state = '42501' AND o.b_tag ~ '^(INSERT|MERGE)'
				AND o.a_message ~ 'USING expression' THEN 'taken'
			WHEN o.a_state = '23503' THEN 'counts'
			WHEN o.a_state IN ('23502', '23514') THEN 'acts'
			ELSE 'failed' END
		-- a tombstone matched, and no branch was for it
		WHEN o.a_state = '00000' AND o.a_tag = 'MERGE 0' THEN 'matched'
		WHEN o.a_state = '00000' THEN
			CASE o.b_state WHEN '23503' THEN 'below' ELSE 'passed' END
		ELSE 'both' END
$$;

-- Run one statement in both databases; the twin may be missing.
CREATE FUNCTION run_both(s step, what text, twin boolean, a text, b text,
	has_row boolean) RETURNS outcome
LANGUAGE plpgsql AS $$
DECLARE
	o outcome;
BEGIN
	o.n := s.n;
	o.what := what;
	SELECT r.state, r.tag, r.message INTO o.a_state, o.a_tag, o.a_message
		FROM attempt('a' || s.session, a, has_row) r;
	IF twin THEN
		SELECT r.state, r.tag, r.message INTO o.b_state, o.b_tag, o.b_message
			FROM attempt('b' || s.session, b, has_row) r;
		IF what = 'undelete' THEN
			o.a_tag := substring(o.a_tag FROM '\d+$');
			o.b_tag := substring(o.b_tag FROM '\d+$');
		END IF;
		o.verdict := judge(o);
	ELSE
		o.verdict := 'same';
	END IF;
	INSERT INTO outcome SELECT o.*;
	RETURN o;
END $$;

-- Run the script; the number of the step where the databases parted, or
-- where ours failed in a way that no statement of a user's should.
CREATE FUNCTION run_script(twin boolean) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
	s step;
	o outcome;
	found record;
	running boolean[] := '{f,f,f,f}';
	saved boolean[] := '{f,f,f,f}';
	i int;
	command text;
BEGIN
	FOR s IN SELECT * FROM step ORDER BY n LOOP
		i := s.session::int;
		CONTINUE WHEN NOT running[i] AND s.kind <> 'begin';
		o := NULL;
		CASE s.kind
		WHEN 'begin' THEN
			o := run_both(s, s.a, twin, s.a, s.a, false);
			running[i] := true;
			saved[i] := false;
		WHEN 'savepoint' THEN
			o := run_both(s, 'savepoint', twin, 'SAVEPOINT s', 'SAVEPOINT s', false);
			saved[i] := true;
		WHEN 'back' THEN
			IF saved[i] THEN
				o := run_both(s, 'back', twin, 'ROLLBACK TO s', 'ROLLBACK TO s', false);
			END IF;
		WHEN 'run', 'rows' THEN
			o := run_both(s, s.a, twin, s.a, coalesce(s.b, s.a), s.kind = 'rows');
		WHEN 'ours' THEN
			o := run_both(s, s.a, false, s.a, NULL, false);
		WHEN 'undelete' THEN
			SELECT * INTO found FROM attempt('a' || s.session, s.find, true);
			IF found.state <> '00000' THEN
				o.a_state := found.state;
				o.verdict := 'lock';
			ELSIF found.tag IS NOT NULL THEN
				o := run_both(s, 'undelete', twin, s.a, format(s.b, found.tag), false);
			END IF;
		WHEN 'purge' THEN
			SELECT * INTO found FROM attempt('purge',
				'DO ''DECLARE p bigint; s bigint; BEGIN
					CALL syncport.purge(NULL, 3, p, s); END''', false);
			INSERT INTO outcome (n, what, a_state, a_message, verdict)
				VALUES (s.n, 'purge', found.state, found.message, 'same');
			IF found.state = '00000' THEN
				PERFORM dblink_exec('log', 'DELETE FROM model_gone');
			ELSIF found.state <> '55P03' THEN
				RETURN s.n;
			END IF;
		WHEN 'commit' THEN
			command := 'SET CONSTRAINTS ALL IMMEDIATE';
			o := run_both(s, 'commit', twin, command, command, false);
			IF o.a_state = '00000' AND o.verdict = 'same' THEN
				o := run_both(s, 'commit', twin, 'COMMIT', 'COMMIT', false);
				-- what was checked cannot fail now
				IF o.verdict <> 'same' OR o.a_state <> '00000' THEN
					RETURN s.n;
				END IF;
			END IF;
		WHEN 'rollback' THEN
			o := run_both(s, 'rollback', twin, 'ROLLBACK', 'ROLLBACK', false);
		END CASE;
		-- internal errors, and those that call for a constraint of ours
		IF o.a_state IS NOT NULL AND o.a_state !~ '^(00|23|40001|42501|24|55|21000)'
			OR o.verdict <> 'same' AND o.verdict <> ALL (s.allow) THEN
			RETURN s.n;
		END IF;
		IF o.verdict <> 'same' OR o.a_state <> '00000' THEN
			command := CASE WHEN saved[i] AND s.kind <> 'commit'
				THEN 'ROLLBACK TO s' ELSE 'ROLLBACK' END;
			PERFORM dblink_exec('a' || i, command);
			IF twin THEN
				PERFORM dblink_exec('b' || i, command);
			END IF;
			running[i] := command <> 'ROLLBACK';
		ELSIF s.kind IN ('commit', 'rollback') THEN
			running[i] := false;
		END IF;
	END LOOP;
	RETURN NULL;
END $$;
