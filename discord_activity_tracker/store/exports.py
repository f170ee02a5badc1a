"""What exported files add. They only fill gaps: what Discord itself told is richer, and newer, and stays as it is.

A message that the API gave is left alone; when it was edited after the export, the export's words become an earlier
version of it. One that an older export gave is brought up to date. A tombstone stays one. A message that nobody has
seen is kept as alive, because an export does not tell what became of it; where the bot can read, the next sweep will.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from core.db.upsert import upsert
from core.ingest.records import PageResult, Record
from core.ingest.values import Row
from core.models import Checkpoint, Scope
from discord_activity_tracker.convert.exports import EXPORTED, channel_changes, guild_changes, is_newer
from discord_activity_tracker.convert.messages import MessagePage
from discord_activity_tracker.models import (
    Account,
    Channel,
    FormerChannelName,
    Guild,
    Message,
    Reactor,
    Revision,
)
from discord_activity_tracker.store.append_only import Reading
from discord_activity_tracker.store.messages import store_messages
from discord_activity_tracker.store.places import Place
from discord_activity_tracker.store.retitled import mark_retitled

IMPORTER = "discord_import"


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """How far a file was read; ``identity`` is the file's."""

    channel_id: int
    identity: str
    done: int


@transaction.atomic
def open_place(guild: Row, channels: Collection[Row], now: datetime) -> Place:
    """Return the place of a file's messages; guild and channels are stored as far as the API did not supply them.

    ``channels`` ends with the file's own. Raises ValueError when that is known as part of another guild.
    """
    own_id = [row["id"] for row in channels][-1]
    elsewhere = Channel.objects.filter(pk=own_id).exclude(guild_id=guild["id"]).values_list("guild_id", flat=True)
    if elsewhere:
        raise ValueError(f"channel {own_id} is known as part of guild {elsewhere[0]}")
    renamed = _store_guild(guild)
    renamed = _store_channels(guild["id"], channels, now) or renamed
    channel = Channel.objects.select_related("guild").get(pk=own_id)
    top = Channel.objects.filter(pk=channel.parent_id).first() if channel.is_thread else None
    named = top or channel
    _insert_missing(Scope, [_scope(channel.guild, named)], ["source_system", "external_id"])
    if renamed:
        _rename_scopes(channel.guild)
    pk = Scope.objects.get(source_system="discord", external_id=f"{channel.guild_id}/{named.pk}").pk
    return Place(guild_id=channel.guild_id, channel_id=own_id, scope_id=pk, is_thread=channel.is_thread)


def _store_guild(row: Row) -> bool:
    """Insert a guild, or update one that only exports know; returns whether it has another name now."""
    old = Guild.objects.select_for_update().filter(pk=row["id"]).values().first()
    if old is None:
        Guild.objects.create(**row)
    changes = guild_changes(old, row) if old else {}
    if changes:
        Guild.objects.filter(pk=row["id"]).update(**changes)
    return bool(old and changes and changes["name"] != old["name"])


def _store_channels(guild_id: int, rows: Collection[Row], now: datetime) -> bool:
    """Insert channels, or update those that only exports know; returns whether one has another name now."""
    ids = [row["id"] for row in rows]
    known = {old["id"]: old for old in Channel.objects.select_for_update().filter(pk__in=ids).values()}
    Channel.objects.bulk_create(Channel(**row) for row in rows if row["id"] not in known)
    renamed: dict[int, str] = {}
    for row in rows:
        old = known.get(row["id"])
        changes = channel_changes(old, row) if old and old["guild_id"] == guild_id else {}
        if old and changes:
            Channel.objects.filter(pk=row["id"]).update(**changes)
            if changes.get("name", old["name"]) != old["name"]:
                renamed[row["id"]] = old["name"]
    FormerChannelName.objects.bulk_create(
        FormerChannelName(channel_id=pk, name=name, noticed_at=now) for pk, name in renamed.items() if name
    )
    mark_retitled(list(renamed))
    return bool(renamed)


def _scope(guild: Guild, channel: Channel) -> dict[str, Any]:
    return {
        "source_system": "discord", "external_id": f"{guild.pk}/{channel.pk}",
        "name": f"{guild.name}/{channel.name}"[:300], "url": channel.url,
    }  # fmt: skip


def _rename_scopes(guild: Guild) -> None:
    """Give the scopes of a guild the names that it and its channels have now."""
    kept = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild.pk}/")
    ids = [int(name.rpartition("/")[2]) for name in kept.values_list("external_id", flat=True)]
    rows = [_scope(guild, channel) for channel in Channel.objects.filter(guild=guild, pk__in=ids)]
    upsert(Scope, rows, key=["source_system", "external_id"])


def position_of(channel_id: int, identity: str) -> int:
    """How many messages of a file an earlier run read before it was stopped."""
    kept = Checkpoint.objects.filter(collector=IMPORTER, scope=str(channel_id), stream=identity).first()
    return int(kept.checkpoint_token) if kept else 0


