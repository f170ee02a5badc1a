"""The data of the write path: records, malformed items, pages, and the result of writing a page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from core.ingest.values import Row, account_number, clean, clean_json, clip

CONVERSION_ERRORS = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""Exceptions that a converter raises for an item that does not match the documentation of the source."""
UNKNOWN_ID = "?"
"""External id of a malformed item that has no id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceActivity:
    """An ``ActivityRecord`` with the optional fields that the timeline shows."""

    source_system: str
    external_id: str
    occurred_at: str
    activity_type: str
    actor_external_id: str = ""
    actor_name: str = ""
    source_url: str = ""
    summary: str = ""
    thread: str = ""
    """External id of the thread that contains the activity. If it is empty, the thread is ``Record.document``."""
    edited_at: datetime | None = None
    common: bool = False
    """Whether the type is so common that the index by type leaves it out. See ``TrackerConfig.common_types``."""

    def __post_init__(self) -> None:
        """Raise ValueError if the id of the account is not a number, so that only this item is set aside."""
        account_number(self.actor_external_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamState:
    """An ``IncrementalState``: how far a stream has been read. Only the tracker's fetcher interprets it."""

    checkpoint_token: str = ""
    human_readable_marker: str = ""
    extras: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One item of a source: its row, its entry on the timeline, and the search document that shows the item."""

    row: Row
    activity: SourceActivity
    document: str = ""
    """External id of the search document. Empty if no document shows the item."""
    kind: str = ""
    """Kind of the search document, such as ``issue`` or ``conversation``."""
    children: tuple[Row, ...] = ()
    """Rows of a second table, such as the files of a commit. The rows do not contain the key of the item."""
    has_own_time: bool = True
    """Whether the source sent the time of the item. If not, an update must not replace the stored time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """An item that does not match the documentation of the source. Its payload is stored for inspection and retries."""

    external_id: str
    reason: str
    payload: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A converted page: its records, the mentioned accounts by id, and its malformed items."""

    records: list[Record] = field(default_factory=list[Record])
    accounts: dict[int, Row] = field(default_factory=dict[int, Row])
    malformed: list[Malformed] = field(default_factory=list[Malformed])


@dataclass(frozen=True, kw_only=True, slots=True)
class PageResult:
    """Result of writing a page: the numbers of seen, inserted, updated, deleted and malformed items."""

    seen: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    malformed: int = 0


def no_accounts(_: object) -> Iterable[Row]:
    """Return no accounts, for sources without an account table."""
    return ()


def convert_each(
    payloads: Iterable[Any],
    convert: Callable[[Any], Record],
    accounts: Callable[[Any], Iterable[Row]] = no_accounts,
    name: Callable[[Any], str] = lambda _: "",
) -> Page:
    """Convert the items one by one. A malformed item does not affect the other items.

    ``name`` returns the external id of a malformed item, or an empty string to use the id in the payload.
    """
    page = Page()
    for payload in payloads:
        try:
            record, people = convert(payload), list(accounts(payload))
        except CONVERSION_ERRORS as error:
            page.malformed.append(malformed_item(payload, error, name(payload)))
            continue
        page.records.append(record)
        page.accounts.update({person["id"]: person for person in people})
    return page


def join_pages(pages: Iterable[Page]) -> Page | None:
    """Return consecutive pages as one page, or ``None`` if two pages contain different versions of an item or account.

    The versions differ if an item was edited or an account was renamed between the requests.
    """
    joined, seen = Page(), dict[object, Row]()
    for page in pages:
        rows = {record.row["id"]: record.row for record in page.records}
        if any(seen.get(pk, row) != row for pk, row in rows.items()):
            return None
        if any(joined.accounts.get(pk, row) != row for pk, row in page.accounts.items()):
            return None
        seen |= rows
        joined.records.extend(page.records)
        joined.accounts.update(page.accounts)
        joined.malformed.extend(page.malformed)
    return joined


def malformed_item(payload: object, error: Exception, name: str = "") -> Malformed:
    """Return the malformed item for a payload. Its external id is ``name``, or else the id or number in the payload."""
    fields = cast("Mapping[str, object]", payload) if isinstance(payload, Mapping) else dict[str, object]()
    known = name or fields.get("id") or fields.get("number") or UNKNOWN_ID
    return Malformed(external_id=clip(str(known), 300), reason=describe_error(error), payload=clean_json(payload))


def describe_error(error: Exception) -> str:
    """Return the reason why an item could not be converted, in words."""
    if isinstance(error, KeyError) and error.args:
        return clean(f"the field {str(error.args[0])[:60]!r} is missing")
    if isinstance(error, OverflowError) or "out of range" in str(error):
        return "a number, an id or a time is out of range"
    return "a field does not have the documented type"
