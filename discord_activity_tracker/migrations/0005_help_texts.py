"""Help texts and labels in plain English. Executes no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('discord_activity_tracker', '0004_message_lines'),
    ]

    operations = [
        migrations.AlterField(
            model_name='account',
            name='avatar',
            field=models.CharField(blank=True, help_text='Hash of the avatar image.', max_length=200),
        ),
        migrations.AlterField(
            model_name='account',
            name='exported_at',
            field=models.DateTimeField(blank=True, help_text="Time of the export that the names are from (UTC). Empty if they are from Discord's API.", null=True),
        ),
        migrations.AlterField(
            model_name='account',
            name='global_name',
            field=models.CharField(blank=True, help_text='Display name.', max_length=200),
        ),
        migrations.AlterField(
            model_name='channel',
            name='access',
            field=models.CharField(choices=[('ok', 'readable'), ('no_view', 'hidden: VIEW_CHANNEL is missing'), ('no_history', 'READ_MESSAGE_HISTORY is missing'), ('no_connect', 'CONNECT is missing'), ('no_messages', 'channel type without messages')], default='ok', max_length=16),
        ),
        migrations.AlterField(
            model_name='channel',
            name='archive_timestamp',
            field=models.DateTimeField(blank=True, help_text='When the thread was last archived or unarchived (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='channel',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='channel',
            name='gap',
            field=models.CharField(blank=True, help_text='Data that the bot cannot read, and the permission to grant. Empty if the bot can read everything.', max_length=200),
        ),
        migrations.AlterField(
            model_name='channel',
            name='kind',
            field=models.CharField(help_text='Name of the channel type.', max_length=32),
        ),
        migrations.AlterField(
            model_name='channel',
            name='owner_id',
            field=models.BigIntegerField(blank=True, help_text='Id of the account that started the thread.', null=True),
        ),
        migrations.AlterField(
            model_name='channel',
            name='parent_id',
            field=models.BigIntegerField(blank=True, help_text='Id of the category, or of the parent channel of a thread.', null=True),
        ),
        migrations.AlterField(
            model_name='channel',
            name='tags',
            field=models.JSONField(blank=True, default=list, help_text='Ids of the tags of a post, or the available tags of a forum.'),
        ),
        migrations.AlterField(
            model_name='channel',
            name='type',
            field=models.IntegerField(help_text="Discord's number of the channel type."),
        ),
        migrations.AlterField(
            model_name='emoji',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='formerchannelname',
            name='noticed_at',
            field=models.DateTimeField(help_text='When the new name was noticed (UTC).'),
        ),
        migrations.AlterField(
            model_name='formername',
            name='noticed_at',
            field=models.DateTimeField(help_text='When the new name was noticed (UTC).'),
        ),
        migrations.AlterField(
            model_name='guild',
            name='enabled',
            field=models.BooleanField(default=True, help_text='Collect this guild in runs that name no guild.'),
        ),
        migrations.AlterField(
            model_name='guild',
            name='owner_id',
            field=models.BigIntegerField(help_text='Id of the account that owns the guild.', null=True),
        ),
        migrations.AlterField(
            model_name='message',
            name='conversation',
            field=models.BigIntegerField(help_text='Id of the first message of the conversation.'),
        ),
        migrations.AlterField(
            model_name='message',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='message',
            name='payload',
            field=models.JSONField(blank=True, default=dict, help_text='Other fields of the message. Names of people and URL signatures are removed.'),
        ),
        migrations.AlterField(
            model_name='message',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of normal and burst reactions by emoji.'),
        ),
        migrations.AlterField(
            model_name='message',
            name='reactors_of',
            field=models.JSONField(blank=True, default=dict, help_text='Value of reactions when the people who reacted were last stored.'),
        ),
        migrations.AlterField(
            model_name='message',
            name='reply_to',
            field=models.BigIntegerField(blank=True, help_text='Id of the message that this message replies to, forwards or refers to.', null=True),
        ),
        migrations.AlterField(
            model_name='message',
            name='type',
            field=models.IntegerField(help_text="Discord's number of the message type."),
        ),
        migrations.AlterField(
            model_name='message',
            name='webhook_name',
            field=models.CharField(blank=True, help_text='Name that the webhook used for this message.', max_length=200),
        ),
        migrations.AlterField(
            model_name='reactor',
            name='burst',
            field=models.BooleanField(default=False, help_text='Whether the reaction is a super reaction.'),
        ),
        migrations.AlterField(
            model_name='reactor',
            name='emoji',
            field=models.CharField(help_text='The emoji itself, or name:id for a custom emoji.', max_length=200),
        ),
        migrations.AlterField(
            model_name='revision',
            name='replaced_at',
            field=models.DateTimeField(help_text='When the message was edited, or when the edit was noticed (UTC).'),
        ),
        migrations.AlterField(
            model_name='revision',
            name='written_at',
            field=models.DateTimeField(help_text='When this version was written (UTC).'),
        ),
        migrations.AlterField(
            model_name='role',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='scheduledevent',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='sticker',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
    ]
