"""Tests that the server returns the sample guild as Discord would."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from samples.discord import SampleDiscord, SampleGuild

ROOT = Path(__file__).parents[2]


def ask(server: SampleDiscord, path: str, token: str | None = None) -> tuple[int, Any]:
    request = Request(server.url + path, headers={"Authorization": f"Bot {token or server.token}"})  # noqa: S310  (our own)
    try:
        with urlopen(request, timeout=10) as answer:  # noqa: S310  (our own server)
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_every_copy_has_the_same_ids_and_words() -> None:
    first, second = SampleGuild(), SampleGuild()
    first.say("welcome", "tobe", "Only here")
    assert len(first.truth()) == len(second.truth()) + 1
    assert second.truth().items() <= first.truth().items()


def test_pages_are_the_newest_first_and_exclusive(sample_discord: SampleDiscord) -> None:
    place = sample_discord.guild.container("import-help")
    _, whole = ask(sample_discord, f"/channels/{place}/messages?limit=100")
    ids = [int(message["id"]) for message in whole]
    assert ids == sorted(ids, reverse=True)
    for query, wanted in ((f"after={ids[-1]}&limit=2", ids[-3:-1]), (f"before={ids[0]}&limit=2", ids[1:3])):
        _, page = ask(sample_discord, f"/channels/{place}/messages?{query}")
        assert [int(message["id"]) for message in page] == wanted


def test_what_the_bot_may_not_read_is_refused_as_discord_does(sample_discord: SampleDiscord) -> None:
    hidden, silent = (sample_discord.guild.container(key) for key in ("keepers-only", "rules"))
    assert ask(sample_discord, f"/channels/{hidden}/messages")[0] == 403
    assert ask(sample_discord, f"/channels/{silent}/messages") == (200, [])
    assert ask(sample_discord, f"/channels/{silent}/threads/archived/public")[0] == 403
    assert ask(sample_discord, "/channels/1")[1]["code"] == 10003
    assert ask(sample_discord, "/users/@me", token="another")[0] == 401


def test_threads_are_active_or_in_the_list_of_their_channel(sample_discord: SampleDiscord) -> None:
    guild = sample_discord.guild
    _, active = ask(sample_discord, f"/guilds/{guild.id}/threads/active")
    place = guild.container("harbour-talk")
    found = {thread["name"] for thread in active["threads"]}
    for listing in ("archived/public", "archived/private"):
        found |= {
            thread["name"] for thread in ask(sample_discord, f"/channels/{place}/threads/{listing}")[1]["threads"]
        }
    assert {"Photos of old tide poles", "Night shift rota", "Station names in strange encodings"} <= found


def test_edits_and_deletions_are_seen(sample_discord: SampleDiscord) -> None:
    guild = sample_discord.guild
    place, said = guild.container("welcome"), guild.say("welcome", "tobe", "Ahoi {@mirela}")
    guild.edit(said, "Ahoy")
    _, message = ask(sample_discord, f"/channels/{place}/messages/{said}")
    assert (message["content"], bool(message["edited_timestamp"])) == ("Ahoy", True)
    guild.delete(said)
    assert ask(sample_discord, f"/channels/{place}/messages/{said}")[0] == 404


@pytest.mark.django_db(transaction=True)
def test_a_collection_holds_what_the_guild_says(sample_discord: SampleDiscord, settings: Any) -> None:
    from django.core.management import call_command

    from discord_activity_tracker.models import Message, Revision

    settings.DISCORD_API_BASE, settings.DISCORD_BOT_TOKEN = sample_discord.url, sample_discord.token
    guild = sample_discord.guild
    said = guild.say("welcome", "tobe", "Words to be changed")
    for _ in range(2):
        call_command("collect_discord", str(guild.id), "--full", "--sweep", "--no-sync")
        kept = Message.objects.filter(deleted_at=None).values_list("pk", "content")
        assert dict(kept) == guild.truth()
        guild.edit(said, "Changed words")
        guild.delete(min(guild.truth()))
    assert list(Revision.objects.values_list("content", flat=True)) == ["Words to be changed"]
    assert Message.objects.filter(deleted_at__isnull=False).count() == 1


def test_the_server_runs_alone_with_the_standard_library_only() -> None:
    code = "import sys, samples.discord.server as s; sys.exit(any(m in sys.modules for m in ('django', 'requests')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PATH": os.defpath}, check=False).returncode == 0
    command = [sys.executable, "-m", "samples.discord.server", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
