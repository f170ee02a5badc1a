"""The passage that a result shows: which chunk of the document, and which sentences of the chunk, with marked words.

The chunk that ranked best may be short, such as "Fixed by #254", or may contain no word of the query. Therefore the
document's chunks are compared again for the few results of one page.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from core.operations.markdown import without_markup
from core.search.filters import Filters, chunk_conditions
from core.search.query.fusion import Ranked
from core.search.query.text import Lexeme, extra_words

BEGIN, END = "\x02", "\x03"
"""Control characters that enclose a match. They are removed from the text before matches are marked."""
TELLING = 60
"""Minimum number of characters of a telling passage. A shorter passage is shown only if the document has no longer
one."""
LONGEST_TEXT = 4000
"""Maximum number of characters of a chunk that are searched for the excerpt. A chunk has about 800."""
EXCERPT = 300
"""Maximum number of characters of an excerpt, if no single word is longer."""
COMPARED = 6
"""Number of chunks of each document whose texts are read. More chunks rarely change the choice."""
SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"')\]]?\s+|\s*\n\s*")
TOKEN = re.compile(r"\w+(?:[./:@-]+\w+)*")
WHOLE_WORD = re.compile(r"[A-Za-z0-9_]*(?:\x02[^\x03]*\x03[A-Za-z0-9_]*)+")
"""A word with marks inside. PostgreSQL's parser divides words at underscores."""
HASH = re.compile(r"(?<![\w\x02])(?:[0-9a-f]{64}|[0-9a-f]{40})(?!\w)")
SHORT_HASH = 7
"""Number of digits of an abbreviated hash, as git and GitHub usually show it."""
ELLIPSIS = "…"


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """The chunk to show, and its sentences. :data:`BEGIN` and :data:`END` enclose each match."""

    chunk: int
    marked: str


BEST_CHUNKS = """
    WITH wanted AS (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bool[]) AS w (document, chunk, alone)
    ), term AS MATERIALIZED (
        SELECT v, q::tsquery AS q, w FROM unnest(%s::text[], %s::text[], %s::float[]) AS t (v, q, w)
    )
    SELECT wanted.document, best.id, best.text FROM wanted, LATERAL (
        SELECT c.id, left(c.text, {longest}) AS text, length(c.text) >= {telling} AS telling,
            c.id = wanted.chunk AS ranked, coalesce(sum(t.w), 0) AS worth
        FROM core_chunk c {join} LEFT JOIN term t ON c.tsv @@ t.q OR (t.v = 'tsv_simple' AND c.tsv_simple @@ t.q)
        WHERE c.document_id = wanted.document AND (c.id = wanted.chunk OR NOT wanted.alone) {where}
        GROUP BY c.id
        ORDER BY telling DESC, coalesce(sum(t.w), 0) * CASE WHEN c.id = wanted.chunk THEN {favour} ELSE 1 END DESC,
            ranked DESC, c.ordinal LIMIT {compared}
    ) best
"""
FAVOUR = 2
"""Factor for the matching words of the chunk that ranked best. Another chunk must match twice as well to replace it."""
MARK = """
    SELECT n, ts_headline('english', text, %s::tsquery, 'HighlightAll=true, StartSel=\x02, StopSel=\x03')
    FROM unnest(%s::int[], %s::text[]) AS t (n, text)
"""
MEANINGFUL = "SELECT word FROM unnest(%s::text[]) AS w (word) WHERE to_tsvector('english', word) <> ''::tsvector"


def excerpts(ranking: Sequence[Ranked], words: str, query: Sequence[Lexeme], filters: Filters) -> Mapping[int, Excerpt]:
    """Return the excerpt of each document by its primary key. Documents that are gone are left out.

    ``words`` is the clean query, and ``query`` contains its lexemes.
    """
    chosen = _chosen(ranking, query, filters)
    if not chosen:
        return {}
    texts = [plain for _, plain in chosen.values()]
    any_word = " | ".join(lexeme.query for lexeme in query)
    with connection.cursor() as cursor:
        cursor.execute(MARK, [any_word, list(range(len(texts))), texts])
        marked: dict[int, str] = dict(cursor.fetchall())
    unmarked = [n for n, text in marked.items() if BEGIN not in text]
    if unmarked and words:
        mark = _word_marker(words)
        marked |= {n: mark(texts[n]) for n in unmarked}
    return {
        document: Excerpt(chunk=chunk, marked=short_hashes(best_sentences(whole_words(marked[n]))))
        for n, (document, (chunk, _)) in enumerate(chosen.items())
    }


