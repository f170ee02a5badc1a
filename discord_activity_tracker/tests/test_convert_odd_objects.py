"""Tests of objects that do not match Discord's documentation. All data is invented.

A malformed object must not affect other objects.
"""

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discord_activity_tracker.convert.guilds import (
    READ_MESSAGE_HISTORY,
    VIEW_CHANNEL,
    Permissions,
    access_by_channel,
    convert_events,
    convert_guild,
    convert_threads,
    usable_channels,
)

GUILD = "4100000000000000001"
CHANNEL = "4100000000000000101"
BITS = str(VIEW_CHANNEL | READ_MESSAGE_HISTORY)


def guild(**changes: Any) -> Any:
    everyone = {"id": GUILD, "name": "@everyone", "permissions": BITS}
    return {"id": GUILD, "name": "Saltmarsh", "owner_id": "7", "roles": [everyone], "emojis": [], **changes}


def channel(**changes: Any) -> Any:
    return {"id": CHANNEL, "type": 0, "name": "harbour", **changes}


def thread(**metadata: Any) -> Any:
    found = {"archived": True, "archive_timestamp": "2025-03-01T08:00:00+00:00", **metadata}
    return channel(id="4100000000000000201", type=11, parent_id=CHANNEL, thread_metadata=found)


def test_thread_without_archive_time_is_valid() -> None:
    rows = convert_threads([thread(archive_timestamp=None)], int(GUILD), "ok")
    assert (rows.rows[0]["archive_timestamp"], rows.rows[0]["archived"], rows.malformed) == (None, True, [])


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({**thread(), "id": None}, "a field does not have the documented type"),
        ({"type": 11}, "the field 'id' is missing"),
        ({**thread(), "thread_metadata": [1]}, "a field does not have the documented type"),
        ({**thread(), "last_message_id": str(1 << 70)}, "a number, an id or a time is out of range"),
        ("thread", "a field does not have the documented type"),
    ],
)
def test_malformed_thread_has_a_readable_reason(odd: Any, said: str) -> None:
    rows = convert_threads([odd, thread()], int(GUILD), "ok")
    assert len(rows.rows) == 1
    assert [item.reason for item in rows.malformed] == [said]


def test_malformed_role_is_neither_stored_nor_deleted() -> None:
    roles = [*guild()["roles"], {"id": "4100000000000000009", "name": 7}]
    rows = convert_guild(guild(roles=roles, emojis=None), [], {}, {})
    assert [row["id"] for row in rows.roles.rows] == [int(GUILD)]
    assert (rows.roles.set_aside, rows.roles.whole) == ({4100000000000000009}, True)
    assert not rows.emojis.whole  # a missing list does not show which emoji were deleted


def test_list_with_an_object_without_id_deletes_nothing() -> None:
    assert not convert_guild(guild(roles=[{"name": "x"}]), [], {}, {}).roles.whole
    assert not convert_events(cast("Any", [None]), int(GUILD)).events.whole


def test_guild_without_name_is_valid() -> None:
    assert convert_guild(guild(name=None, description=3, owner_id={}), [], {}, {}).guild["name"] == ""


@pytest.mark.parametrize("member", [None, {}, {"roles": None}, "member"])
def test_permissions_are_uncertain_without_the_roles_of_the_bot(member: Any) -> None:
    hidden = {"id": GUILD, "type": 0, "allow": "0", "deny": BITS}
    shown = {"id": "4100000000000000009", "type": 0, "allow": BITS, "deny": "0"}
    found = Permissions(guild(), member, 8, base=int(BITS))
    assert not found.certain
    assert found.access(channel()) == "ok"
    assert found.access(channel(permission_overwrites=[hidden])) == "no_view"
    # the bot may have the role of this overwrite
    assert found.access(channel(permission_overwrites=[hidden, shown])) == "ok"


def test_null_permissions_of_a_role_matter_only_to_its_members() -> None:
    roles = [*guild()["roles"], {"id": "4100000000000000009", "permissions": None}]
    assert Permissions(guild(roles=roles), {"roles": []}, 8).certain
    assert not Permissions(guild(roles=roles), {"roles": ["4100000000000000009"]}, 8).certain


def test_malformed_overwrite_is_ignored() -> None:
    odd = [None, {"id": GUILD, "type": 0, "allow": "many", "deny": "0"}, {"id": GUILD}]
    found = Permissions(guild(), {"roles": []}, 8)
    assert found.access(channel(permission_overwrites=odd)) == "ok"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("id", "type", "name", "topic", "parent_id", "position", "owner_id", "permission_overwrites",
          "last_message_id", "last_pin_timestamp", "applied_tags", "thread_metadata")  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FIELDS), JSON)
def test_any_value_in_a_channel_affects_only_that_channel(field: str, value: Any) -> None:
    odd, good = thread() | {field: value}, channel(id="4100000000000000301")
    usable, aside = usable_channels([odd, good])
    assert good in usable
    assert len(usable) + len(aside) == 2
    permissions = Permissions(guild(), {"roles": []}, 8)
    rows = convert_guild(guild(), usable, access_by_channel(permissions, usable), {})
    assert int(good["id"]) in {row["id"] for row in rows.channels.rows}
    permissions.gaps(usable)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(("roles", "emojis", "stickers", "name", "owner_id", "icon", "description")), JSON, JSON)
def test_any_value_in_a_guild_is_tolerated(field: str, value: Any, member: Any) -> None:
    odd = guild() | {field: value}
    permissions = Permissions(odd, member, 8)
    rows = convert_guild(odd, [channel()], access_by_channel(permissions, [channel()]), {})
    assert len(rows.channels.rows) == 1
