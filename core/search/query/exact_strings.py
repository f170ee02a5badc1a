"""Find the documents that contain a reference exactly, such as a path, a version or an identifier.

The rarest words of the reference select candidates from the indexes of words. The text and the title of each candidate
are then compared with the reference itself.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from core.search.filters import Filters, chunk_conditions
from core.search.query.references import Reference
from core.search.query.text import HASH_DIGITS, MAX_EXPECTED_CHUNKS, NAME, Lexeme, extra_words, split_by_rarity

MAX_CANDIDATES = 2000
"""Maximum number of chunks whose text is compared with a reference. 2,000 comparisons take about 10 ms."""
MAX_MATCHES = 400
"""Maximum number of chunks that contain a reference. A reference in more chunks is common and means no document."""
MAX_OTHER_WORDS = 8
"""Maximum number of other words of the query that are looked up in a matching chunk. The rarest words are used."""
MAX_WORDS = 3
"""Maximum number of words of a reference that select candidates. The rarest words are used."""
MAX_CHUNKS_OF_PAIR = 30_000
"""Maximum number of chunks with each of two common words that select candidates together, as in ``main.cpp``. The index
finds 30,000 chunks in less than 10 ms."""
RARITY = """
    SELECT t.number, w.lexeme, coalesce(c.share, 0), coalesce(n.share, 0)
    FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, number), unnest(to_tsvector('simple', t.text)) AS w
    LEFT JOIN LATERAL (SELECT max(share) AS share FROM core_commonword c
        WHERE c.lexeme = w.lexeme AND c.vector IN ('tsv', 'tsv_simple')
    ) c ON true
    LEFT JOIN core_commonword n ON n.vector = 'tsv' AND n.lexeme = ''
