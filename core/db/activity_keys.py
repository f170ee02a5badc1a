"""The short keys of the timeline: external ids as prefix, number and code; ids of types; conditions on these keys.

The external id ``github:issue_comment:1234`` has the prefix ``github:issue_comment:``, which is stored once, the number
1234 and no code. If the last part is not a number, such as a hash of a commit, the code contains the part itself. The
number is then 64 bits of the part's MD5, so that one index finds all rows. The first byte of a code is ``h`` for a
hexadecimal part, which is stored in half its length, and ``t`` for any other text.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from django.db.models import Q, Subquery

from core.models import ExternalIdPrefix

NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
HEX = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)
LIMIT = 1 << 63
NO_CODE = b""

KEYS = """
    WITH known_prefix AS (
        SELECT text, id FROM core_externalidprefix WHERE source_system = %(source)s AND text = ANY(%(prefixes)s)
    ), new_prefix AS (
        INSERT INTO core_externalidprefix (source_system, text) SELECT %(source)s, given.text
        FROM unnest(%(prefixes)s::text[]) AS given (text)
        WHERE NOT EXISTS (SELECT 1 FROM known_prefix AS known WHERE known.text = given.text) ORDER BY given.text
        ON CONFLICT (source_system, text) DO UPDATE SET text = excluded.text RETURNING text, id
    ), known_type AS (
        SELECT name, id FROM core_activitytype WHERE source_system = %(source)s AND name = ANY(%(types)s)
    ), new_type AS (
        INSERT INTO core_activitytype (source_system, name) SELECT %(source)s, given.name
        FROM unnest(%(types)s::text[]) AS given (name)
        WHERE NOT EXISTS (SELECT 1 FROM known_type AS known WHERE known.name = given.name) ORDER BY given.name
        ON CONFLICT (source_system, name) DO UPDATE SET name = excluded.name RETURNING name, id
    )
    SELECT true, text, id FROM (TABLE known_prefix UNION ALL TABLE new_prefix) AS prefixes
    UNION ALL SELECT false, name, id FROM (TABLE known_type UNION ALL TABLE new_type) AS types
"""
"""Select the ids of prefixes and types, and create those that are missing. If another transaction creates one at the
same moment, the statement waits for it, and then returns the other's id."""


class ExternalId(NamedTuple):
    """The three parts of an external id. ``prefix`` is a text that is stored in ``ExternalIdPrefix``."""

    prefix: str
    number: int
    code: bytes = b""


def split_external_id(external_id: str) -> ExternalId:
    """Return the parts of an external id."""
    prefix, colon, last = external_id.rpartition(":")
    prefix += colon
    if NUMBER.fullmatch(last) and -LIMIT <= (number := int(last)) < LIMIT:
        return ExternalId(prefix, number)
    digest = hashlib.md5(last.encode(), usedforsecurity=False).digest()
    code = b"h" + bytes.fromhex(last) if HEX.fullmatch(last) else b"t" + last.encode()
    return ExternalId(prefix, int.from_bytes(digest[:8], signed=True), code)


def join_external_id(prefix: str, number: int, code: bytes = b"") -> str:
    """Return the external id with these parts. The SQL function ``core_external_id`` does the same."""
    if not code:
        return f"{prefix}{number}"
    return prefix + (code[1:].hex() if code.startswith(b"h") else bytes(code[1:]).decode())


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """The ids of prefixes and of activity types, by their texts."""

    prefixes: Mapping[str, int]
    types: Mapping[str, int]


def activity_keys(source_system: str, *, prefixes: Iterable[str], types: Iterable[str]) -> Keys:
    """Return the ids of these prefixes and types. Creates those that are missing. Runs one statement."""
    given = {"source": source_system, "prefixes": sorted(set(prefixes)), "types": sorted(set(types))}
    with connection.cursor() as cursor:
        cursor.execute(KEYS, given)
        rows = cursor.fetchall()
    return Keys(
        prefixes={text: pk for is_prefix, text, pk in rows if is_prefix},
        types={text: pk for is_prefix, text, pk in rows if not is_prefix},
    )


def with_external_ids(source_system: str, external_ids: Iterable[str]) -> Q:
    """Return a condition on activities: the external id is one of these. It uses the index of external ids."""
    return _one_of(source_system, external_ids, "prefix_id", "number", "code")


def in_threads(source_system: str, threads: Iterable[str]) -> Q:
    """Return a condition on activities: the thread is one of these. It uses the index of threads."""
    return _one_of(source_system, threads, "thread_prefix_id", "thread_number", "thread_code")


def _one_of(source_system: str, texts: Iterable[str], prefix: str, number: str, code: str) -> Q:
    """Return a condition. Ids with the same prefix share one comparison, so there are few for most lists of ids."""
    groups: defaultdict[str, list[ExternalId]] = defaultdict(list)
    for text in texts:
        parts = split_external_id(text)
        groups[parts.prefix].append(parts)
    condition = Q(pk__in=[])
    for text, parts in groups.items():
        codes = {part.code for part in parts}
        stored = ExternalIdPrefix.objects.filter(source_system=source_system, text=text).values("pk")
        condition |= Q(**{prefix: Subquery(stored), f"{number}__in": sorted({part.number for part in parts})}) & (
            Q(**{f"{code}__in": sorted(codes)}) if codes != {NO_CODE} else _without(code)
        )
    return condition


def _without(code: str) -> Q:
    return Q(thread_code=None) if code == "thread_code" else Q(code=NO_CODE)
