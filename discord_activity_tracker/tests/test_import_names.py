"""Tests of names in exports: servers, channels, people and emoji, imported in any order and mixed with API data."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.models import Scope
from discord_activity_tracker.convert.messages import convert_messages
from discord_activity_tracker.models import (
    Account,
    Channel,
    FormerChannelName,
    FormerName,
    Guild,
    Message,
    Reactor,
)
from discord_activity_tracker.tests.test_import import rows, run
from discord_activity_tracker.tests.test_several_bots import collect as collect_all
from tests.support.activities import shown_activities
from tests.support.discord_exports import export, exported, user
from tests.support.discord_fixtures import (
    CHANNEL,
    GUILD,
    PEOPLE,
    THREAD,
    at,
    make_guild,
    message,
    person,
    store,
)
from tests.support.discord_twin import Twin

pytestmark = pytest.mark.django_db
OLD, MIDDLE, NEW = (f"2025-0{month}-01T00:00:00+00:00" for month in (4, 5, 6))
CATEGORY = 4_100_000_000_000_000_999


@pytest.fixture
def files(tmp_path: Path) -> Any:
    """Return a function that writes an export of the channel or of its thread, with a given export time."""

    def write(exported_at: str | None, minute: int = 0, **channel: Any) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        return export(path, [exported(at(minute))], exported_at=exported_at, **channel)

    return write


def in_thread(**more: Any) -> dict[str, Any]:
    return {
        "id": str(THREAD), "type": "GuildPublicThread", "name": "Gauge files", "topic": None,
        "categoryId": str(CHANNEL), "category": "harbour", **more,
    }  # fmt: skip


def channel() -> tuple[Any, ...]:
    return Channel.objects.values_list("kind", "parent_id", "name", "topic").get(pk=CHANNEL)


@pytest.mark.parametrize(("thread_at", "channel_at"), [(OLD, NEW), (NEW, OLD), (None, None), (NEW, None), (OLD, OLD)])
def test_channel_is_complete_even_if_its_thread_was_imported_first(
    files: Any, thread_at: str | None, channel_at: str | None
) -> None:
    run(files(thread_at, 0, **in_thread(type="GuildPublicThread")), files(channel_at, 9, type="GuildNews"))
    kind, parent, _, topic = channel()
    assert (kind, parent, topic) == ("announcement", CATEGORY, "Boats")
    assert Channel.objects.get(pk=THREAD).parent_id == CHANNEL


@pytest.mark.parametrize("thread_at", [OLD, NEW, None])
def test_file_of_a_thread_does_not_change_its_channel(files: Any, thread_at: str | None) -> None:
    run(files(MIDDLE), files(thread_at, 9, **in_thread(name="x")))
    kind, parent, name, topic = channel()
    assert (kind, parent, topic) == ("text", CATEGORY, "Boats")
    assert name == ("harbour" if thread_at == NEW else "old-harbour")


def test_a_newer_export_updates_names_and_topics_and_an_older_one_does_not(files: Any) -> None:
    run(files(MIDDLE, guild={"id": str(GUILD), "name": "Saltmarsh"}, name="quay", topic="Old"))
    run(files(NEW, 1, guild={"id": str(GUILD), "name": "Saltmarsh Works"}, name="pier", topic="New", category="Docks"))
    run(files(OLD, 2, guild={"id": str(GUILD), "name": "Marsh"}, name="bank", topic="Older", categoryId=None))
    assert channel() == ("text", CATEGORY, "pier", "New")
    assert Guild.objects.get().name == "Saltmarsh Works"
    assert Channel.objects.get(pk=CATEGORY).name == "Docks"
    assert Scope.objects.get(external_id=f"{GUILD}/{CHANNEL}").name == "Saltmarsh Works/pier"
    assert list(FormerChannelName.objects.filter(channel_id=CHANNEL).values_list("name", flat=True)) == ["quay"]


def test_a_newer_export_renames_a_thread_and_its_conversations(files: Any) -> None:
    run(files(OLD, **in_thread()))
    run(files(NEW, 1, **in_thread(name="Logger files")))
    assert Channel.objects.get(pk=THREAD).name == "Logger files"


def test_names_from_the_api_are_not_replaced(files: Any) -> None:
    make_guild()
    Channel.objects.filter(pk=CHANNEL).update(topic="From the API")
    before = {name: found for name, found in rows().items() if name in {"Guild", "Channel", "Scope"}}
    run(
        files(NEW, categoryId="0", name="other", guild={"id": str(GUILD), "name": "Other"}),
        files(NEW, 1, **in_thread()),
    )
    after = rows()
    assert {name: after[name] for name in before} == before


def test_importing_the_same_files_again_changes_no_row(files: Any) -> None:
    paths = [files(NEW, **in_thread()), files(OLD, 1), files(MIDDLE, 2, name="x")]
    run(*paths)
    before = rows()
    run(*paths)
    run(*reversed(paths))
    assert rows() == before


@pytest.mark.parametrize("none", ["0", 0, "", None])
def test_missing_category_is_null(files: Any, none: Any) -> None:
    run(files(OLD, categoryId=none))
    assert list(Channel.objects.values_list("pk", "parent_id")) == [(CHANNEL, None)]


@pytest.mark.parametrize("kind", ["DirectTextChat", "DirectGroupTextChat"])
def test_direct_messages_are_reported_and_other_files_imported(files: Any, kind: str, tmp_path: Path) -> None:
    direct = files(OLD, type=kind, guild={"id": "0", "name": "Direct Messages"})
    other = tmp_path / "list.json"
    other.write_text("[]")
    done = run(direct, files(OLD), other, tmp_path / "missing.json")
    outcomes = {scope["scope"]: scope for scope in done["scopes"]}
    assert "direct messages" in outcomes[direct.name]["reason"]
    assert {name for name, scope in outcomes.items() if scope["outcome"] == "failed"} == {
        direct.name,
        "list.json",
        "missing.json",
    }
    assert done["outcome"] == "partial"
    assert Message.objects.count() == 1
    assert set(Guild.objects.values_list("pk", flat=True)) == {GUILD}


def test_without_any_file_of_a_channel_nothing_is_touched(files: Any) -> None:
    direct = files(OLD, type="DirectTextChat", guild={"id": "0", "name": "Direct Messages"})
    with pytest.raises(ConfigurationError, match="direct messages"):
        run(direct, direct)
    assert not Guild.objects.exists()


@pytest.mark.parametrize("shown", ["Tobe", None])
def test_nickname_is_neither_a_global_nor_a_former_name(files: Any, shown: str | None) -> None:
    run(files(OLD))
    account = Account.objects.get(pk=PEOPLE["mirela"])
    assert (account.username, account.global_name, str(account)) == ("mirela", "", "mirela")
    assert Message.objects.get().payload["author_nickname"] == "Mirela of the pier"
    store([message(at(1)) | {"author": person("mirela", global_name=shown)}])
    assert Account.objects.get(pk=PEOPLE["mirela"]).global_name == (shown or "")
    assert not FormerName.objects.exists()
    assert {row.actor_name for row in shown_activities()} == {shown or "mirela"}


def test_changed_username_of_an_export_becomes_a_former_name(files: Any) -> None:
    run(files(OLD))
    store([message(at(1)) | {"author": person("mirela", username="mirela_b")}])
    assert list(FormerName.objects.values_list("username", "global_name")) == [("mirela", "")]


def test_a_newer_export_updates_usernames_unless_the_api_supplied_them(tmp_path: Path) -> None:
    def file(exported_at: str | None, minute: int, name: str) -> Path:
        item = exported(at(minute), author=user("ann") | {"name": name}, mentions=[user("tobe") | {"name": name}])
        return export(tmp_path / f"{minute}.json", [item], exported_at=exported_at)

    run(file(MIDDLE, 0, "second"), file(OLD, 1, "first"), file(None, 2, "undated"))
    assert set(Account.objects.values_list("username", flat=True)) == {"second"}
    run(file(NEW, 3, "third"))
    assert set(Account.objects.values_list("username", flat=True)) == {"third"}
    assert {row.actor_name for row in shown_activities()} == {"third"}
    store([message(at(9), by="ann")])
    run(file("2025-07-01T00:00:00+00:00", 4, "fourth"))
    assert dict(Account.objects.values_list("pk", "username")) == {PEOPLE["ann"]: "ann", PEOPLE["tobe"]: "fourth"}
    assert {row.actor_name for row in shown_activities()} == {"Ann"}


def test_webhook_of_an_export_has_a_name_for_each_message(tmp_path: Path) -> None:
    hooks = [user("ann", isBot=True) | {"name": name} for name in ("Tide", "Weather")]
    run(export(tmp_path / "a.json", [exported(at(n), author=hook) for n, hook in enumerate(hooks)]))
    assert [row.actor_name for row in shown_activities()] == ["Tide", "Weather"]


@pytest.mark.parametrize("pk", ["88", "900000000000000001"])
def test_a_deleted_emoji_is_the_same_as_from_the_api(tmp_path: Path, pk: str) -> None:
    emoji = {"id": pk, "name": "Unknown Emoji", "code": "Unknown Emoji", "isAnimated": False}
    kept = {"id": "7", "name": "wave", "code": "wave"}
    reactions = [{"emoji": one, "count": 1, "users": [user("tobe")]} for one in (emoji, kept)]
    run(export(tmp_path / "a.json", [exported(at(0), reactions=reactions)]))
    api = message(at(0), reactions=[{"emoji": {"id": pk, "name": None}, "count": 1}, {"emoji": kept, "count": 1}])
    assert Message.objects.get().reactions == convert_messages([api], GUILD, CHANNEL).rows[0]["reactions"]
    assert set(Reactor.objects.values_list("emoji", flat=True)) == {f":{pk}", "wave:7"}


def test_poll_results_and_alerts_of_an_export_have_text(tmp_path: Path) -> None:
    fields = [{"name": "poll_question_text", "value": "Which datum?"}, {"name": "total_votes", "value": "12"}]
    rule = [{"name": "rule_name", "value": "No spam"}, {"name": "decision_id", "value": "99"}]
    items = [
        exported(at(0), "", type="46", embeds=[{"title": "", "fields": fields}]),
        exported(at(1), "", type="24", embeds=[{"title": "", "description": "bad words", "fields": rule}]),
    ]
    run(export(tmp_path / "a.json", items))
    lines = [row.summary for row in shown_activities()]
    assert lines == ["Which datum?", "bad words No spam"]


@pytest.mark.twin
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("others", [False, True])
def test_note_about_a_server_that_was_imported_first(twin: Twin, tmp_path: Path, others: bool) -> None:
    guild = str(twin.call("truth?detail=0&channel_id=1")["guild_id"])
    run(export(tmp_path / "a.json", [exported(at(0))], guild={"id": guild, "name": "Saltmarsh Works"}))
    if others:
        Guild.objects.create(id=5, name="Elsewhere", enabled=True)
    done = collect_all()
    notes = [note for scope in done["scopes"] for note in scope.get("notes", [])]
    assert any("Saltmarsh Works" in note and "switched off" in note and "Enabled" in note for note in notes), notes
    assert done["outcome"] == ("failed" if others else "succeeded")
    assert Message.objects.count() == 1
    Guild.objects.filter(pk=guild).update(enabled=True)
    Guild.objects.filter(pk=5).delete()
    assert "switched off" not in str(collect_all("--max-requests", "6"))
