"""Renew timeline lines of messages without contents; queue conversations without words for rendering."""

from typing import Any

from django.db import migrations

from discord_activity_tracker.convert.message_text import summarize as summary

BATCH = 2000


def renew_lines(apps: Any, schema_editor: Any) -> None:
    """Say what was sent where the line of a message was empty or named a file only."""
    messages = apps.get_model("discord_activity_tracker", "Message").objects.filter(content="").order_by("pk")
    fields = ("pk", "channel_id", "channel__guild_id", "type", "payload")
    after = 0
    activities = apps.get_model("core", "Activity")
    # If core is migrated first, the timeline no longer has these lines. Release 0.1.0 has renewed them already.
    stores_lines = any(field.name == "external_id" for field in activities._meta.get_fields())
    while stores_lines and (rows := list(messages.filter(pk__gt=after).values_list(*fields)[:BATCH])):
        _renew(activities, rows)
        after = rows[-1][0]
    entries = apps.get_model("core", "IndexEntry").objects.filter(state="clean", chunks=0)
    entries.filter(document__source_system="discord", document__deleted_at=None).update(state="dirty")


def _renew(activity_model: Any, rows: list[tuple[Any, ...]]) -> None:
    lines = {
        f"discord:message:{guild}:{channel}:{pk}": summary(number, "", payload)
        for pk, channel, guild, number, payload in rows
    }
    changed: list[Any] = []
    for activity in activity_model.objects.filter(source_system="discord", external_id__in=list(lines)):
        if activity.summary != lines[activity.external_id]:
            activity.summary = lines[activity.external_id]
            changed.append(activity)
    activity_model.objects.bulk_update(changed, ["summary"], batch_size=500)


class Migration(migrations.Migration):
    """Data only; undoing it changes nothing."""

    dependencies = [
        ("core", "0003_index_namespaces"),
        ("discord_activity_tracker", "0003_account_exported_at"),
    ]

    operations = [migrations.RunPython(renew_lines, migrations.RunPython.noop)]
