"""Tests of old servers, which have a channel with the server's own id. All data is invented.

The checkpoints of the server and of that channel must be separate.
"""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from core.db.budgets import spend
from core.models import Checkpoint
from discord_activity_tracker.models import Guild
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import guild_key, load_state, save_state

pytestmark = pytest.mark.django_db
GUILD = 4_100_000_000_000_000_001
migration = import_module("discord_activity_tracker.migrations.0002_guild_checkpoints")


def keep(scope: object, stream: str, token: str, **extras: Any) -> None:
    Checkpoint.objects.create(
        collector="discord", scope=str(scope), stream=stream, checkpoint_token=token, extras=extras
    )


def stored() -> set[tuple[str, str, str]]:
    return set(Checkpoint.objects.values_list("scope", "stream", "checkpoint_token"))


def test_server_and_default_channel_have_separate_positions() -> None:
    save_state(guild_key(GUILD), "sweep", DiscordState(checkpoint_token="2026-01-01T00:00:00+00:00"))
    save_state(GUILD, "sweep", DiscordState(checkpoint_token="77"))
    assert load_state(GUILD, "sweep").checkpoint_token == "77"
    assert load_state(guild_key(GUILD), "sweep").checkpoint_token.startswith("2026")


@pytest.mark.parametrize(
    ("sweep", "scope"),
    [({"portion_at": "2026-01-01", "whole": False}, f"guild:{GUILD}"), ({"round": "2026-01-01"}, str(GUILD))],
)
def test_migration_assigns_every_position_to_its_owner(sweep: dict[str, Any], scope: str) -> None:
    Guild.objects.create(id=GUILD, name="Saltmarsh")
    keep(GUILD, "sweep", "a", **sweep)
    for stream in ("events", "look", "messages", "pins", "archived_public"):
        keep(GUILD, stream, stream)
    keep(7, "look", "another")
    before = len(stored())
    migration.separate(apps, None)
    assert stored() >= {
        (scope, "sweep", "a"), (f"guild:{GUILD}", "events", "events"), (f"guild:{GUILD}", "look", "look"),
        (str(GUILD), "messages", "messages"), (str(GUILD), "pins", "pins"), ("7", "look", "another"),
    }  # fmt: skip
    assert len(stored()) == before
    migration.join(apps, None)
    assert {row[0] for row in stored()} == {str(GUILD), "7"}


def test_processes_share_a_budget_that_no_header_reports() -> None:
    budget = {"source_system": "discord", "account": "address of a", "resource": "invalid answers", "limit": 100}
    assert [spend(**budget, units=n, window=60)[0] for n in (10, 0, 95, 3)] == [90, 90, 0, 0]
    spend(**{**budget, "account": "b"}, units=60, window=0)
    assert spend(**{**budget, "account": "b"}, units=5, window=60)[0] == 95
