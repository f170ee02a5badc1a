"""Limit the list of new entries of the index of words to 256 kB. The list stays in the index as free space."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations

SHORTER = 'ALTER INDEX activity_words SET (gin_pending_list_limit = 256)'


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0012_document_key'),
    ]

    operations = [
        # Django's own operations would build the index again, and lock the table meanwhile.
        migrations.RunSQL(
            SHORTER,
            'ALTER INDEX activity_words RESET (gin_pending_list_limit)',
            state_operations=[
                migrations.RemoveIndex(model_name='activity', name='activity_words'),
                migrations.AddIndex(
                    model_name='activity',
                    index=django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.search.SearchVector('summary', config='simple'),
                        gin_pending_list_limit=256,
                        name='activity_words',
                    ),
                ),
            ],
        ),
    ]
