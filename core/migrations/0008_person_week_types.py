"""Counts of people get the type of the activity, so that rankings can leave some types out."""

from pathlib import Path

from django.db import migrations, models

COUNT_BY_TYPE = Path(__file__).with_name('person_types.sql').read_text()


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0007_run_order_and_busy'),
    ]

    operations = [
        migrations.RunSQL('LOCK TABLE core_activity IN SHARE ROW EXCLUSIVE MODE; TRUNCATE core_personweek'),
        migrations.RemoveConstraint(model_name='personweek', name='person_week_identity'),
        migrations.AddField(
            model_name='personweek',
            name='activity_type',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='personweek',
            constraint=models.UniqueConstraint(
                fields=('week', 'scope', 'actor_external_id', 'activity_type'), name='person_week_identity'
            ),
        ),
        migrations.RunSQL(COUNT_BY_TYPE),
    ]
