"""Add an index of deleted messages. It contains no other messages, so inserts do not write to it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('discord_activity_tracker', '0006_words_of_messages'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['id'], name='discord_message_deleted'),
        ),
    ]
