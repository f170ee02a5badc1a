"""Give the timeline short keys instead of texts: the rows of the earlier table move later, while collections run.

The earlier table is renamed, so that this migration takes no longer for a large timeline. The weekly counts are
converted at once and stay exact while the rows move (``core/ingest/timeline_move.py``).
"""

from pathlib import Path

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import core.models.timeline

TRIGGERS = Path(__file__).with_name('slim_timeline.sql').read_text()
SET_ASIDE = """
    LOCK TABLE core_activity IN ACCESS EXCLUSIVE MODE;
    DROP TRIGGER core_activity_inserted ON core_activity;
    DROP TRIGGER core_activity_updated ON core_activity;
    DROP TRIGGER core_activity_deleted ON core_activity;
    DROP FUNCTION core_activity_inserted, core_activity_updated, core_activity_deleted;
    DROP INDEX activity_by_time, activity_by_type, activity_by_name, activity_words;
    ALTER TABLE core_activity RENAME TO core_oldactivity;
    ALTER SEQUENCE core_activity_id_seq RENAME TO core_oldactivity_id_seq;
    ALTER INDEX core_activity_pkey RENAME TO core_oldactivity_pkey;
    ALTER INDEX activity_identity RENAME TO oldactivity_identity;
    ALTER INDEX activity_by_scope RENAME TO oldactivity_by_scope;
    ALTER INDEX activity_by_actor RENAME TO oldactivity_by_actor;
    ALTER INDEX activity_by_thread RENAME TO oldactivity_by_thread;
    ALTER TABLE core_activityweek RENAME TO core_oldactivityweek;
    ALTER TABLE core_personweek RENAME TO core_oldpersonweek;
    ALTER INDEX core_activityweek_pkey RENAME TO core_oldactivityweek_pkey;
    ALTER INDEX core_personweek_pkey RENAME TO core_oldpersonweek_pkey;
"""
COUNTS = """
    INSERT INTO core_activitytype (source_system, name)
    SELECT DISTINCT s.source_system, w.activity_type FROM core_oldactivityweek w JOIN core_scope s ON s.id = w.scope_id;
    INSERT INTO core_activityweek (week, scope_id, type_id, count)
    SELECT w.week, w.scope_id, t.id, w.count FROM core_oldactivityweek w JOIN core_scope s ON s.id = w.scope_id
    JOIN core_activitytype t ON t.source_system = s.source_system AND t.name = w.activity_type;
    INSERT INTO core_personweek (week, scope_id, actor, type_id, count)
    SELECT w.week, w.scope_id, w.actor_external_id::bigint, t.id, w.count
    FROM core_oldpersonweek w JOIN core_scope s ON s.id = w.scope_id
    JOIN core_activitytype t ON t.source_system = s.source_system AND t.name = w.activity_type
    WHERE CASE WHEN w.actor_external_id ~ '^-?[0-9]{1,19}$'
        THEN w.actor_external_id::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 ELSE false END;
    ANALYZE core_activityweek, core_personweek;
    DROP TABLE core_oldactivityweek, core_oldpersonweek;
    SELECT setval('core_activity_id_seq', greatest((SELECT max(id) FROM core_oldactivity), 1));
    DO $$ BEGIN
        IF NOT EXISTS (SELECT 1 FROM core_oldactivity) THEN
            DROP TABLE core_oldactivity;
        END IF;
    END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0010_vectors_once'),
    ]

    operations = [
        migrations.RunSQL(
            SET_ASIDE,
            state_operations=[
                migrations.DeleteModel('Activity'),
                migrations.DeleteModel('ActivityWeek'),
                migrations.DeleteModel('PersonWeek'),
            ],
        ),
        migrations.CreateModel(
            name='ExternalIdPrefix',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('source_system', models.CharField(max_length=32)),
                ('text', models.CharField(max_length=200)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('source_system', 'text'), name='external_id_prefix_identity')],
            },
        ),
        migrations.CreateModel(
            name='ActivityType',
            fields=[
                ('id', models.SmallAutoField(primary_key=True, serialize=False)),
                ('source_system', models.CharField(max_length=32)),
                ('name', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('source_system', 'name'), name='activity_type_identity')],
            },
        ),
        migrations.CreateModel(
            name='Activity',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('occurred_at', models.DateTimeField()),
                ('number', models.BigIntegerField(help_text='Last part of the external id, or the hash of a part that is not a number.')),
                ('thread_number', models.BigIntegerField(help_text='As number, for the external id of the thread.', null=True)),
                ('actor', models.BigIntegerField(help_text='Account id. Empty if there is no account.', null=True)),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('deleted_at', models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True)),
                ('scope', core.models.timeline.IntegerKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='activities', to='core.scope')),
                ('prefix', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.externalidprefix')),
                ('thread_prefix', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.externalidprefix')),
                ('type', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.activitytype')),
                ('common', models.BooleanField(default=False, help_text='Whether the type is so common that the index by type leaves it out.')),
                ('code', models.BinaryField(default=b'', help_text='Last part of the external id if it is not a number.')),
                ('thread_code', models.BinaryField(help_text='As code, for the external id of the thread.', null=True)),
                ('actor_name', core.models.timeline.OptionalText(blank=True, max_length=200, null=True)),
                ('source_url', core.models.timeline.OptionalText(blank=True, max_length=1000, null=True)),
                ('summary', core.models.timeline.OptionalText(blank=True, max_length=300, null=True)),
            ],
            options={
                'verbose_name_plural': 'activities',
                'ordering': ['-occurred_at', '-id'],
                'indexes': [models.Index(fields=['occurred_at'], name='activity_by_time'), models.Index(fields=['scope', 'occurred_at'], name='activity_by_scope'), models.Index(condition=models.Q(('common', False)), fields=['type', 'occurred_at'], name='activity_by_type'), models.Index(fields=['actor', 'occurred_at'], name='activity_by_actor'), models.Index(fields=['thread_number'], name='activity_by_thread'), models.Index(django.db.models.functions.text.Lower('actor_name'), models.OrderBy(models.F('occurred_at'), descending=True), condition=models.Q(('actor_name__isnull', False)), name='activity_by_name'), django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector('summary', config='simple'), name='activity_words')],
                'constraints': [models.UniqueConstraint(fields=('number', 'prefix', 'code'), name='activity_identity')],
            },
        ),
        migrations.CreateModel(
            name='ActivityWeek',
            fields=[
                ('pk', models.CompositePrimaryKey('week', 'scope_id', 'type_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('week', models.DateField()),
                ('scope', core.models.timeline.IntegerKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='core.scope')),
                ('count', models.IntegerField()),
                ('type', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.activitytype')),
            ],
            options={
            },
        ),
        migrations.CreateModel(
            name='PersonWeek',
            fields=[
                ('pk', models.CompositePrimaryKey('week', 'scope_id', 'actor', 'type_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('actor', models.BigIntegerField(help_text='Account id.')),
                ('week', models.DateField()),
                ('scope', core.models.timeline.IntegerKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='core.scope')),
                ('count', models.IntegerField()),
                ('type', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.activitytype')),
            ],
            options={
            },
        ),
        migrations.RunSQL(TRIGGERS),
        migrations.RunSQL(COUNTS),
    ]
