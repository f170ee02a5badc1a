"""The short keys of the timeline: external ids as prefix, number and code; ids of types; conditions on these keys.

The external id ``github:issue_comment:1234`` has the prefix ``github:issue_comment:``, which is stored once, the number
1234 and no code. If the last part is no number, such as a hash of a commit, the number is 64 bits of the part's MD5, so
that one index finds all rows, and the code contains the part itself. The first byte of a code is ``h`` for a
hexadecimal part, which is stored in half its length, and ``t`` for any other text.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from django.db import connection
from django.db.models import Q

NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
HEX = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)
LIMIT = 1 << 63
NO_CODE = b""

PREFIXES = "SELECT text, id FROM core_externalidprefix WHERE source_system = %s AND text = ANY(%s)"
NEW_PREFIXES = """
    INSERT INTO core_externalidprefix (source_system, text) SELECT %s, new.text FROM unnest(%s::text[]) AS new (text)
    ORDER BY text ON CONFLICT (source_system, text) DO NOTHING
"""
TYPES = "SELECT name, id FROM core_activitytype WHERE source_system = %s AND name = ANY(%s)"
NEW_TYPES = """
    INSERT INTO core_activitytype (source_system, name) SELECT %s, new.name FROM unnest(%s::text[]) AS new (name)
    ORDER BY name ON CONFLICT (source_system, name) DO NOTHING
"""


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


def prefix_ids(source_system: str, prefixes: Collection[str], *, create: bool = False) -> dict[str, int]:
    """Return the ids of prefixes by their text. Prefixes that are not stored are created or left out.

    Runs one statement if all prefixes are stored, else at most three.
    """
    return _ids(source_system, prefixes, PREFIXES, NEW_PREFIXES if create else "")


def type_ids(source_system: str, names: Collection[str], *, create: bool = False) -> dict[str, int]:
    """Return the ids of activity types by name. Works like ``prefix_ids``."""
    return _ids(source_system, names, TYPES, NEW_TYPES if create else "")


def _ids(source_system: str, texts: Collection[str], select: str, insert: str) -> dict[str, int]:
    wanted = sorted(set(texts))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(select, [source_system, wanted])
        known: dict[str, int] = dict(cursor.fetchall())
        if insert and (missing := [text for text in wanted if text not in known]):
            cursor.execute(insert, [source_system, missing])
            cursor.execute(select, [source_system, missing])
            known |= dict(cursor.fetchall())
    return known


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
    known: Mapping[str, int] = prefix_ids(source_system, groups)
    condition = Q(pk__in=[])
    for text, parts in groups.items():
        if text in known:
            codes = {part.code for part in parts}
            condition |= Q(**{prefix: known[text], f"{number}__in": sorted({part.number for part in parts})}) & (
                Q(**{f"{code}__in": sorted(codes)}) if codes != {NO_CODE} else _without(code)
            )
    return condition


def _without(code: str) -> Q:
    return Q(thread_code=None) if code == "thread_code" else Q(code=NO_CODE)
