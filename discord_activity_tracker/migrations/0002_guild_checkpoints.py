"""What is remembered of a whole guild gets a scope of its own: old guilds have a channel with the guild's id."""

from django.db import migrations

GUILD_STREAMS = ("events", "look")


def separate(apps, schema_editor):
    """Move the guilds' checkpoints. Both wrote ``sweep``; the guild's has the time of its last portion."""
    for checkpoint in _checkpoints_of_guilds(apps, ""):
        if checkpoint.stream in GUILD_STREAMS or (checkpoint.stream == "sweep" and "portion_at" in checkpoint.extras):
            checkpoint.scope = f"guild:{checkpoint.scope}"
            checkpoint.save(update_fields=["scope"])


def join(apps, schema_editor):
    """Move them back, unless a channel has a checkpoint of that name."""
    Checkpoint = apps.get_model("core", "Checkpoint")
    for checkpoint in _checkpoints_of_guilds(apps, "guild:"):
        scope = checkpoint.scope.removeprefix("guild:")
        if not Checkpoint.objects.filter(collector="discord", scope=scope, stream=checkpoint.stream).exists():
            checkpoint.scope = scope
            checkpoint.save(update_fields=["scope"])


def _checkpoints_of_guilds(apps, prefix):
    guilds = apps.get_model("discord_activity_tracker", "Guild").objects.values_list("pk", flat=True)
    scopes = [f"{prefix}{pk}" for pk in guilds]
    return list(apps.get_model("core", "Checkpoint").objects.filter(collector="discord", scope__in=scopes))


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("discord_activity_tracker", "0001_initial"),
    ]

    operations = [migrations.RunPython(separate, join)]
