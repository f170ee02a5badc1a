import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='CommonWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('vector', models.CharField(help_text='The column of chunks: tsv or tsv_simple.', max_length=16)),
                ('lexeme', models.TextField(help_text='Empty: the line that says how many chunks there were.')),
                ('share', models.FloatField(help_text='Of all chunks, 0 to 1; for the empty lexeme their number.')),
            ],
        ),
        migrations.AddField(
            model_name='chunk',
            name='author',
            field=models.TextField(blank=True, help_text='Who wrote this passage.'),
        ),
        migrations.AddField(
            model_name='chunk',
            name='occurred_at',
            field=models.DateTimeField(blank=True, help_text='When this passage was written (UTC).', null=True),
        ),
        migrations.AddField(
            model_name='document',
            name='title_tsv',
            field=models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('title', config='english'), '||', django.contrib.postgres.search.SearchVector('title', config='simple'), django.contrib.postgres.search.SearchConfig('english')), output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='document',
            index=django.contrib.postgres.indexes.GinIndex(fields=['title_tsv'], name='document_title_tsv'),
        ),
        migrations.AddConstraint(
            model_name='commonword',
            constraint=models.UniqueConstraint(fields=('vector', 'lexeme'), name='common_word_identity'),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(fields=['vector_id'], name='chunk_vector_id'),
        ),
        # A scan reads every vector: they stay beside their rows, while texts move out of the way.
        migrations.RunSQL(
            "ALTER TABLE core_chunk ALTER COLUMN embedding SET STORAGE MAIN",
            "ALTER TABLE core_chunk ALTER COLUMN embedding SET STORAGE EXTERNAL",
        ),
    ]
