"""Tests of command replies, which come from a bot, and of webhooks. Repeated runs must not change them."""

from typing import Any

import pytest

from discord_activity_tracker.convert.messages import convert_messages
from discord_activity_tracker.models import Account, FormerName, Message
from discord_activity_tracker.tests.conftest import Collect
from tests.support.activities import shown_activities
from tests.support.discord_fixtures import CHANNEL, GUILD, at, make_guild, message, store
from tests.support.discord_truth import differences
from tests.support.discord_twin import Twin

BOT, APPLICATION, HOOK = 4_100_000_000_000_005_001, 4_100_000_000_000_005_002, 4_100_000_000_000_005_003


def author(pk: int, name: str, discriminator: str = "0000", **more: Any) -> dict[str, Any]:
    return {"id": str(pk), "username": name, "bot": True, "avatar": None, "discriminator": discriminator, **more}


def answer(pk: int, *, app: int | None = BOT, by: int = BOT, hook: int | None = None, **more: Any) -> Any:
    """Return a reply to a command. By default, ``webhook_id`` is the id of the application or of the author."""
    ids = {"webhook_id": str(hook or app or by)} | ({"application_id": str(app)} if app else {})
    return message(pk, "answer", type=20, **ids, **more) | {"author": author(by, "helper", "4242")}


def webhook(pk: int, name: str, **more: Any) -> Any:
    return message(pk, "news", webhook_id=str(HOOK), **more) | {"author": author(HOOK, name)}


def kinds(*items: Any) -> dict[int, str]:
    page = convert_messages(items, GUILD, CHANNEL)
    assert not page.malformed
    return {pk: row["kind"] for pk, row in [*page.webhooks.items(), *page.accounts.items()]}


@pytest.mark.parametrize(
    "item",
    [
        answer(at(0)),
        answer(at(0), app=APPLICATION),
        answer(at(0)) | {"type": 19},
        answer(at(0)) | {"author": {"id": str(BOT), "username": "helper"}},
        answer(at(0), app=None),
        answer(at(0), app=None) | {"author": author(BOT, "helper"), "interaction": {"id": "1", "name": "status"}},
        answer(at(0), app=None) | {"author": author(BOT, "helper"), "interaction_metadata": {"id": "1", "type": 2}},
        message(at(0), webhook_id=None) | {"author": author(BOT, "helper", "4242")},
    ],
    ids=["new", "old", "followup", "unflagged", "no-application", "command", "metadata", "null"],
)
def test_author_of_a_command_answer_is_the_bot(item: Any) -> None:
    page = convert_messages([item], GUILD, CHANNEL)
    assert kinds(item) == {BOT: "bot"}
    assert [row["webhook_name"] for row in page.rows] == [""]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"application_id": str(APPLICATION)},
        {"application_id": None},
        {"flags": 2, "message_reference": {"channel_id": "5", "guild_id": "6", "message_id": "7"}},
    ],
    ids=["incoming", "owned", "null", "crosspost"],
)
def test_webhook_stays_a_webhook(more: dict[str, Any]) -> None:
    item = webhook(at(0), "Weather", **more)
    assert kinds(item) == {HOOK: "webhook"}
    assert convert_messages([item], GUILD, CHANNEL).rows[0]["webhook_name"] == "Weather"


def test_mentioned_webhook_is_not_an_account() -> None:
    mention = message(at(0), mentions=[author(HOOK, "Tide"), author(BOT, "helper", "4242")])
    assert kinds(mention)[HOOK] == "bot"
    page = convert_messages([mention], GUILD, CHANNEL)
    assert HOOK in page.webhooks
    assert HOOK not in page.accounts
    assert BOT in page.accounts


def state() -> list[Any]:
    return [
        list(Account.objects.order_by("pk").values_list("pk", "username", "global_name", "kind")),
        list(Message.objects.order_by("pk").values_list("pk", "author_id", "webhook_name")),
        [(row.external_id, row.actor_name) for row in sorted(shown_activities(), key=lambda row: row.pk)],
        list(FormerName.objects.values_list("username", "global_name")),
    ]


@pytest.mark.django_db
def test_names_and_kinds_are_stable_across_runs() -> None:
    make_guild()
    plain = message(at(1)) | {"author": author(BOT, "helper", "4242", global_name=None)}
    items = [answer(at(0)), plain, webhook(at(2), "Tide"), webhook(at(3), "Weather")]
    items.append(message(at(4), mentions=[author(HOOK, "Tide"), author(BOT, "helper", "4242")]))
    store(items)
    before = state()
    for run in ([items[3]], [items[4]], items[2:3], items, list(reversed(items))):
        assert store(run).updated == 0
        assert state() == before
    assert [name for *_, name in before[2]] == ["helper", "helper", "Tide", "Weather", "Mirela"]


@pytest.mark.django_db
def test_author_stored_as_webhook_becomes_bot() -> None:
    make_guild()
    store([answer(at(0))])
    Account.objects.filter(pk=BOT).update(kind="webhook")
    Message.objects.update(webhook_name="helper")
    store([answer(at(0))])
    assert Account.objects.get(pk=BOT).kind == "bot"
    assert Message.objects.get().webhook_name == ""


@pytest.mark.django_db
def test_partial_user_object_does_not_erase_global_name() -> None:
    make_guild()
    whole = message(at(0))
    partial = message(at(1)) | {"author": {k: v for k, v in whole["author"].items() if k != "global_name"}}
    for items in ([whole, partial], [partial], [partial, whole], [partial]):
        store(items)
    assert Account.objects.get(pk=int(whole["author"]["id"])).global_name == "Mirela"
    assert not FormerName.objects.exists()
    store([message(at(2)) | {"author": whole["author"] | {"global_name": None}}])
    assert list(FormerName.objects.values_list("global_name", flat=True)) == ["Mirela"]


@pytest.mark.twin
@pytest.mark.django_db(transaction=True)
def test_every_kind_of_command_answer_of_the_twin(twin: Twin, collect: Collect) -> None:
    channel = next(str(pk) for pk, box in twin.readable().items() if box["name"] == "general")
    (made,) = twin.mutate(op="command_answer", channel_id=channel)
    collect("--channel", channel)
    truth = twin.readable()[int(channel)]["messages"]
    expected = {pk: truth[pk]["author_kind"] for pk in made["message_ids"].values()}
    stored = Message.objects.filter(pk__in=list(expected)).select_related("author")
    assert {str(m.pk): m.author.kind for m in stored if m.author} == expected
    assert {str(m.pk) for m in stored if m.webhook_name} == {made["message_ids"]["owned_webhook"]}
    before = state()
    assert collect("--channel", channel, "--full")["counts"].get("messages_updated", 0) == 0
    assert state() == before
    assert [line for line in differences(twin) if line.startswith(channel)] == []
