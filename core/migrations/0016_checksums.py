"""Store checksums of documents and vectors, so that ``verify_index`` finds damaged rows.

The table of vectors is rewritten once, and an HNSW index is built again. Meanwhile, the table needs its own size again
as free disk space. The next sync renders all documents again to store the checksums of documents, and embeds nothing
again.
"""

from django.db import migrations, models

# A generated column is computed while the table is rewritten. An update would leave the old rows in the table.
VECTORS = """
    ALTER TABLE core_embedding ADD COLUMN checksum bytea NOT NULL GENERATED ALWAYS AS (
        substring(sha256(int2send(model_id) || uuid_send(text_hash) || halfvec_send(vector)) FROM 1 FOR 8)
    ) STORED;
    ALTER TABLE core_embedding ALTER COLUMN checksum DROP EXPRESSION;
    ALTER TABLE core_embedding ALTER COLUMN checksum SET DEFAULT ''::bytea;
"""
RENDER_AGAIN = 'UPDATE core_indexentry SET renderer_version = 0 WHERE chunks > 0'


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0015_lists_by_time'),
    ]

    operations = [
        migrations.RunSQL(
            VECTORS,
            'ALTER TABLE core_embedding DROP COLUMN checksum',
            state_operations=[
                migrations.AddField(
                    model_name='embedding',
                    name='checksum',
                    field=models.BinaryField(
                        db_default=b'', help_text='Checksum of model, hash and vector, as the vector was stored.',
                        max_length=8,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name='document',
            name='checksum',
            field=models.BinaryField(
                db_default=b'',
                help_text='Checksum of the fields above and of all chunks, as the sync stored them. Empty without chunks.',
                max_length=8,
            ),
        ),
        migrations.RunSQL(RENDER_AGAIN, migrations.RunSQL.noop),
    ]
