"""A converted page: what the store writes in one transaction, and what could not be converted."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from github_activity_tracker.protocol_impl import GitHubActivity

Row = dict[str, Any]
"""A row by attribute names of its model (``author_id`` for a foreign key)."""

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL's text cannot hold: NUL and halves of surrogate pairs."""


MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What converting an item raises when it is not as documented."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One thing of the source: its row, its place on the timeline, and the document that shows it."""

    row: Row
    activity: GitHubActivity
    document: str
    """External id of the search document in which it appears; empty when it appears in none."""
    kind: str
    """Kind of that document: issue, pull_request or commit."""
    files: tuple[Row, ...] = ()
    """Changed files of a commit, without the commit's key."""
    time_is_own: bool = True
    """False where the source did not say when it happened: its time must not replace a stored one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """An item that is not as GitHub documents it; kept, so that it can be looked at and tried again."""

    external_id: str
    reason: str
    payload: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What a page of payloads became."""

    records: list[Record] = field(default_factory=list[Record])
    accounts: dict[int, Row] = field(default_factory=dict[int, Row])
    malformed: list[Malformed] = field(default_factory=list[Malformed])


def convert_each(
    payloads: Iterable[Any],
    convert: Callable[[Any], Record],
    accounts: Callable[[Any], Iterable[Row]],
    name: Callable[[Any], str] = lambda _: "",
) -> Page:
    """Convert item by item: one that is malformed is set aside, under its ``name`` or id, and stops nothing."""
    page = Page()
    for payload in payloads:
        try:
            record, people = convert(payload), list(accounts(payload))
        except MALFORMED as error:
            page.malformed.append(malformed(payload, error, name(payload)))
            continue
        page.records.append(record)
        page.accounts.update({person["id"]: person for person in people})
    return page


def joined(pages: Iterable[Page]) -> Page | None:
    """Pages that follow each other, as one; nothing when one of them tells in another way what was told before.

    An item that was edited between two pages has two texts then, and an account that was renamed two names.
    """
    whole, seen = Page(), dict[object, Row]()
    for page in pages:
        here = {record.row["id"]: record.row for record in page.records}
        if any(seen.get(pk, row) != row for pk, row in here.items()):
            return None
        if any(whole.accounts.get(pk, row) != row for pk, row in page.accounts.items()):
            return None
        seen |= here
        whole.records.extend(page.records)
        whole.accounts.update(page.accounts)
        whole.malformed.extend(page.malformed)
    return whole


def malformed(payload: object, error: Exception, name: str = "") -> Malformed:
    """Set an item aside; without a name it goes by its id or number."""
    told = cast("Mapping[str, object]", payload) if isinstance(payload, Mapping) else dict[str, object]()
    known = name or told.get("id") or told.get("number")
    return Malformed(external_id=clip(str(known), 300), reason=what_is_malformed(error), payload=storable(payload))


def what_is_malformed(error: Exception) -> str:
    """Say in words for people why an item could not be converted."""
    if isinstance(error, KeyError) and error.args:
        return clean(f"the field {str(error.args[0])[:60]!r} is missing")
    if isinstance(error, OverflowError) or "out of range" in str(error):
        return "a number or a time is out of range"
    return "a field is not of the kind that GitHub documents"


REACTIONS = {
    "THUMBS_UP": "+1", "THUMBS_DOWN": "-1", "LAUGH": "laugh", "HOORAY": "hooray", "CONFUSED": "confused",
    "HEART": "heart", "ROCKET": "rocket", "EYES": "eyes",
}  # fmt: skip
"""GraphQL's words for reactions, and those of REST."""


def reaction_counts(groups: Any) -> dict[str, int]:
    """Counts by kind out of GraphQL's groups; kinds without any are left out."""
    found: dict[str, int] = {}
    for group in groups or ():
        if number := ((group or {}).get("reactors") or {}).get("totalCount"):
            content = clip(str(group.get("content") or "unknown"), 32)
            found[REACTIONS.get(content, content.lower())] = whole(number, 32)
    return found


def rest_reaction_counts(counts: Mapping[str, object] | None) -> dict[str, int]:
    """Counts by kind out of REST's roll-up; kinds without any are left out."""
    return {clean(k): n for k, n in (counts or {}).items() if isinstance(n, int) and n and k != "total_count"}


def hidden_state(node: Mapping[str, Any]) -> Row:
    """Whether GitHub hides a comment or review, and why; None where the server does not say."""
    hidden = node.get("isMinimized")
    return {
        "is_minimized": None if hidden is None else bool(hidden),
        "minimized_reason": clip(node.get("minimizedReason"), 64) if hidden else "",
    }


def resolved_state(thread: Mapping[str, Any]) -> Row:
    """The review thread of a comment, and whether and by whom it is resolved."""
    resolved = thread.get("isResolved")
    by = (thread.get("resolvedBy") or {}).get("databaseId") if resolved else None
    return {
        "thread_node_id": clip(thread.get("id"), 100),
        "is_resolved": None if resolved is None else bool(resolved),
        "resolved_by_id": int(by) if by else None,
    }


def clean(text: str | None) -> str:
    """Text that PostgreSQL can hold: what it cannot is shown as U+FFFD. Nothing else is touched."""
    if not text or (text.isascii() and "\0" not in text):  # most texts: the pattern takes five times as long to say so
        return text or ""
    return UNSTORABLE.sub("\ufffd", text)


def clean_or_none(text: str | None) -> str | None:
    """The same, for texts where "did not say" and "said nothing" differ."""
    return None if text is None else clean(text)


def clip(text: str | None, limit: int) -> str:
    """A clean text of at most ``limit`` characters, for columns of fixed width."""
    return clean(text)[:limit]


def one_line(text: str, limit: int = 200) -> str:
    """The beginning of a text as one clean line, for the timeline; markup is left as it is."""
    return " ".join(clean(text[: 5 * limit]).split())[:limit]


def storable(value: object) -> object:
    """Any JSON value with every text in it cleaned, so that a jsonb column takes it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [storable(member) for member in value]  # pyright: ignore[reportUnknownVariableType]  # any JSON
    if isinstance(value, dict):
        return {clean(str(key)): storable(member) for key, member in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # any JSON
    return value


def arrived_whole(connection: Mapping[str, Any] | None) -> bool:
    """Return whether a GraphQL connection holds as many nodes as GitHub counts; a missing one does not."""
    if connection is None or connection.get("nodes") is None:
        return False
    nodes = [node for node in connection["nodes"] if node]
    return len(nodes) == len(connection["nodes"]) and len(nodes) >= int(connection.get("totalCount") or 0)


def moment(text: str) -> datetime:
    """An aware datetime from GitHub's ISO 8601; ValueError for a time without a zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"a time without a zone: {text!r}")
    return found


def moment_or_none(text: str | None) -> datetime | None:
    """The same for a time that may be missing."""
    return moment(text) if text else None


def whole(number: int, bits: int = 64, *, least: int = 0) -> int:
    """A number that a column of so many bits can hold; TypeError or ValueError for anything else.

    What a column refuses would cost its whole page.
    """
    found = operator.index(number)
    if not least <= found < 1 << (bits - 1):
        raise ValueError(f"a number out of range: {found}")
    return found


def whole_or_none(number: int | None, bits: int = 64) -> int | None:
    """The same for a number that may be missing, or less than nothing."""
    return None if number is None else whole(number, bits, least=-(1 << (bits - 1)))


def last_number(url: str) -> int:
    """The number at the end of an issue's or pull request's address; ValueError when there is none."""
    return whole(int(url.rstrip("/").rpartition("/")[2]), 32)
