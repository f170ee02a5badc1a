"""Store data from exported files. Data from Discord's API is richer, so exported data never replaces it.

A message from the API stays unchanged. If it was edited after the export, the exported text is stored as an earlier
version. A message from an older export is updated. A deleted message stays deleted. An unknown message is stored as
live, because an export does not show later deletions. If the bot can read the channel, the next sweep finds these
deletions.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from core.db.upsert import upsert
from core.ingest.records import PageResult
from core.ingest.values import Row
from core.models import Checkpoint, Scope
from core.operations.output import number_of
from discord_activity_tracker.convert.exports import EXPORTED, channel_changes, guild_changes, is_newer
from discord_activity_tracker.convert.messages import MessagePage, MessageRecord
from discord_activity_tracker.models import (
    Account,
    Channel,
    FormerChannelName,
    Guild,
    Message,
    Reactor,
    Revision,
)
from discord_activity_tracker.store.conversations import Location, request_reindex_of_threads
from discord_activity_tracker.store.messages import PageWrite, store_messages

IMPORTER = "discord_import"


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """A position in a file. ``done`` is the number of messages that were read. ``identity`` identifies the file."""

    channel_id: int
    identity: str
    done: int


@transaction.atomic
def open_channel(guild: Row, channels: Collection[Row], now: datetime) -> Location:
    """Store the guild and channels of a file, and return the location of the file's messages.

    Stored data from the API stays unchanged. ``channels`` ends with the file's own channel. Raises ValueError if that
    channel is stored as part of another guild.
    """
    own_id = [row["id"] for row in channels][-1]
    elsewhere = Channel.objects.filter(pk=own_id).exclude(guild_id=guild["id"]).values_list("guild_id", flat=True)
    if elsewhere:
        raise ValueError(f"channel {own_id} is stored as part of server {elsewhere[0]}; check the server in the file")
    renamed = _store_guild(guild)
    renamed = _store_channels(guild["id"], channels, now) or renamed
    channel = Channel.objects.select_related("guild").get(pk=own_id)
    top = Channel.objects.filter(pk=channel.parent_id).first() if channel.is_thread else None
    named = top or channel
    _insert_missing(Scope, [_scope(channel.guild, named)], ["source_system", "external_id"])
    if renamed:
        _rename_scopes(channel.guild)
    pk = Scope.objects.get(source_system="discord", external_id=f"{channel.guild_id}/{named.pk}").pk
    return Location(guild_id=channel.guild_id, channel_id=own_id, scope_id=pk, is_thread=channel.is_thread)


def _store_guild(row: Row) -> bool:
    """Insert a guild, or update it if it is known only from exports. Return whether its name changed."""
    old = Guild.objects.select_for_update().filter(pk=row["id"]).values().first()
    if old is None:
        Guild.objects.create(**row)
    changes = guild_changes(old, row) if old else {}
    if changes:
        Guild.objects.filter(pk=row["id"]).update(**changes)
    return bool(old and changes and changes["name"] != old["name"])


def _store_channels(guild_id: int, rows: Collection[Row], now: datetime) -> bool:
    """Insert channels, or update channels that are known only from exports. Return whether a name changed."""
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
    request_reindex_of_threads(list(renamed))
    return bool(renamed)


def _scope(guild: Guild, channel: Channel) -> dict[str, Any]:
    return {
        "source_system": "discord", "external_id": f"{guild.pk}/{channel.pk}",
        "name": f"{guild.name}/{channel.name}"[:300], "url": channel.url,
    }  # fmt: skip


def _rename_scopes(guild: Guild) -> None:
    """Update the names of a guild's scopes after a rename."""
    scopes = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild.pk}/")
    ids = [int(name.rpartition("/")[2]) for name in scopes.values_list("external_id", flat=True)]
    rows = [_scope(guild, channel) for channel in Channel.objects.filter(guild=guild, pk__in=ids)]
    upsert(Scope, rows, key=["source_system", "external_id"])


def position_of(channel_id: int, identity: str) -> int:
    """Return the number of a file's messages that an interrupted run has read, or 0."""
    checkpoint = Checkpoint.objects.filter(collector=IMPORTER, scope=str(channel_id), stream=identity).first()
    return int(checkpoint.checkpoint_token) if checkpoint else 0