def finish_file(channel_id: int, identity: str) -> None:
    """Forget the position of a file that was read to its end."""
    Checkpoint.objects.filter(collector=IMPORTER, scope=str(channel_id), stream=identity).delete()


def unknown_among(ids: Iterable[int]) -> int:
    """How many of these messages nobody has seen."""
    wanted = set(ids)
    return len(wanted) - Message.objects.filter(pk__in=wanted).count()


@transaction.atomic
def store_export(
    page: MessagePage, reactors: Mapping[int, Collection[tuple[str, Row]]], place: Place, now: datetime, at: Position
) -> PageResult:
    """Write what a page of a file adds, and the position that it covers."""
    fresh = {row["id"] for row in _worth(page.rows)}
    people = {row["id"]: row for pk in fresh for _, row in reactors.get(pk, ())}
    known = {a.pk: a for a in Account.objects.filter(pk__in=[*page.accounts, *people])}
    accounts = {pk: row for pk, row in page.accounts.items() if _names_better(row, known.get(pk))}
    names = {str(pk): str(account) for pk, account in known.items() if pk not in accounts}
    records = [_with_stored_name(record, names) for record in page.records if record.row["id"] in fresh]
    added = replace(page, records=records, accounts=accounts)
    (stored,) = store_messages([Reading(page=added, place=place, states={})], now=now)
    _insert_missing(Account, [row for pk, row in people.items() if pk not in known], ["id"])
    _store_reactors({pk: reactors[pk] for pk in fresh if reactors.get(pk)})
    _save(at)
    return replace(stored, seen=len(page.records))


def _with_stored_name(record: Record, names: Mapping[str, str]) -> Record:
    """Return the record under the stored name of its author. A webhook has another name with each message."""
    activity = record.activity
    if record.row["webhook_name"] or activity.actor_external_id not in names:
        return record
    return replace(record, activity=replace(activity, actor_name=names[activity.actor_external_id]))


def _worth(rows: list[Row]) -> list[Row]:
    """The rows that say more than what is kept; what is only older becomes an earlier version."""
    names = ("pk", "deleted_at", "edited_at", "content", f"payload__{EXPORTED}")
    kept = {row[0]: row[1:] for row in Message.objects.filter(pk__in=[r["id"] for r in rows]).values_list(*names)}
    found: list[Row] = []
    for row in rows:
        if row["id"] not in kept:
            found.append(row)
            continue
        deleted_at, _, _, exported_at = kept[row["id"]]
        if exported_at is not None and not deleted_at and is_newer(row["payload"][EXPORTED], exported_at):
            found.append(row)
    told = [row for row in rows if row["id"] in kept and kept[row["id"]][3] is None]
    _keep_earlier(told, {pk: (edited_at, content) for pk, (_, edited_at, content, _) in kept.items()})
    return found


def _names_better(row: Row, known: Account | None) -> bool:
    """Whether an export's account is unknown, or known from an older export only."""
    return known is None or bool(known.exported_at and known.exported_at < row["exported_at"])


def _keep_earlier(rows: Iterable[Row], kept: Mapping[int, tuple[datetime | None, str]]) -> None:
    """Words from before an edit that the API came too late to see."""
    earlier = [
        {
            "message_id": row["id"], "content": row["content"], "payload": row["payload"],
            "written_at": row["edited_at"] or row["created_at"], "replaced_at": edited_at,
        }
        for row in rows
        if (edited_at := kept[row["id"]][0]) and kept[row["id"]][1] != row["content"]
        and (row["edited_at"] or row["created_at"]) < edited_at
    ]  # fmt: skip
    seen = Revision.objects.filter(message_id__in=[row["message_id"] for row in earlier])
    written = set(seen.values_list("message_id", "written_at"))
    missing = [row for row in earlier if (row["message_id"], row["written_at"]) not in written]
    _insert_missing(Revision, missing, ["message_id", "written_at", "replaced_at"])


def _store_reactors(reactors: Mapping[int, Collection[tuple[str, Row]]]) -> None:
    rows = (
        {"message_id": pk, "emoji": emoji[:200], "account_id": row["id"], "burst": False}
        for pk, people in reactors.items()
        for emoji, row in people
    )
    _insert_missing(Reactor, rows, ["message_id", "emoji", "account_id", "burst"])
    Message.objects.filter(pk__in=list(reactors)).update(reactors_of=F("reactions"))


def _save(at: Position) -> None:
    row = {
        "collector": IMPORTER, "scope": str(at.channel_id), "stream": at.identity, "checkpoint_token": str(at.done),
        "human_readable_marker": f"{at.done} messages", "extras": {}, "updated_at": timezone.now(),
    }  # fmt: skip
    upsert(Checkpoint, [row], key=["collector", "scope", "stream"])


def _insert_missing(model: type[models.Model], rows: Iterable[dict[str, Any]], key: list[str]) -> None:
    """Rows whose key is known are left alone."""
    missing = list(rows)
    if missing:
        upsert(model, missing, key=key, keep=list(missing[0]))
