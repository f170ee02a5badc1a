"""Find the documents that contain a reference exactly, such as a path, a version or an identifier.

The words of the reference select candidates from the indexes of words. The text and the title of each candidate are
then compared with the reference itself.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from core.search.filters import Filters, chunk_conditions
from core.search.query.references import Reference
from core.search.query.text import HASH_DIGITS, NAME, Lexeme, extra_words

MAX_CANDIDATES = 2000
"""Maximum number of chunks whose text is compared with a reference. 2,000 comparisons take about 10 ms."""
MAX_MATCHES = 400
"""Maximum number of chunks that contain a reference. A reference in more chunks is common and means no document."""
MAX_OTHER_WORDS = 8
"""Maximum number of other words of the query that are looked up in a matching chunk. The rarest words are used."""
MAX_WORDS = 12
"""Maximum number of words of a reference that select candidates. The longest words are used."""
CHUNKS_WITH_STRING = """
    WITH query AS MATERIALIZED (
        SELECT plainto_tsquery('simple', %(parsed)s) || %(words)s::tsquery AS q
    ), candidate AS MATERIALIZED (
        (SELECT c.id FROM query, core_chunk c {join} WHERE c.tsv_simple @@ q {where} LIMIT %(candidates)s)
        UNION
        (SELECT c.id FROM query, core_document n JOIN core_chunk c ON c.document_id = n.id AND c.ordinal = 0 {join}
            WHERE n.title_tsv @@ q {where} LIMIT %(matches)s)
    ), matching AS MATERIALIZED (
        SELECT c.id, c.document_id, c.ordinal, c.tsv, l.title_tsv, l.title ~* %(pattern)s AS titled,
            c.prefix || c.text ~ %(pattern)s AS same_case
        FROM candidate JOIN core_chunk c ON c.id = candidate.id JOIN core_document l ON l.id = c.document_id
        WHERE l.deleted_at IS NULL AND CASE
            WHEN position(%(part)s IN lower((c.prefix || c.text) COLLATE "C")) > 0
            THEN c.prefix || c.text ~* %(pattern)s END
        LIMIT %(matches)s
    )
    SELECT document_id, id, ordinal, titled, same_case, {others} AS others FROM matching
"""
"""Statement that returns the chunks with a reference. With CASE, the slow regular expression is evaluated last."""
OTHERS = """
    coalesce((SELECT sum(w) FROM unnest(%(others)s::text[], %(weights)s::float[]) AS o (q, w)
        WHERE {chunk}.tsv @@ q::tsquery OR {document}.title_tsv @@ q::tsquery), 0)
