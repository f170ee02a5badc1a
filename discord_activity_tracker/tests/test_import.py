"""Tests of importing files of DiscordChatExporter.

An import writes the same kinds of rows as the API collector, and does not replace data from the API.
"""

import json
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from core.errors import ConfigurationError
from core.models import Activity, Checkpoint, Chunk, Document, Scope
from discord_activity_tracker.fetch import exports
from discord_activity_tracker.models import Account, Channel, Guild, Message, Reactor, Revision
from tests.support.discord_exports import export, exported, user
from tests.support.discord_fixtures import CHANNEL, GUILD, PEOPLE, THREAD, at, make_guild, message, store

pytestmark = pytest.mark.django_db
IN_THE_TESTS_DATABASE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[2:]])
"""


def run(*paths: Path, more: tuple[str, ...] = ()) -> dict[str, Any]:
    out = StringIO()
    call_command("import_discord_export", *map(str, paths), "--json", "--no-sync", *more, stdout=out)
    return json.loads(out.getvalue())


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of every table that an import may change, each with its row version (``xmin``)."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for model in (Guild, Channel, Account, Message, Revision, Reactor, Scope, Activity, Document, Checkpoint):
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT xmin::text, * FROM "{model._meta.db_table}" ORDER BY 2')  # noqa: S608  (our own names)
            found[model.__name__] = cursor.fetchall()
    return found


def test_file_is_stored_as_guild_channel_and_messages(tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "type": "Reply", "isPinned": True, "reference": {"messageId": str(at(0)), "channelId": str(CHANNEL)},
        "attachments": [{"id": "5", "url": "a.png", "fileName": "chart.png", "fileSizeBytes": 9}],
        "stickers": [{"id": "6", "name": "Wave", "format": "Png"}],
        "embeds": [{"title": "Manual", "url": None, "description": "", "fields": [{"name": "Pier", "value": "north"}]}],
        "mentions": [user("tobe")], "timestampEdited": "2025-03-01T09:30:00+01:00",
    }  # fmt: skip
    done = run(export(tmp_path / "a.json", [exported(at(0)), exported(at(1), "@Tobe look", "ann", **more)]))
    assert (done["outcome"], done["counts"]) == (
        "succeeded",
        {"messages": 2, "messages_inserted": 2, "messages_updated": 0},
    )
    guild = Guild.objects.get()
    assert (guild.pk, guild.name, guild.enabled) == (GUILD, "Saltmarsh Works", False)
    assert {c.name: (c.kind, c.parent_id) for c in Channel.objects.all()} == {
        "old-harbour": ("text", 4100000000000000999),
        "Talk": ("category", None),
    }
    kept = Message.objects.get(pk=at(1))
    assert (kept.type, kept.content, kept.pinned, kept.reply_to) == (19, "@Tobe look", True, at(0))
    assert (kept.edited_at.isoformat(), str(kept.author)) == ("2025-03-01T08:30:00+00:00", "ann")
    assert (kept.payload["attachments"][0]["filename"], kept.payload["sticker_items"][0]["name"]) == (
        "chart.png",
        "Wave",
    )
    assert set(Account.objects.values_list("pk", flat=True)) == set(PEOPLE.values())
    activity = Activity.objects.get(external_id=f"discord:message:{GUILD}:{CHANNEL}:{at(1)}")
    assert (activity.activity_type, activity.scope.name) == ("discord.reply", "Saltmarsh Works/old-harbour")


def test_importing_again_changes_no_row(tmp_path: Path) -> None:
    reaction = {"emoji": {"id": "", "name": "👍", "code": "thumbsup"}, "count": 1, "users": [user("tobe")]}
    items = [exported(at(n), reactions=[reaction]) for n in range(5)]
    path = export(tmp_path / "a.json", items)
    run(path)
    before = rows()
    assert run(path)["counts"] == {"messages": 5, "messages_inserted": 0, "messages_updated": 0}
    assert rows() == before
    assert Reactor.objects.filter(emoji="👍", account_id=PEOPLE["tobe"]).count() == 5


def test_data_from_the_api_is_not_replaced(tmp_path: Path) -> None:
    make_guild()
    store([message(at(0), "<@1> look"), message(at(2), "gone")])
    store([], gone=[at(2)])
    before = rows()
    done = run(export(tmp_path / "a.json", [exported(at(0), "@someone look"), exported(at(2), "gone, but exported")]))
    assert done["counts"] == {"messages": 2, "messages_inserted": 0, "messages_updated": 0}
    after = rows()
    assert {name for name in after if after[name] != before[name]} == {"Channel"}
    assert Channel.objects.get(pk=CHANNEL).name == "harbour"
    assert str(Account.objects.get(pk=PEOPLE["mirela"])) == "Mirela"
    assert Message.objects.get(pk=at(2)).deleted_at


def test_api_replaces_data_of_an_export_without_a_revision(tmp_path: Path) -> None:
    run(export(tmp_path / "a.json", [exported(at(0), "@Tobe look"), exported(at(1), "before")]))
    store([message(at(0), "<@7> look"), message(at(1), "after", edited_timestamp="2025-07-01T08:00:00+00:00")])
    assert list(Message.objects.order_by("pk").values_list("content", flat=True)) == ["<@7> look", "after"]
    assert list(Revision.objects.values_list("content", flat=True)) == ["before"]
    assert "exported_at" not in Message.objects.get(pk=at(0)).payload


def test_text_from_before_an_edit_becomes_a_revision(tmp_path: Path) -> None:
    make_guild()
    store([message(at(0), "after", edited_timestamp="2025-07-01T08:00:00+00:00")])
    path = export(tmp_path / "a.json", [exported(at(0), "before")])
    run(path)
    run(path)
    assert list(Revision.objects.values_list("content", flat=True)) == ["before"]
    assert Message.objects.get().content == "after"


def test_only_a_newer_export_updates_an_older_one(tmp_path: Path) -> None:
    old = export(tmp_path / "old.json", [exported(at(0), "before")], exported_at="2025-04-01T00:00:00+00:00")
    edited = exported(at(0), "after", timestampEdited="2025-04-02T00:00:00+00:00")
    new = export(tmp_path / "new.json", [edited], exported_at="2025-05-01T00:00:00+00:00")
    for path in (old, new, old):
        run(path)
    assert Message.objects.get().content == "after"
    assert list(Revision.objects.values_list("content", flat=True)) == ["before"]


def test_older_history_joins_stored_conversations(tmp_path: Path) -> None:
    make_guild()
    store([message(at(20))])
    run(export(tmp_path / "a.json", [exported(at(0)), exported(at(10))]))
    assert set(Message.objects.values_list("conversation", flat=True)) == {at(0)}


def test_type_names_become_numbers_and_unknown_names_are_stored(tmp_path: Path) -> None:
    words = ["GuildMemberJoin", "46", "SomethingNew"]
    items = [exported(at(n), "Joined the server.", type=word) for n, word in enumerate(words)]
    hook = user("ann", isBot=True, discriminator="0000")
    run(export(tmp_path / "a.json", [*items, exported(at(9), author=hook)], type="GuildHologram"))
    kept = {m.type: m for m in Message.objects.all()}
    assert set(kept) == {7, 46, -1, 0}
    assert (kept[7].content, kept[7].payload["content_in_words"]) == ("", "Joined the server.")
    assert (kept[-1].payload["type_name"], kept[0].webhook_name) == ("SomethingNew", "ann")
    assert Channel.objects.get(pk=CHANNEL).type == -1


def test_thread_belongs_to_its_channel(tmp_path: Path) -> None:
    parent = {"id": str(THREAD), "type": "GuildPublicThread", "categoryId": str(CHANNEL), "category": "harbour"}
    run(export(tmp_path / "a.json", [exported(at(0)), exported(at(900))], name="Gauge files", **parent))
    assert Channel.objects.get(pk=THREAD).is_thread
    assert set(Message.objects.values_list("conversation", flat=True)) == {at(0)}
    assert Scope.objects.get().external_id == f"{GUILD}/{CHANNEL}"


def test_forwarded_text_is_stored_and_searchable(tmp_path: Path) -> None:
    forwarded = {"timestamp": "2025-01-01T00:00:00+00:00", "content": "Neap tide on Monday", "attachments": []}
    reference = {"type": "Forward", "messageId": "9", "channelId": "8", "guildId": "7"}
    path = export(tmp_path / "a.json", [exported(at(0), "", forwardedMessage=forwarded, reference=reference)])
    call_command("import_discord_export", str(path), stdout=StringIO())
    assert [chunk.text for chunk in Chunk.objects.all()] == ["Neap tide on Monday"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"guild": {"id": "0", "name": "Direct Messages"}, "type": "DirectTextChat"}, "direct messages"),
        ({"guild": {"id": "0", "name": "Direct Messages"}, "type": "DirectGroupTextChat"}, "direct messages"),
        ({"guild": {"id": "x", "name": "A"}}, "documented type"),
        ({"guild": {"name": "A"}}, "a guild with id, name must"),
        ({"exported_at": "yesterday"}, "exportedAt"),
    ],
)
def test_file_that_is_not_a_channel_export_is_reported(tmp_path: Path, more: dict[str, Any], reason: str) -> None:
    good = export(tmp_path / "good.json", [exported(at(0))])
    bad = export(tmp_path / "bad.json", [exported(at(1))], **more)
    with pytest.raises(ConfigurationError, match=reason):
        run(bad)
    assert not Message.objects.exists()
    done = run(bad, good)
    assert (done["outcome"], [(s["scope"], s["outcome"]) for s in done["scopes"]]) == (
        "partial",
        [("bad.json", "failed"), ("good.json", "succeeded")],
    )
    assert reason in done["scopes"][0]["reason"]
    assert list(Message.objects.values_list("pk", flat=True)) == [at(0)]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a": 1}', "not json", '{"guild": {"id": "1", "name": "A"}, "messages": []}']
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"other\.json"):
        run(path)
    with pytest.raises(ConfigurationError, match="No such file"):
        run(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "broken",
    [
        {"id": None}, {"id": "99999999999999999999"}, {"type": None}, {"content": 5}, {"author": None}, {"author": {}},
        {"timestamp": "12 o'clock"}, {"timestampEdited": "soon"}, {"attachments": [5]}, {"attachments": {"id": 1}},
        {"reactions": [{"count": 1}]}, {"embeds": ["x"]}, {"mentions": [None]}, {"reference": {"messageId": "x"}},
        {"forwardedMessage": "x"}, {"stickers": [{}]},
    ],
)  # fmt: skip
def test_malformed_message_is_refused_with_its_line(
    tmp_path: Path, broken: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    items = [exported(at(n), f"words {n}") for n in range(4)]
    path = export(tmp_path / "a.json", [*items[:3], items[3] | broken])
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if '"words 2"' in text)
    done = run(path)
    assert done["outcome"] == "failed"
    assert Message.objects.count() == 2, "only the page before the malformed message is stored"
    reason = done["scopes"][0]["reason"]
    reported = int(reason.partition("line ")[2].partition(":")[0])
    assert line < reported < line + 25, reason


def test_truncated_file_is_reported_and_others_are_imported(tmp_path: Path) -> None:
    whole = export(tmp_path / "whole.json", [exported(at(0))])
    cut = export(tmp_path / "cut.json", [exported(at(n)) for n in range(1, 4)])
    cut.write_text(cut.read_text()[:-200])
    done = run(cut, whole)
    assert (done["outcome"], [s["outcome"] for s in done["scopes"]]) == ("partial", ["failed", "succeeded"])
    assert list(Message.objects.values_list("pk", flat=True)) == [at(0)]


def test_file_with_a_wrong_count_is_reported(tmp_path: Path) -> None:
    done = run(export(tmp_path / "a.json", [exported(at(0))], count=7))
    assert "reports 7" in done["scopes"][0]["reason"]


def test_text_that_postgresql_cannot_store_is_cleaned(tmp_path: Path) -> None:
    path = export(tmp_path / "a.json", [exported(at(0), "NUL and half a pair: HERE")])
    path.write_text(path.read_text().replace("HERE", "\\u0000\\ud800"))
    run(path)
    assert Message.objects.get().content == "NUL and half a pair: \ufffd\ufffd"


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    before = rows()
    done = run(export(tmp_path / "a.json", [exported(at(0)), exported(at(1))]), more=("--dry-run",))
    assert done["counts"] == {"messages": 2, "messages_inserted": 2}
    assert rows() == before


def test_guild_locked_by_another_run_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = export(tmp_path / "a.json", [exported(at(0))])
    monkeypatch.setattr("discord_activity_tracker.collector.importer.scope_lock", lambda *_, **__: nullcontext(False))
    assert run(path)["outcome"] == "busy"
    assert not Message.objects.exists()


def test_time_limit_stops_after_a_page_and_next_run_resumes(tmp_path: Path) -> None:
    path = export(tmp_path / "a.json", [exported(at(n)) for n in range(3)])
    assert run(path, more=("--max-seconds", "0"))["outcome"] == "partial"
    assert run(path)["counts"]["messages_inserted"] == 3


MANY = 6000
"""Number of messages in the file. With fewer messages, the import could end before the test kills the process."""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_import_resumes(tmp_path: Path) -> None:
    path = export(tmp_path / "a.json", [exported(at(n / 60), f"words {n}") for n in range(MANY)])
    name = str(connection.settings_dict["NAME"])
    command = [
        sys.executable,
        "-c",
        IN_THE_TESTS_DATABASE,
        name,
        "import_discord_export",
        str(path),
        "--no-sync",
        "--json",
    ]
    kept = 0
    for _ in range(2):
        with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE) as process:
            while process.poll() is None and Message.objects.count() < kept + 300:
                time.sleep(0.01)
            assert process.poll() is None, "the import ended before the test killed it"
            process.send_signal(signal.SIGKILL)
        before, kept = kept, Message.objects.count()
        assert before < kept < MANY
    done = subprocess.run(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, check=True)
    assert json.loads(done.stdout)["counts"]["messages"] < MANY, "the import resumes after the last stored page"
    assert Message.objects.count() == Activity.objects.count() == MANY
    assert not Checkpoint.objects.exists()
