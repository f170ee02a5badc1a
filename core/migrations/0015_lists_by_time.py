"""Add the indexes of lists: edited and deleted activities, and documents by time.

The first two contain only edited and deleted activities. The third takes about 30 bytes a document.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0014_index_layout'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(condition=models.Q(('edited_at__isnull', False)), fields=['occurred_at'], name='activity_edited'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['occurred_at'], name='activity_deleted'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(fields=['occurred_at', 'id'], name='document_by_time'),
        ),
    ]
