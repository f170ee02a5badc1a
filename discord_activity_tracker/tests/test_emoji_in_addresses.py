"""Tests of emoji in URLs. Each emoji must be escaped exactly once.

If an emoji is escaped twice, Discord returns an empty list of people who reacted.
"""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from discord_activity_tracker.models import Message, Reactor
from samples.discord import SampleDiscord


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_people_who_reacted_with_any_emoji_are_stored(
    sample_discord: SampleDiscord, settings: Any, tmp_path: Path
) -> None:
    settings.DISCORD_API_BASE, settings.DISCORD_BOT_TOKEN = sample_discord.url, sample_discord.token
    settings.DISCORD_BOT_TOKENS, settings.VAR_DIR = [], tmp_path
    call_command(
        "collect_discord", str(sample_discord.guild.id), "--reactors", "--no-sync", stdout=StringIO(), stderr=StringIO()
    )
    names = {emoji for message in Message.objects.filter(deleted_at=None) for emoji in message.reactions}
    assert any(not name.isascii() for name in names)
    assert set(Reactor.objects.values_list("emoji", flat=True)) == names
