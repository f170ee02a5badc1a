"""Store the author, time and kind of each passage, and the state, labels and other properties of each document.

The second text vector keeps only the words that the first one does not contain. The table of chunks is rewritten once.
Meanwhile, it needs its own size again as free disk space. The next sync renders all documents again to fill the new
columns, and embeds nothing again.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models
from django.db.models import Func

WORDS_OF_BOTH = """
    DELETE FROM core_commonword s USING core_commonword t
    WHERE s.vector = 'tsv_simple' AND t.vector = 'tsv' AND s.lexeme = t.lexeme AND s.lexeme <> ''
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0013_shorter_pending_list'),
    ]

    operations = [
        migrations.AddField(
            model_name='document',
            name='number',
            field=models.CharField(blank=True, db_default='', help_text='Number in the source, such as 312.', max_length=50),
        ),
        migrations.AddField(
            model_name='document',
            name='state',
            field=models.CharField(blank=True, db_default='', help_text='open, closed, merged or empty.', max_length=32),
        ),
        migrations.AddField(
            model_name='document',
            name='answered',
            field=models.BooleanField(blank=True, help_text='Whether the question has an answer. Empty if it is not a question.', null=True),
        ),
        migrations.AddField(
            model_name='document',
            name='labels',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='document',
            name='private',
            field=models.BooleanField(db_default=False, default=False, help_text='Whether only some people may read it.'),
        ),
        migrations.AddField(
            model_name='document',
            name='language',
            field=models.CharField(blank=True, db_default='', help_text='ISO 639-1 code. Empty if the language is unknown.', max_length=2),
        ),
        migrations.AddField(
            model_name='document',
            name='changed_at',
            field=models.DateTimeField(blank=True, help_text='Last change in the source, or the time of the newest passage.', null=True),
        ),
        migrations.AddField(
            model_name='chunk',
            name='author',
            field=models.TextField(blank=True, db_default='', help_text='Author of the passage.'),
        ),
        migrations.AddField(
            model_name='chunk',
            name='occurred_at',
            field=models.DateTimeField(blank=True, help_text='Time of the passage.', null=True),
        ),
        migrations.AddField(
            model_name='chunk',
            name='kind',
            field=models.TextField(blank=True, db_default='', help_text='What the passage is, such as review comment.'),
        ),
        migrations.RemoveIndex(model_name='chunk', name='chunk_tsv_simple'),
        migrations.RemoveField(model_name='chunk', name='tsv_simple'),
        # PostgreSQL rewrites the table here. The columns above have constant defaults, so they need no rewrite.
        migrations.AddField(
            model_name='chunk',
            name='tsv_simple',
            field=models.GeneratedField(
                db_persist=True,
                expression=Func(
                    Func(
                        django.contrib.postgres.search.SearchVector('text', 'words', config='simple'),
                        Func(django.contrib.postgres.search.SearchVector('text', config='english'), function='tsvector_to_array'),
                        function='ts_delete',
                    ),
                    function='strip',
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tsv_simple'], gin_pending_list_limit=256, name='chunk_tsv_simple'),
        ),
        # Django's own operations would build this index again.
        migrations.RunSQL(
            'ALTER INDEX chunk_tsv SET (gin_pending_list_limit = 256)',
            'ALTER INDEX chunk_tsv RESET (gin_pending_list_limit)',
            state_operations=[
                migrations.RemoveIndex(model_name='chunk', name='chunk_tsv'),
                migrations.AddIndex(
                    model_name='chunk',
                    index=django.contrib.postgres.indexes.GinIndex(fields=['tsv'], gin_pending_list_limit=256, name='chunk_tsv'),
                ),
            ],
        ),
        migrations.RunSQL(WORDS_OF_BOTH, migrations.RunSQL.noop),
    ]
