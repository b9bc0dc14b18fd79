-- What was done, by whom, to what: one row per event, appended in one chain, never changed.
CREATE TABLE :"audit".event (
    sequence bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    id text NOT NULL,
    happened_at timestamptz NOT NULL,
    source text NOT NULL,
    operation text NOT NULL,
    event text NOT NULL,
    action text,
    user_name text,
    table_name text,
    ref text,
    denied boolean NOT NULL,
    rows bigint,
    bytes bigint,
    error text,
    details jsonb NOT NULL,
    database_user text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (recorded_at, sequence)
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE :"audit".event IS 'The audit trail; appended to by append() only, a partition per month (UTC)';
COMMENT ON COLUMN :"audit".event.sequence IS 'Place in the chain, without a gap';
COMMENT ON COLUMN :"audit".event.recorded_at IS 'When the database took it';
COMMENT ON COLUMN :"audit".event.id IS 'Given by who reports it; what comes twice is stored once';
COMMENT ON COLUMN :"audit".event.happened_at IS 'When it happened, by the clock of who reports it';
COMMENT ON COLUMN :"audit".event.source IS 'phlo-sql, or trino for what was collected from a server';
COMMENT ON COLUMN :"audit".event.operation IS 'The run or the query that it belongs to';
COMMENT ON COLUMN :"audit".event.event IS 'granted, refused, planned, started, step finished, failed, …';
COMMENT ON COLUMN :"audit".event.action IS 'optimize, vacuum, grant, select, …';
COMMENT ON COLUMN :"audit".event.user_name IS 'As Trino authenticated them';
COMMENT ON COLUMN :"audit".event.table_name IS 'Table or resource, with its catalog';
COMMENT ON COLUMN :"audit".event.ref IS 'Branch or tag, where one was named';
COMMENT ON COLUMN :"audit".event.denied IS 'Whether the policies, or Trino, refused it';
COMMENT ON COLUMN :"audit".event.rows IS 'Rows read and written, where they are known';
COMMENT ON COLUMN :"audit".event.bytes IS 'Bytes read and written, where they are known';
COMMENT ON COLUMN :"audit".event.error IS 'What went wrong';
COMMENT ON COLUMN :"audit".event.details IS 'Everything else that was reported';
COMMENT ON COLUMN :"audit".event.database_user IS 'The database role that appended it';
COMMENT ON COLUMN :"audit".event.previous IS 'Hash of the row before';
COMMENT ON COLUMN :"audit".event.hash IS 'SHA-256 over the row before and every column of this one';
CREATE INDEX event_id ON :"audit".event (id);
CREATE INDEX event_sequence ON :"audit".event (sequence);
CREATE INDEX event_user ON :"audit".event (user_name, happened_at);
CREATE INDEX event_table ON :"audit".event (table_name, happened_at);
CREATE INDEX event_time ON :"audit".event (happened_at);
CREATE INDEX event_operation ON :"audit".event (operation, sequence);

CREATE TABLE :"audit".head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    recorded_at timestamptz NOT NULL
);
COMMENT ON TABLE :"audit".head IS 'The end of the chain: tells when the newest rows are missing';
INSERT INTO :"audit".head (sequence, hash, recorded_at) VALUES (0, '\x', '-infinity');

