"""Help texts and labels in plain English. Executes no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0008_person_week_types'),
    ]

    operations = [
        migrations.AlterField(
            model_name='activity',
            name='actor_external_id',
            field=models.CharField(blank=True, help_text='Numeric account id. Empty if there is no account.', max_length=64),
        ),
        migrations.AlterField(
            model_name='activity',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='activity',
            name='thread',
            field=models.CharField(blank=True, help_text='External id of the thread or conversation that contains the activity.', max_length=200),
        ),
        migrations.AlterField(
            model_name='alert',
            name='scope',
            field=models.CharField(blank=True, help_text='Name of the scope. Empty for a problem of the whole run.', max_length=300),
        ),
        migrations.AlterField(
            model_name='apibudget',
            name='account',
            field=models.CharField(help_text='The account or masked token that has the quota.', max_length=128),
        ),
        migrations.AlterField(
            model_name='apibudget',
            name='not_before',
            field=models.DateTimeField(blank=True, help_text='No requests are sent before this time (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='apibudget',
            name='resource',
            field=models.CharField(help_text='Name of the quota, such as core or graphql.', max_length=32),
        ),
        migrations.AlterField(
            model_name='chunk',
            name='content_hash',
            field=models.CharField(help_text='SHA-256 of the embedded text (prefix and text).', max_length=64),
        ),
        migrations.AlterField(
            model_name='chunk',
            name='prefix',
            field=models.TextField(blank=True, help_text='Context of the text, embedded in front of the text.'),
        ),
        migrations.AlterField(
            model_name='chunk',
            name='words',
            field=models.TextField(blank=True, help_text='Additional search words: parts of identifiers, and pairs of CJK characters.'),
        ),
        migrations.AlterField(
            model_name='collectorrun',
            name='alerted',
            field=models.BooleanField(default=False, help_text='Whether the alerts were updated after this run.'),
        ),
        migrations.AlterField(
            model_name='collectorrun',
            name='progress',
            field=models.JSONField(blank=True, default=dict, help_text='Current progress, updated at most once a second.'),
        ),
        migrations.AlterField(
            model_name='collectorrun',
            name='progress_at',
            field=models.DateTimeField(blank=True, help_text='When the progress was last updated (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='collectorrun',
            name='requests',
            field=models.PositiveIntegerField(default=0, help_text='Number of requests that the run sent.'),
        ),
        migrations.AlterField(
            model_name='collectorrun',
            name='scopes',
            field=models.JSONField(blank=True, default=list, help_text='Result of each scope. Incomplete scopes come first.'),
        ),
        migrations.AlterField(
            model_name='commonword',
            name='lexeme',
            field=models.TextField(help_text='Empty in the row that stores the number of chunks.'),
        ),
        migrations.AlterField(
            model_name='commonword',
            name='share',
            field=models.FloatField(help_text='Share of chunks with this lexeme (0 to 1). Number of chunks if the lexeme is empty.'),
        ),
        migrations.AlterField(
            model_name='commonword',
            name='vector',
            field=models.CharField(help_text='Column of the chunk table: tsv or tsv_simple.', max_length=16),
        ),
        migrations.AlterField(
            model_name='document',
            name='chunked_version',
            field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='Document version that the chunks contain.'),
        ),
        migrations.AlterField(
            model_name='document',
            name='renderer_version',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Version of the renderer and chunker that created the chunks.'),
        ),
        migrations.AlterField(
            model_name='indexentry',
            name='content_hash',
            field=models.CharField(blank=True, help_text='Hash of everything that was written. Empty if a write may be incomplete.', max_length=64),
        ),
        migrations.AlterField(
            model_name='indexentry',
            name='high_water',
            field=models.PositiveIntegerField(default=0, help_text='The index contains no chunk with this ordinal or a higher one.'),
        ),
        migrations.AlterField(
            model_name='namespace',
            name='container',
            field=models.CharField(blank=True, help_text='Name of the Pinecone index. Empty for PostgreSQL.', max_length=100),
        ),
        migrations.AlterField(
            model_name='namespace',
            name='index',
            field=models.CharField(help_text='pgvector, or pinecone/<index>/<namespace> with the names from the settings.', max_length=200),
        ),
        migrations.AlterField(
            model_name='namespace',
            name='lsn',
            field=models.BigIntegerField(blank=True, help_text='Log sequence number of the last write, if the index reports one.', null=True),
        ),
        migrations.AlterField(
            model_name='notice',
            name='name',
            field=models.CharField(blank=True, help_text='Unique name of a message that is sent only once, such as a daily digest.', max_length=64, null=True, unique=True),
        ),
        migrations.AlterField(
            model_name='notice',
            name='path',
            field=models.CharField(blank=True, help_text='Path of the admin page with more details.', max_length=200),
        ),
        migrations.AlterField(
            model_name='notice',
            name='tried_at',
            field=models.DateTimeField(blank=True, help_text='Time of the first attempt (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='scope',
            name='last_completed_at',
            field=models.DateTimeField(blank=True, help_text='When the scope was last collected completely (UTC). Empty if never.', null=True),
        ),
        migrations.AlterField(
            model_name='scope',
            name='not_before',
            field=models.DateTimeField(blank=True, help_text='A rate limit delays this scope until this time (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='skippeditem',
            name='retry_requested_at',
            field=models.DateTimeField(blank=True, help_text='When a retry by the next run was requested (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='skippeditem',
            name='scope',
            field=models.CharField(help_text="The scope's external id, or its name if the id is unknown.", max_length=300),
        ),
    ]