def finish_file(channel_id: int, identity: str) -> None:
    """Delete the position in a file that was read to its end."""
    Checkpoint.objects.filter(collector=IMPORTER, scope=str(channel_id), stream=identity).delete()


def count_unknown(ids: Iterable[int]) -> int:
    """Return the number of these message ids that are not stored."""
    wanted = set(ids)
    return len(wanted) - Message.objects.filter(pk__in=wanted).count()


@transaction.atomic
def store_export(
    page: MessagePage,
    reactors: Mapping[int, Collection[tuple[str, Row]]],
    location: Location,
    now: datetime,
    position: Position,
) -> PageResult:
    """Store the new data on a page of a file, together with the position in the file."""
    added_ids = {row["id"] for row in _rows_to_store(page.rows)}
    people = {row["id"]: row for pk in added_ids for _, row in reactors.get(pk, ())}
    known = {a.pk: a for a in Account.objects.filter(pk__in=[*page.accounts, *people])}
    accounts = {pk: row for pk, row in page.accounts.items() if _is_better_source(row, known.get(pk))}
    names = {pk: str(account) for pk, account in known.items() if pk not in accounts}
    records = [_with_stored_name(record, names) for record in page.records if record.row["id"] in added_ids]
    added = replace(page, records=records, accounts=accounts)
    (result,) = store_messages([PageWrite(page=added, location=location, states={})], now=now)
    _insert_missing(Account, [row for pk, row in people.items() if pk not in known], ["id"])
    _store_reactors({pk: reactors[pk] for pk in added_ids if reactors.get(pk)})
    _save_position(position)
    return replace(result, seen=len(page.records))


def _with_stored_name(record: MessageRecord, names: Mapping[int, str]) -> MessageRecord:
    """Return the record with the stored name of its author. Webhooks are ignored: each message has its own name."""
    author_id = record.row["author_id"]
    if record.row["webhook_name"] or author_id not in names:
        return record
    return replace(record, actor_name=names[author_id])


def _rows_to_store(rows: list[Row]) -> list[Row]:
    """Return the rows of unknown messages, and of messages that are known only from an older export.

    Also store exported texts of messages from the API as revisions if the messages were edited after the export.
    """
    names = ("pk", "deleted_at", "edited_at", "content", f"payload__{EXPORTED}")
    stored = {row[0]: row[1:] for row in Message.objects.filter(pk__in=[r["id"] for r in rows]).values_list(*names)}
    result: list[Row] = []
    for row in rows:
        if row["id"] not in stored:
            result.append(row)
            continue
        deleted_at, _, _, exported_at = stored[row["id"]]
        if exported_at is not None and not deleted_at and is_newer(row["payload"][EXPORTED], exported_at):
            result.append(row)
    from_api = [row for row in rows if row["id"] in stored and stored[row["id"]][3] is None]
    _store_revisions(from_api, {pk: (edited_at, content) for pk, (_, edited_at, content, _) in stored.items()})
    return result


def _is_better_source(row: Row, known: Account | None) -> bool:
    """Return whether the account is unknown, or known only from an older export."""
    return known is None or bool(known.exported_at and known.exported_at < row["exported_at"])


def _store_revisions(rows: Iterable[Row], stored: Mapping[int, tuple[datetime | None, str]]) -> None:
    """Store exported texts that are older than the last edit, as earlier versions of messages from the API."""
    earlier = [
        {
            "message_id": row["id"], "content": row["content"], "payload": row["payload"],
            "written_at": row["edited_at"] or row["created_at"], "replaced_at": edited_at,
        }
        for row in rows
        if (edited_at := stored[row["id"]][0]) and stored[row["id"]][1] != row["content"]
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


def _save_position(position: Position) -> None:
    row = {
        "collector": IMPORTER, "scope": str(position.channel_id), "stream": position.identity,
        "checkpoint_token": str(position.done), "human_readable_marker": number_of(position.done, "message"),
        "extras": {}, "updated_at": timezone.now(),
    }  # fmt: skip
    upsert(Checkpoint, [row], key=["collector", "scope", "stream"])


def _insert_missing(model: type[models.Model], rows: Iterable[dict[str, Any]], key: list[str]) -> None:
    """Insert the rows that are not stored yet, by their ``key``. Stored rows stay unchanged."""
    missing = list(rows)
    if missing:
        upsert(model, missing, key=key, keep=list(missing[0]))