CREATE TABLE :"audit".anchor (
    sequence bigint PRIMARY KEY,
    hash bytea NOT NULL,
    pruned_rows bigint NOT NULL,
    older_than timestamptz NOT NULL,
    pruned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    pruned_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE :"audit".anchor IS 'Where the chain begins after a prune: the last row that went';

CREATE FUNCTION :"audit".sealed(given :"audit".event) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(given.previous || convert_to(jsonb_build_array(
        given.sequence, extract(epoch FROM given.recorded_at), given.id,
        extract(epoch FROM given.happened_at), given.source, given.operation, given.event,
        given.action, given.user_name, given.table_name, given.ref, given.denied, given.rows,
        given.bytes, given.error, given.details, given.database_user)::text, 'UTF8'))
$$;
COMMENT ON FUNCTION :"audit".sealed IS 'The hash that a row must have';

CREATE FUNCTION :"audit".refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('phlo_sql.pruning', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit trail is not changed: % refused', TG_OP USING ERRCODE = 'PA003';
END
$$;
COMMENT ON FUNCTION :"audit".refuse_change IS 'Keeps the trail append-only; only prune() takes rows away';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON :"audit".event
FOR EACH ROW EXECUTE FUNCTION :"audit".refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON :"audit".event
FOR EACH STATEMENT EXECUTE FUNCTION :"audit".refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON :"audit".anchor
FOR EACH ROW EXECUTE FUNCTION :"audit".refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON :"audit".anchor
FOR EACH STATEMENT EXECUTE FUNCTION :"audit".refuse_change();

-- The search path stands outside of the bodies, where psql fills in the schema's name.
CREATE FUNCTION :"audit".make_month(at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :"audit", pg_temp AS $$
DECLARE
    begins timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
    named text := to_char(begins, '"event_"YYYY_MM');
BEGIN
    IF to_regclass(quote_ident(named)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF event FOR VALUES FROM (%L) TO (%L)',
            named, begins::text || '+00', (begins + interval '1 month')::text || '+00');
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', named);
    END IF;
END
$$;
COMMENT ON FUNCTION :"audit".make_month IS 'Makes the partition of a month, where it is missing';

CREATE FUNCTION :"audit".append(events jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :"audit", pg_temp AS $$
DECLARE
    given jsonb;
    made event;
    last head;
    known event;
    added integer := 0;
BEGIN
    -- One after the other: each row holds the hash of the one before.
    SELECT * INTO STRICT last FROM head FOR UPDATE;
    FOR given IN SELECT * FROM jsonb_array_elements(events) LOOP
        CONTINUE WHEN EXISTS (SELECT FROM event WHERE id = given->>'id');
        known := NULL;
        IF given->>'user' IS NULL OR given->>'table' IS NULL OR given->>'action' IS NULL THEN
            SELECT e.* INTO known FROM event e
            WHERE e.operation = given->>'operation' AND e.user_name IS NOT NULL
            ORDER BY e.sequence LIMIT 1;
        END IF;
        made := NULL;
        made.sequence := last.sequence + 1;
        made.recorded_at := greatest(clock_timestamp(), last.recorded_at);
        made.id := given->>'id';
        made.happened_at := (given->>'happened_at')::timestamptz;
        made.source := given->>'source';
        made.operation := given->>'operation';
        made.event := given->>'event';
        made.action := coalesce(given->>'action', known.action);
        made.user_name := coalesce(given->>'user', known.user_name);
        made.table_name := coalesce(given->>'table', known.table_name);
        made.ref := coalesce(given->>'ref', known.ref);
        made.denied := coalesce((given->>'denied')::boolean, false);
        made.rows := (given->>'rows')::bigint;
        made.bytes := (given->>'bytes')::bigint;
        made.error := given->>'error';
        made.details := coalesce(given->'details', '{}');
        made.database_user := session_user;
        made.previous := last.hash;
        made.hash := sealed(made);
        IF made.sequence = 1
           OR date_trunc('month', made.recorded_at AT TIME ZONE 'UTC')
              IS DISTINCT FROM date_trunc('month', last.recorded_at AT TIME ZONE 'UTC') THEN
            PERFORM make_month(made.recorded_at);
        END IF;
        INSERT INTO event SELECT made.*;
        last.sequence := made.sequence;
        last.hash := made.hash;
        last.recorded_at := made.recorded_at;
        added := added + 1;
    END LOOP;
    UPDATE head SET sequence = last.sequence, hash = last.hash, recorded_at = last.recorded_at;
    RETURN added;
END
$$;
COMMENT ON FUNCTION :"audit".append IS 'Appends what is not there yet; returns how many rows that were';

CREATE FUNCTION :"audit".broken() RETURNS TABLE (sequence bigint, finding text)
LANGUAGE sql STABLE SET search_path = :"audit", pg_temp AS $$
    WITH start AS (
        SELECT coalesce(max(a.sequence), 0) AS sequence FROM anchor a
    ), chain AS (
        SELECT e.sequence, e.previous, e.hash, sealed(e) AS right_hash,
               lag(e.sequence, 1, s.sequence) OVER w AS before,
               lag(e.hash, 1, coalesce((SELECT a.hash FROM anchor a WHERE a.sequence = s.sequence),
                                       '\x')) OVER w AS hash_before
        FROM event e CROSS JOIN start s
        WINDOW w AS (ORDER BY e.sequence)
    )
    SELECT c.sequence, CASE
        WHEN c.sequence <= c.before THEN 'inserted: there are two of this number'
        WHEN c.sequence > c.before + 1 THEN format('missing: %s row(s) before it', c.sequence - c.before - 1)
        WHEN c.hash <> c.right_hash THEN 'altered: the row is not what was recorded'
        ELSE 'inserted: it does not follow the row before' END
    FROM chain c
    WHERE c.sequence <> c.before + 1 OR c.hash <> c.right_hash OR c.previous <> c.hash_before
    UNION ALL
    SELECT h.sequence, format('missing: the newest rows, after %s', coalesce(l.sequence, 0))
    FROM head h LEFT JOIN LATERAL (
        SELECT e.sequence, e.hash FROM event e ORDER BY e.sequence DESC LIMIT 1) l ON true
    CROSS JOIN start s
    WHERE h.sequence > coalesce(l.sequence, s.sequence)
    UNION ALL
    SELECT l.sequence, 'inserted: the chain ended before it'
    FROM head h JOIN LATERAL (
        SELECT e.sequence FROM event e ORDER BY e.sequence DESC LIMIT 1) l ON true
    WHERE l.sequence > h.sequence
    ORDER BY 1
$$;
COMMENT ON FUNCTION :"audit".broken IS 'Rows that were altered or inserted, or before which rows are missing';

CREATE FUNCTION :"audit".prune(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = :"audit", pg_temp AS $$
DECLARE
    last event;
    gone bigint;
    month record;
BEGIN
    PERFORM FROM head FOR UPDATE;
    SELECT * INTO last FROM event WHERE recorded_at < before ORDER BY sequence DESC LIMIT 1;
    IF last.sequence IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM set_config('phlo_sql.pruning', 'on', true);
    DELETE FROM event WHERE sequence <= last.sequence;
    GET DIAGNOSTICS gone = ROW_COUNT;
    PERFORM set_config('phlo_sql.pruning', 'off', true);
    INSERT INTO anchor (sequence, hash, pruned_rows, older_than)
    VALUES (last.sequence, last.hash, gone, before);
    FOR month IN
        SELECT c.oid::regclass AS named FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'event'::regclass
          AND c.relname < to_char(before AT TIME ZONE 'UTC', '"event_"YYYY_MM')
    LOOP
        EXECUTE format('DROP TABLE %s', month.named);
    END LOOP;
    RETURN gone;
END
$$;
COMMENT ON FUNCTION :"audit".prune IS 'Takes away the oldest rows and leaves an anchor; for the owner';
REVOKE ALL ON FUNCTION :"audit".append, :"audit".prune, :"audit".make_month, :"audit".broken FROM PUBLIC;

CREATE VIEW :"audit".events AS
SELECT happened_at, user_name, action, table_name, ref, event, denied, rows, bytes, error, operation,
       source, details, recorded_at, sequence
FROM :"audit".event;
COMMENT ON VIEW :"audit".events IS 'Who did what to which table, and how it went';
