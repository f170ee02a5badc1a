-- The functions and triggers of the timeline with short keys.

CREATE OR REPLACE FUNCTION core_external_id(prefix text, number bigint, code bytea) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN prefix || CASE
    WHEN coalesce(length(code), 0) = 0 THEN number::text
    WHEN get_byte(code, 0) = 104 THEN encode(substr(code, 2), 'hex')
    ELSE convert_from(substr(code, 2), 'UTF8')
END;

-- Counts by week follow every statement on the timeline, in its own transaction. Rows that move here from the timeline
-- of an earlier release are already counted: core.move is set while they move.

CREATE FUNCTION core_activity_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('core.move', true) = 'on' THEN
        RETURN NULL;
    END IF;
    WITH people AS (
        INSERT INTO core_personweek AS kept (week, scope_id, actor, type_id, count)
        SELECT core_week(occurred_at), scope_id, actor, type_id, count(*)
        FROM now_there WHERE deleted_at IS NULL AND actor IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (week, scope_id, actor, type_id) DO UPDATE SET count = kept.count + excluded.count
    )
    INSERT INTO core_activityweek AS kept (week, scope_id, type_id, count)
    SELECT core_week(occurred_at), scope_id, type_id, count(*)
    FROM now_there WHERE deleted_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (week, scope_id, type_id) DO UPDATE SET count = kept.count + excluded.count;
    RETURN NULL;
END $$;

CREATE FUNCTION core_activity_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE core_activityweek AS kept SET count = kept.count - gone.count FROM (
        SELECT core_week(occurred_at) AS week, scope_id, type_id, count(*)
        FROM was_there WHERE deleted_at IS NULL GROUP BY 1, 2, 3
    ) AS gone
    WHERE (kept.week, kept.scope_id, kept.type_id) = (gone.week, gone.scope_id, gone.type_id);
    UPDATE core_personweek AS kept SET count = kept.count - gone.count FROM (
        SELECT core_week(occurred_at) AS week, scope_id, actor, type_id, count(*)
        FROM was_there WHERE deleted_at IS NULL AND actor IS NOT NULL GROUP BY 1, 2, 3, 4
    ) AS gone
    WHERE (kept.week, kept.scope_id, kept.actor, kept.type_id) = (gone.week, gone.scope_id, gone.actor, gone.type_id);
    RETURN NULL;
END $$;

CREATE FUNCTION core_activity_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core_activityweek AS kept (week, scope_id, type_id, count)
    SELECT week, scope_id, type_id, sum(change) FROM (
        SELECT core_week(occurred_at) AS week, scope_id, type_id, 1 AS change FROM now_there WHERE deleted_at IS NULL
        UNION ALL
        SELECT core_week(occurred_at), scope_id, type_id, -1 FROM was_there WHERE deleted_at IS NULL
    ) AS changes GROUP BY 1, 2, 3 HAVING sum(change) <> 0 ORDER BY 1, 2, 3
    ON CONFLICT (week, scope_id, type_id) DO UPDATE SET count = kept.count + excluded.count;
    INSERT INTO core_personweek AS kept (week, scope_id, actor, type_id, count)
    SELECT week, scope_id, actor, type_id, sum(change) FROM (
        SELECT core_week(occurred_at) AS week, scope_id, actor, type_id, 1 AS change
        FROM now_there WHERE deleted_at IS NULL AND actor IS NOT NULL
        UNION ALL
        SELECT core_week(occurred_at), scope_id, actor, type_id, -1
        FROM was_there WHERE deleted_at IS NULL AND actor IS NOT NULL
    ) AS changes GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0 ORDER BY 1, 2, 3, 4
    ON CONFLICT (week, scope_id, actor, type_id) DO UPDATE SET count = kept.count + excluded.count;
    RETURN NULL;
END $$;

CREATE TRIGGER core_activity_inserted AFTER INSERT ON core_activity
REFERENCING NEW TABLE AS now_there FOR EACH STATEMENT EXECUTE FUNCTION core_activity_inserted();
CREATE TRIGGER core_activity_updated AFTER UPDATE ON core_activity
REFERENCING OLD TABLE AS was_there NEW TABLE AS now_there FOR EACH STATEMENT EXECUTE FUNCTION core_activity_updated();
CREATE TRIGGER core_activity_deleted AFTER DELETE ON core_activity
REFERENCING OLD TABLE AS was_there FOR EACH STATEMENT EXECUTE FUNCTION core_activity_deleted();