def _chosen(ranking: Sequence[Ranked], query: Sequence[Lexeme], filters: Filters) -> dict[int, tuple[int, str]]:
    """Return the chunk to show and its text without markup, by document."""
    conditions = chunk_conditions(filters)
    statement = BEST_CHUNKS.format(
        join=conditions.join, where=conditions.where, longest=LONGEST_TEXT, telling=TELLING, favour=FAVOUR,
        compared=COMPARED,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            [
                [item.document for item in ranking], [item.chunk for item in ranking],
                [item.is_passage for item in ranking], [lexeme.vector for lexeme in query],
                [lexeme.query for lexeme in query], [lexeme.weight for lexeme in query], *conditions.parameters,
            ],
        )  # fmt: skip
        rows: list[tuple[int, int, str]] = cursor.fetchall()
    chosen: dict[int, tuple[int, str]] = {}
    for document, chunk, text in rows:  # of one document: the best first
        if document in chosen and len(chosen[document][1]) >= TELLING:
            continue  # removing the markup takes longer than everything else here
        plain = plain_text(text)
        if document not in chosen or len(plain) >= TELLING:
            chosen[document] = (chunk, plain)
    return chosen


def plain_text(text: str) -> str:
    """Return a text without markup, without the characters that mark matches, and without repeated spaces."""
    lines = without_markup(text.replace(BEGIN, "").replace(END, "")).split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def _word_marker(words: str):
    """Return a function that marks words which PostgreSQL's parser does not find.

    These are parts of identifiers, for which the whole identifier is marked, and words in scripts without spaces.
    """
    wanted = {word.lower() for word in words.split()} | set(extra_words(words).split())
    with connection.cursor() as cursor:
        cursor.execute(MEANINGFUL, [sorted(wanted)])
        meaningful: set[str] = {row[0] for row in cursor.fetchall()}
    unspaced = sorted((word for word in meaningful if not word.isascii()), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, unspaced)), re.IGNORECASE) if unspaced else None

    def mark_token(match: re.Match[str]) -> str:
        token = match[0]
        parts = {token.lower(), *extra_words(token).split()} if token.isascii() else {token.lower()}
        return f"{BEGIN}{token}{END}" if parts & meaningful else token

    def mark(text: str) -> str:
        marked = TOKEN.sub(mark_token, text)
        if BEGIN not in marked and pattern:
            marked = pattern.sub(lambda match: f"{BEGIN}{match[0]}{END}", text)
        return marked

    return mark


def best_sentences(marked: str) -> str:
    """Return the consecutive sentences with the most different marked words, in at most about ``EXCERPT`` characters.

    A longer sentence is cut between words. An ellipsis stands for the part that is left out.
    """
    sentences = [part for part in SENTENCE_END.split(marked) if part and part.strip()]
    best, best_score = "", -1
    for start in range(len(sentences)):
        window = sentences[start]
        for following in sentences[start + 1 :]:
            if _length(window) + 1 + _length(following) > EXCERPT:
                break
            window = f"{window} {following}"
        score = len(_marked_words(window))
        if score > best_score:
            best, best_score = window, score
    return _cut(best) if _length(best) > EXCERPT else best


def _marked_words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(f"{BEGIN}([^{END}]*){END}", text)}


def _length(text: str) -> int:
    return len(text) - text.count(BEGIN) - text.count(END)


def _cut(sentence: str) -> str:
    """Return the words around the first match of a long sentence, or its first words if it has no match."""
    words = sentence.split(" ")
    first = next((n for n, word in enumerate(words) if BEGIN in word), 0)
    start, length = first, _length(words[first])
    while start > 0 and length + 1 + _length(words[start - 1]) <= EXCERPT // 3:
        start -= 1
        length += 1 + _length(words[start])
    end = first + 1
    while end < len(words) and length + 1 + _length(words[end]) <= EXCERPT:
        length += 1 + _length(words[end])
        end += 1
    cut = " ".join(words[start:end])[: 2 * EXCERPT]  # one word may be very long
    if cut.count(BEGIN) > cut.count(END):
        cut += END
    return f"{ELLIPSIS} {cut}" * (start > 0) + cut * (start == 0) + f" {ELLIPSIS}" * (end < len(words))


def whole_words(marked: str) -> str:
    """Return the text with whole words marked where only parts of words are marked."""
    return WHOLE_WORD.sub(lambda match: f"{BEGIN}{match[0].replace(BEGIN, '').replace(END, '')}{END}", marked)


def short_hashes(marked: str) -> str:
    """Return the text with short hashes. Hashes that contain a match stay complete."""
    return HASH.sub(lambda match: match[0][:SHORT_HASH], marked)
