"""Renew timeline lines of messages without contents; queue conversations without words for rendering."""

import json
from typing import Any

from django.db import migrations

from discord_activity_tracker.convert.words import summary

BATCH = 2000
RENEW = """
    UPDATE core_activity AS activity SET summary = given.summary
    FROM json_to_recordset(%s::json) AS given (external_id text, summary text)
    WHERE activity.source_system = 'discord' AND activity.external_id = given.external_id
      AND activity.summary <> given.summary
"""
QUEUE = """
    UPDATE core_indexentry AS entry SET state = 'dirty' FROM core_document AS document
    WHERE document.id = entry.document_id AND document.source_system = 'discord' AND document.deleted_at IS NULL
      AND entry.state = 'clean' AND entry.chunks = 0
"""


def renew_lines(apps: Any, schema_editor: Any) -> None:
    """Say what was sent where a line of the timeline was empty."""
    messages = apps.get_model("discord_activity_tracker", "Message").objects.filter(content="").order_by("pk")
    after = 0
    while rows := list(
        messages.filter(pk__gt=after).values_list("pk", "channel_id", "channel__guild_id", "type", "payload")[:BATCH]
    ):
        lines = [
            {"external_id": f"discord:message:{guild}:{channel}:{pk}", "summary": summary(number, "", payload)}
            for pk, channel, guild, number, payload in rows
        ]
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(RENEW, [json.dumps(lines)])
        after = rows[-1][0]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(QUEUE)


class Migration(migrations.Migration):
    """Data only; it can be undone without doing anything."""

    dependencies = [
        ("core", "0001_initial"),
        ("discord_activity_tracker", "0003_account_exported_at"),
    ]

    operations = [migrations.RunPython(renew_lines, migrations.RunPython.noop)]
