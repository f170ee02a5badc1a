"""Find documents by a key of 16 bytes instead of their external id. PostgreSQL computes the key of each document.

The table is rewritten once. Meanwhile, it needs its own size again as free disk space.
"""

from django.db import migrations, models
from django.db.models.functions import MD5, Cast, Concat


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0011_slim_timeline'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='document', name='document_identity'),
        migrations.AddField(
            model_name='document',
            name='key',
            field=models.GeneratedField(
                db_persist=True,
                expression=Cast(MD5(Concat('source_system', models.Value(' '), 'external_id')), models.UUIDField()),
                output_field=models.UUIDField(),
            ),
        ),
        migrations.AddConstraint(
            model_name='document',
            constraint=models.UniqueConstraint(fields=('key',), name='document_identity'),
        ),
    ]