"""
"""Total weight of the other words of the query in a chunk or in the title of its document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrence:
    """A document with the exact text, and its best chunk.

    ``share`` is the share (0 to 1) of the other words of the query that the chunk and the title contain, by weight.
    ``titled`` tells whether the title contains the text.
    """

    document: int
    chunk: int
    share: float
    titled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherWords:
    """The words of a query without its references."""

    lexemes: Sequence[Lexeme]

    @classmethod
    def of(cls, query: Sequence[Lexeme]) -> "OtherWords":
        """Return the rarest stems of a query."""
        return cls(lexemes=[lexeme for lexeme in query if lexeme.vector == "tsv"][:MAX_OTHER_WORDS])

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of ``OTHERS``."""
        return {"others": [x.query for x in self.lexemes], "weights": [x.weight or 0.01 for x in self.lexemes]}

    def share(self, weight: float) -> float:
        """Return the share of the weight of all words. It is 1 without other words."""
        total = sum(x.weight or 0.01 for x in self.lexemes)
        return min(1.0, weight / total) if total else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Needle:
    """The forms in which a statement needs a reference.

    ``pattern`` is a regular expression of PostgreSQL, and ``part`` is a text in lower case that every match contains.
    """

    parsed: str
    words: str
    part: str
    pattern: str


def documents_with(reference: Reference, filters: Filters, others: OtherWords) -> tuple[list[Occurrence], bool]:
    """Return the documents that contain a reference, and whether the reference is common.

    Documents with more of the other words come first, then documents with the reference in their title, in the same
    case, and in most chunks.
    """
    needle = _needle(reference)
    if needle is None:
        return [], False
    join, where, values = filter_sql(filters)
    others_sql = OTHERS.format(chunk="matching", document="matching")
    sql = CHUNKS_WITH_STRING.format(join=join, where=where, others=others_sql)
    parameters: dict[str, Any] = {
        **values, **others.parameters,
        "parsed": needle.parsed, "words": needle.words, "part": needle.part, "pattern": needle.pattern,
        "candidates": MAX_CANDIDATES, "matches": MAX_MATCHES,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    counts = Counter(row[0] for row in rows)
    best: dict[int, tuple[tuple[float, ...], Occurrence]] = {}
    for document, chunk, ordinal, titled, same_case, weight in rows:
        share = others.share(weight)
        order = (-share, -titled, -same_case, -counts[document], -document, ordinal)
        if document not in best or order < best[document][0]:
            best[document] = (order, Occurrence(document=document, chunk=chunk, share=share, titled=titled))
    ordered = sorted(best.values(), key=lambda pair: pair[0])
    return [occurrence for _, occurrence in ordered], len(rows) >= MAX_MATCHES


def filter_sql(filters: Filters) -> tuple[str, str, dict[str, Any]]:
    """Return the join and the conditions of filters with named parameters, and these parameters."""
    conditions = chunk_conditions(filters)
    values = {f"filter{n}": value for n, value in enumerate(conditions.parameters)}
    where = conditions.where
    for name in values:
        where = where.replace("%s", f"%({name})s", 1)
    return conditions.join, where, values


def _needle(reference: Reference) -> _Needle | None:
    """Return the forms of a reference, or ``None`` if its words cannot select candidates."""
    text = reference.text
    match reference.kind:
        case "standard":
            series, number = reference.parts["series"].lower(), reference.parts["number"].lstrip("0")
            words = f"'{series}{number}' | ('{series}' & '{number}')"
            pattern = rf"(?<!\w){series}[ -]?0*{number}(?!\d)"
            return _Needle(parsed="", words=words, part=number, pattern=pattern) if number else None
        case "hash" if not text.isdigit():
            return _hash_needle(text.lower())
        case "version":
            number = text.lower().removeprefix("v")
            words = f"'{number}':* | 'v{number}':*" if "." in number else f"'v{number}'"
            v = "v?" if "." in number else "v"
            pattern = rf"(?<![\w.]){v}{escaped(number)}(?!\w|\.\d)"
            return _Needle(parsed=number if "." in number else "", words=words, part=number, pattern=pattern)
        case "address":
            return _address_needle(re.sub(r"^https?://(?:www\.)?", "", text, flags=re.IGNORECASE).rstrip("/"))
        case "path":
            return _string_needle(text.strip("/"), r"(?<!\w)", r"(?![\w-]|\.\w)")
        case "flag":
            return _string_needle(text, r"(?<![\w-])", r"(?![\w-])")
        case "symbol" | "identifier" | "name":
            return _string_needle(text, r"(?<![\w-])", "" if text.endswith("(") else r"(?!\w|-\w)")
        case _:
            return None


def _hash_needle(text: str) -> _Needle:
    """Return the forms of a hash. Texts may contain another number of digits of the same hash, but at least seven."""
    shorter = "|".join(text[:length] for length in range(len(text) - 1, HASH_DIGITS - 1, -1))
    pattern = rf"(?<!\w)(?:{text}[0-9a-f]*{'|' if shorter else ''}{shorter})(?!\w)"
    return _Needle(parsed=text[:HASH_DIGITS], words=f"'{text[:HASH_DIGITS]}'", part=text[:HASH_DIGITS], pattern=pattern)


def _address_needle(text: str) -> _Needle | None:
    """Return the forms of a URL without its protocol.

    The parser of PostgreSQL turns the path of a URL into one word, with the punctuation that follows the URL in a text.
    The beginnings of such words select few candidates.
    """
    needle = _string_needle(text, r"(?<![\w-])", r"(?![\w-]|/\w)")
    path = text.partition("/")[2].lower().replace("\\", "").replace("'", "''")
    return replace(needle, words=f"'/{path}':*") if needle and path else needle


def _string_needle(text: str, before: str, after: str) -> _Needle | None:
    words = set(extra_words(text).split())
    words |= {name.lower() for name in NAME.findall(text) if name.isalnum() and len(name) > 1 and not name.isdigit()}
    if not words or (text.isalnum() and not extra_words(text)):
        return None  # without these words, nothing selects candidates; the search for words finds a plain word
    longest = sorted(words, key=lambda word: (-len(word), word))[:MAX_WORDS]
    query = " & ".join(f"'{word}'" for word in longest)
    return _Needle(parsed="", words=query, part=text.lower(), pattern=f"{before}{escaped(text)}{after}")


def escaped(text: str) -> str:
    """Return a regular expression of PostgreSQL that matches only this text."""
    return re.sub(r"([^\w\s])", r"\\\1", text)
