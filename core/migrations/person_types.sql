-- Counts of what people did, by the type of the activity. The lock keeps writers out until the migration ends, so what
-- is counted here is neither counted twice nor missed.

LOCK TABLE core_activity IN SHARE ROW EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION core_activity_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core_activityweek AS kept (week, scope_id, activity_type, count)
    SELECT core_week(occurred_at), scope_id, activity_type, count(*)
    FROM now_there WHERE deleted_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (week, scope_id, activity_type) DO UPDATE SET count = kept.count + excluded.count;
    INSERT INTO core_personweek AS kept (week, scope_id, actor_external_id, activity_type, count)
    SELECT core_week(occurred_at), scope_id, actor_external_id, activity_type, count(*)
    FROM now_there WHERE deleted_at IS NULL AND actor_external_id <> '' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (week, scope_id, actor_external_id, activity_type) DO UPDATE SET count = kept.count + excluded.count;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION core_activity_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE core_activityweek AS kept SET count = kept.count - gone.count FROM (
        SELECT core_week(occurred_at) AS week, scope_id, activity_type, count(*)
        FROM was_there WHERE deleted_at IS NULL GROUP BY 1, 2, 3
    ) AS gone
    WHERE (kept.week, kept.scope_id, kept.activity_type) = (gone.week, gone.scope_id, gone.activity_type);
    UPDATE core_personweek AS kept SET count = kept.count - gone.count FROM (
        SELECT core_week(occurred_at) AS week, scope_id, actor_external_id, activity_type, count(*)
        FROM was_there WHERE deleted_at IS NULL AND actor_external_id <> '' GROUP BY 1, 2, 3, 4
    ) AS gone
    WHERE (kept.week, kept.scope_id, kept.actor_external_id, kept.activity_type)
        = (gone.week, gone.scope_id, gone.actor_external_id, gone.activity_type);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION core_activity_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core_activityweek AS kept (week, scope_id, activity_type, count)
    SELECT week, scope_id, activity_type, sum(change) FROM (
        SELECT core_week(occurred_at) AS week, scope_id, activity_type, 1 AS change FROM now_there WHERE deleted_at IS NULL
        UNION ALL
        SELECT core_week(occurred_at), scope_id, activity_type, -1 FROM was_there WHERE deleted_at IS NULL
    ) AS changes GROUP BY 1, 2, 3 HAVING sum(change) <> 0 ORDER BY 1, 2, 3
    ON CONFLICT (week, scope_id, activity_type) DO UPDATE SET count = kept.count + excluded.count;
    INSERT INTO core_personweek AS kept (week, scope_id, actor_external_id, activity_type, count)
    SELECT week, scope_id, actor_external_id, activity_type, sum(change) FROM (
        SELECT core_week(occurred_at) AS week, scope_id, actor_external_id, activity_type, 1 AS change
        FROM now_there WHERE deleted_at IS NULL AND actor_external_id <> ''
        UNION ALL
        SELECT core_week(occurred_at), scope_id, actor_external_id, activity_type, -1
        FROM was_there WHERE deleted_at IS NULL AND actor_external_id <> ''
    ) AS changes GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0 ORDER BY 1, 2, 3, 4
    ON CONFLICT (week, scope_id, actor_external_id, activity_type) DO UPDATE SET count = kept.count + excluded.count;
    RETURN NULL;
END $$;

DELETE FROM core_personweek;
INSERT INTO core_personweek (week, scope_id, actor_external_id, activity_type, count)
SELECT core_week(occurred_at), scope_id, actor_external_id, activity_type, count(*)
FROM core_activity WHERE deleted_at IS NULL AND actor_external_id <> '' GROUP BY 1, 2, 3, 4;
