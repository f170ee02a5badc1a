"""Store the vector of a text once: the index in PostgreSQL refers to ``Embedding`` instead of containing the numbers.

Chunks lose the id that can be computed from document and ordinal, and hashes of texts have 16 bytes instead of 64
characters. No vector is computed again. Documents of which the index does not contain exactly the stored chunks are
written again by the next sync. An HNSW index must be built again with ``build_hnsw``.
"""

import django.db.models.deletion
from django.db import migrations, models

MODELS = """
    INSERT INTO core_embeddingmodel (fingerprint)
    SELECT DISTINCT embedder FROM core_embedding UNION SELECT DISTINCT embedder FROM core_namespace
"""
EMBEDDINGS = """
    ALTER TABLE core_embedding DROP CONSTRAINT embedding_identity;
    ALTER TABLE core_embedding ADD COLUMN model_id smallint;
    UPDATE core_embedding e SET model_id = m.id FROM core_embeddingmodel m WHERE m.fingerprint = e.embedder;
    ALTER TABLE core_embedding ALTER COLUMN vector SET STORAGE MAIN,
        ALTER COLUMN content_hash TYPE uuid USING left(content_hash, 32)::uuid, ALTER COLUMN model_id SET NOT NULL,
        DROP COLUMN embedder;
    ALTER TABLE core_embedding RENAME COLUMN content_hash TO text_hash;
    ALTER TABLE core_embedding ADD CONSTRAINT embedding_identity UNIQUE (text_hash, model_id),
        ADD CONSTRAINT core_embedding_model_id_fk FOREIGN KEY (model_id) REFERENCES core_embeddingmodel (id)
        DEFERRABLE INITIALLY DEFERRED;
    CREATE INDEX embedding_by_model ON core_embedding (model_id);
"""
CHUNKS = """
    ALTER TABLE core_chunk ALTER COLUMN content_hash TYPE uuid USING left(content_hash, 32)::uuid;
    ALTER TABLE core_chunk RENAME COLUMN content_hash TO text_hash;
    CREATE INDEX chunk_text_hash ON core_chunk (text_hash);
"""
# The last two statements concern only documents of which the index contains other chunks than the stored ones.
VECTORS = """
    INSERT INTO core_vector (document_id, ordinal, namespace_id, embedding_id)
    SELECT c.document_id, c.ordinal, n.id, e.id FROM core_namespace n
    JOIN core_embeddingmodel m ON m.fingerprint = n.embedder
    JOIN core_indexentry i ON i.namespace_id = n.id AND i.content_hash <> ''
    JOIN core_document d ON d.id = i.document_id AND d.chunked_version = i.indexed_version
    JOIN core_chunk c ON c.document_id = d.id AND c.ordinal < i.chunks
    JOIN core_embedding e ON e.text_hash = c.text_hash AND e.model_id = m.id
    WHERE n.index = 'pgvector';
    CREATE TEMPORARY TABLE incomplete_entry ON COMMIT DROP AS
    SELECT i.id, i.namespace_id, i.document_id FROM core_indexentry i
    JOIN core_namespace n ON n.id = i.namespace_id AND n.index = 'pgvector'
    WHERE i.chunks <> (SELECT count(*) FROM core_vector v
        WHERE v.document_id = i.document_id AND v.namespace_id = i.namespace_id);
    DELETE FROM core_vector v USING incomplete_entry i
    WHERE v.document_id = i.document_id AND v.namespace_id = i.namespace_id;
    UPDATE core_indexentry e SET state = 'dirty', content_hash = '', next_try_at = NULL
    FROM incomplete_entry i WHERE e.id = i.id;
    ANALYZE core_chunk, core_embedding, core_vector;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0009_help_texts'),
    ]

    operations = [
        migrations.DeleteModel(name='Vector'),
        migrations.CreateModel(
            name='EmbeddingModel',
            fields=[
                ('id', models.SmallAutoField(primary_key=True, serialize=False)),
                ('fingerprint', models.CharField(max_length=200, unique=True)),
            ],
        ),
        migrations.RunSQL(MODELS, migrations.RunSQL.noop),
        migrations.RunSQL(
            EMBEDDINGS,
            state_operations=[
                migrations.RemoveConstraint(model_name='embedding', name='embedding_identity'),
                migrations.RemoveField(model_name='embedding', name='embedder'),
                migrations.RemoveField(model_name='embedding', name='content_hash'),
                migrations.AddField(
                    model_name='embedding',
                    name='model',
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+',
                        to='core.embeddingmodel',
                    ),
                    preserve_default=False,
                ),
                migrations.AddField(
                    model_name='embedding',
                    name='text_hash',
                    field=models.UUIDField(help_text='First half of the SHA-256 of the text.'),
                    preserve_default=False,
                ),
                migrations.AddConstraint(
                    model_name='embedding',
                    constraint=models.UniqueConstraint(fields=('text_hash', 'model'), name='embedding_identity'),
                ),
                migrations.AddIndex(
                    model_name='embedding', index=models.Index(fields=['model'], name='embedding_by_model')
                ),
            ],
        ),
        migrations.RemoveIndex(model_name='chunk', name='chunk_vector_id'),
        migrations.RemoveField(model_name='chunk', name='vector_id'),
        migrations.RunSQL(
            CHUNKS,
            state_operations=[
                migrations.RemoveField(model_name='chunk', name='content_hash'),
                migrations.AddField(
                    model_name='chunk',
                    name='text_hash',
                    field=models.UUIDField(
                        help_text='First half of the SHA-256 of the embedded text (prefix and text).'
                    ),
                    preserve_default=False,
                ),
                migrations.AddIndex(
                    model_name='chunk', index=models.Index(fields=['text_hash'], name='chunk_text_hash')
                ),
            ],
        ),
        migrations.CreateModel(
            name='Vector',
            fields=[
                ('pk', models.CompositePrimaryKey(
                    'document_id', 'ordinal', 'namespace_id', blank=True, editable=False, primary_key=True,
                    serialize=False,
                )),
                ('ordinal', models.PositiveIntegerField()),
                ('document', models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='core.document'
                )),
                ('embedding', models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.embedding'
                )),
                ('namespace', models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.CASCADE, to='core.namespace'
                )),
            ],
        ),
        migrations.RunSQL(VECTORS, migrations.RunSQL.noop),
    ]