"""
"""Statement that returns the words of each text with the share of chunks that contain the word, and the number of all
chunks."""
HAS_WORD = "(c.tsv @@ {word}::tsquery OR c.tsv_simple @@ {word}::tsquery)"
CHUNKS_WITH_STRING = """
    WITH candidate AS MATERIALIZED (
        SELECT c.id FROM core_chunk c {join} WHERE ({words}) {where}
        UNION
        SELECT c.id FROM core_document n JOIN core_chunk c ON c.document_id = n.id AND c.ordinal = 0 {join}
        WHERE n.title_tsv @@ %(title)s::tsquery {where}
    ), matching AS MATERIALIZED (
        SELECT c.id, c.document_id, c.ordinal, c.tsv, l.title_tsv, l.title ~* %(pattern)s AS titled,
            c.prefix || c.text ~ %(pattern)s AS same_case
        FROM (SELECT id FROM candidate ORDER BY id DESC LIMIT %(candidates)s) newest
        JOIN core_chunk c ON c.id = newest.id JOIN core_document l ON l.id = c.document_id
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
CHUNKS_BY_AUTHOR = """
    WITH matching AS MATERIALIZED (
        SELECT c.id, c.document_id, c.ordinal, c.tsv, l.title_tsv
        FROM core_chunk c JOIN core_document l ON l.id = c.document_id {join}
        WHERE c.tsv @@ %(rare)s::tsquery AND lower(c.author) = lower(%(author)s) AND l.deleted_at IS NULL {where}
    )
    SELECT document_id, id, ordinal, false, false, {others} AS others FROM matching
    ORDER BY others DESC LIMIT %(matches)s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrence:
    """A document with the exact text, and its best chunk.

    ``share`` is the share (0 to 1) of the other words of the query that the chunk and the title contain, by weight.
    ``titled`` tells whether the title contains the text, and ``is_passage`` whether the chunk itself was asked for.
    """

    document: int
    chunk: int
    share: float
    titled: bool = False
    is_passage: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherWords:
    """The rarest words of a query without its references, as stems."""

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
class Needle:
    """The forms in which a statement needs a reference.

    A chunk is a candidate if it contains all words of one of the texts in ``words``, or a word that begins with one of
    ``beginnings``. ``pattern`` is a regular expression of PostgreSQL, and ``part`` is a text in lower case that every
    match contains.
    """

    words: Sequence[str] = ()
    beginnings: Sequence[str] = ()
    part: str
    pattern: str


def documents_with(
    references: Sequence[Reference], filters: Filters, others: OtherWords
) -> dict[Reference, tuple[list[Occurrence], bool]]:
    """Return the documents that contain each reference, and whether the reference is common.

    Documents with more of the other words come first, then documents with the reference in their title, in the same
    case, and in most chunks. Uses one SQL statement, and one for each reference.
    """
    needles = {reference: needle for reference in references if (needle := _needle(reference))}
    selections = _selections(needles) if needles else {}
    return {
        reference: _matching(needles[reference], *selections[reference], filters, others) for reference in selections
    }


def passages_by(reference: Reference, filters: Filters, others: OtherWords) -> list[Occurrence]:
    """Return the documents with passages of a person that contain other words of the query, most words first."""
    rare, _ = split_by_rarity(list(others.lexemes))
    if not rare:
        return []
    join, where, values = filter_sql(filters)
    sql = CHUNKS_BY_AUTHOR.format(join=join, where=where, others=OTHERS.format(chunk="matching", document="matching"))
    author = {"author": reference.text, "rare": " | ".join(lexeme.query for lexeme in rare), "matches": MAX_MATCHES}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**values, **others.parameters, **author})
        return _best(cursor.fetchall(), others)


def _matching(
    needle: Needle, words: str, title: str, parameters: Mapping[str, str], filters: Filters, others: OtherWords
) -> tuple[list[Occurrence], bool]:
    join, where, values = filter_sql(filters)
    others_sql = OTHERS.format(chunk="matching", document="matching")
    sql = CHUNKS_WITH_STRING.format(join=join, where=where, words=words, others=others_sql)
    forms = {"title": title, "part": needle.part, "pattern": needle.pattern}
    limits = {"candidates": MAX_CANDIDATES, "matches": MAX_MATCHES}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**values, **others.parameters, **parameters, **forms, **limits})
        rows = cursor.fetchall()
    return _best(rows, others), len(rows) >= MAX_MATCHES


def _best(rows: Sequence[tuple[Any, ...]], others: OtherWords) -> list[Occurrence]:
    """Return the documents of these rows, best first, each with its best chunk."""
    counts = Counter(row[0] for row in rows)
    best: dict[int, tuple[tuple[float, ...], Occurrence]] = {}
    for document, chunk, ordinal, titled, same_case, weight in rows:
        share = others.share(weight)
        order = (-share, -titled, -same_case, -counts[document], -document, ordinal)
        if document not in best or order < best[document][0]:
            best[document] = (
                order,
                Occurrence(document=document, chunk=chunk, share=share, titled=titled, is_passage=True),
            )
    return [occurrence for _, occurrence in sorted(best.values(), key=lambda pair: pair[0])]


def filter_sql(filters: Filters) -> tuple[str, str, dict[str, Any]]:
    """Return the join and the conditions of filters with named parameters, and these parameters."""
    conditions = chunk_conditions(filters)
    values = {f"filter{n}": value for n, value in enumerate(conditions.parameters)}
    where = conditions.where
    for name in values:
        where = where.replace("%s", f"%({name})s", 1)
    return conditions.join, where, values


def _selections(needles: Mapping[Reference, Needle]) -> dict[Reference, tuple[str, str, dict[str, str]]]:
    """Return the condition for candidates of each reference, the same as a tsquery for titles, and its parameters.

    A reference is omitted if it has only common words.
    """
    texts = [(reference, text) for reference, needle in needles.items() for text in needle.words]
    words: dict[int, list[tuple[float, str]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(RARITY, [[text for _, text in texts]])
        for number, lexeme, share, chunks in cursor.fetchall():
            words[number - 1].append((share * chunks, lexeme))
    alternatives: dict[Reference, list[list[str]]] = defaultdict(list)
    for number, (reference, _) in enumerate(texts):
        alternative = [_quoted(lexeme) for lexeme in _selecting(words[number])]
        if alternative and not any(set(known) <= set(alternative) for known in alternatives[reference]):
            alternatives[reference].append(alternative)
    for reference, needle in needles.items():
        for beginning in needle.beginnings:
            alternatives[reference].append([f"{_quoted(beginning)}:*"])
    return {reference: _selection(lists) for reference, lists in alternatives.items() if lists}


def _selecting(words: Sequence[tuple[float, str]]) -> list[str]:
    """Return the words that select candidates: the rare words, or else the two rarest words together.

    Each word is given with the number of chunks that contain it.
    """
    ordered = sorted(words)
    if rare := [lexeme for chunks, lexeme in ordered if chunks <= MAX_EXPECTED_CHUNKS]:
        return rare[:MAX_WORDS]
    pair = [lexeme for chunks, lexeme in ordered[:2] if chunks <= MAX_CHUNKS_OF_PAIR]
    return pair if len(pair) == 2 else []


def _selection(alternatives: Sequence[Sequence[str]]) -> tuple[str, str, dict[str, str]]:
    names: dict[str, str] = {}
    conditions: list[str] = []
    for alternative in alternatives:
        keys = [f"word{len(names) + n}" for n in range(len(alternative))]
        names |= dict(zip(keys, alternative, strict=True))
        conditions.append(" AND ".join(HAS_WORD.format(word=f"%({key})s") for key in keys))
    title = " | ".join(f"({' & '.join(alternative)})" for alternative in alternatives)
    return " OR ".join(f"({condition})" for condition in conditions), title, names


def _quoted(lexeme: str) -> str:
    """Return a lexeme as a part of a tsquery."""
    return f"""'{lexeme.replace(chr(92), chr(92) * 2).replace("'", "''")}'"""


def _needle(reference: Reference) -> Needle | None:
    """Return the forms of a reference, or ``None`` if its words cannot select candidates."""
    text = reference.text
    match reference.kind:
        case "standard":
            series, number = reference.parts["series"].lower(), reference.parts["number"].lstrip("0")
            words = (f"{series}{number}", f"{series} {number}")
            return (
                Needle(words=words, part=number, pattern=rf"(?<!\w){series}[ -]?0*{number}(?!\d)") if number else None
            )
        case "hash" if not text.isdigit():
            return _hash_needle(text.lower())
        case "version":
            return _version_needle(text.lower().removeprefix("v"))
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


def _hash_needle(text: str) -> Needle:
    """Return the forms of a hash. Texts may contain another number of digits of the same hash, but at least seven."""
    shorter = "|".join(text[:length] for length in range(len(text) - 1, HASH_DIGITS - 1, -1))
    pattern = rf"(?<!\w)(?:{text}[0-9a-f]*{'|' if shorter else ''}{shorter})(?!\w)"
    return Needle(words=(text[:HASH_DIGITS],), part=text[:HASH_DIGITS], pattern=pattern)


def _version_needle(number: str) -> Needle:
    """Return the forms of a version without its ``v``. The ``v`` is optional unless the version is one number.

    PostgreSQL's parser turns a version into one word, together with a suffix such as ``-rc1`` or ``.zip``. A suffix
    such as ``rc1`` becomes a second word.
    """
    if "." not in number:
        return Needle(words=(f"v{number}",), part=number, pattern=rf"(?<![\w.])v{number}(?!\w|\.\d)")
    pattern = rf"(?<![\w.])v?{escaped(number)}(?!\w|\.\d)"
    both = (number, f"v{number}")
    return Needle(words=both, beginnings=both, part=number, pattern=pattern)


def _address_needle(text: str) -> Needle | None:
    """Return the forms of a URL without its protocol.

    The parser of PostgreSQL turns the path of a URL into one word, with the punctuation that follows the URL in a text.
    The beginnings of such words select few candidates.
    """
    needle = _string_needle(text, r"(?<![\w-])", r"(?![\w-]|/\w)")
    path = text.partition("/")[2].lower()
    return replace(needle, words=(), beginnings=(f"/{path}",)) if needle and path else needle


def _string_needle(text: str, before: str, after: str) -> Needle | None:
    """Return the forms of a text. A plain word has none, because the search for words finds it.

    The parser of PostgreSQL may turn the text into one word, which is rarer than the parts of the text.
    """
    words = set(extra_words(text).split())
    words |= {name.lower() for name in NAME.findall(text) if name.isalnum() and len(name) > 1 and not name.isdigit()}
    if not words or (text.isalnum() and not extra_words(text)):
        return None
    return Needle(words=(" ".join(sorted(words)), text), part=text.lower(), pattern=f"{before}{escaped(text)}{after}")


def escaped(text: str) -> str:
    """Return a regular expression of PostgreSQL that matches only this text."""
    return re.sub(r"([^\w\s])", r"\\\1", text)
