"""Correct misspelt words and names of a query with the words that the index contains.

The sync stores the vocabulary in ``CommonWord``: the words of chunks and titles, and those of the names of authors,
repositories and channels. A process loads the vocabulary when it first meets an unknown word, and again after the sync
has stored a new one.
"""

import re
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from core.search.phrases import UNSPACED
from core.search.query.edit_distance import LONGEST_WORD, WordList

VOCABULARY = "vocabulary"
"""Value of ``CommonWord.vector`` for the words of the vocabulary. The row without a lexeme has the number of words."""
SHORTEST_WORD = 4
"""Minimum number of letters of a word that is corrected. Shorter words are near to too many other words."""
MOST_CHECKED = 32
"""Maximum number of words of a query that are looked up in the index."""
MOST_CORRECTED = 3
"""Maximum number of words of a query that are corrected. Each of them takes about a millisecond."""
MOST_WORDS = 200_000
"""Maximum number of words in the vocabulary: the words that most chunks contain. They need about 9 MB in a process."""
SAMPLE_SIZE = 40_000
"""Minimum number of chunks in the sample that the words of a large index are read from. PostgreSQL reads about 10,000
chunks a second."""
WORD = re.compile(r"[^\W\d_]+")
TOKEN = re.compile(r"\W*([^\W\d_]+(?:[-'’][^\W\d_]+)*)\W*")
"""A token that may be misspelt: letters, with punctuation around them. Identifiers, paths and versions are not."""
STORE = f"""
    INSERT INTO core_commonword (vector, lexeme, share)
    WITH used AS (
        SELECT word, ndoc::float AS uses FROM ts_stat(%s) WHERE word ~ '^[[:alpha:]]{{3,{LONGEST_WORD}}}$'
    ), named AS (
        SELECT n.word, sum(names.uses) AS uses
        FROM (
            SELECT author AS name, count(*)::float AS uses FROM core_document WHERE deleted_at IS NULL GROUP BY author
            UNION ALL SELECT author, count(*)::float FROM core_chunk GROUP BY author
            UNION ALL SELECT name, 1 FROM core_scope
        ) names, regexp_split_to_table(lower(names.name), '[^[:alpha:]]+') AS n (word)
        WHERE n.word ~ '^[[:alpha:]]{{3,{LONGEST_WORD}}}$' GROUP BY n.word
    ), chosen AS (
        SELECT word, sum(uses) AS uses FROM (SELECT * FROM used UNION ALL SELECT * FROM named) w
        GROUP BY word ORDER BY uses DESC, word LIMIT {MOST_WORDS}
    )
    SELECT '{VOCABULARY}', word, uses FROM chosen UNION ALL SELECT '{VOCABULARY}', '', count(*) FROM chosen
"""  # noqa: S608  (the parts are constants)
SAMPLE = """
    SELECT to_tsvector('simple', text || ' ' || words) FROM core_chunk WHERE id % {step} = 0
    UNION ALL SELECT to_tsvector('simple', title) FROM core_document WHERE id % {step} = 0 AND deleted_at IS NULL
"""
UNKNOWN = """
    SELECT w FROM unnest(%s::text[]) WITH ORDINALITY AS t (w, place)
    WHERE CASE
        WHEN EXISTS (SELECT 1 FROM core_commonword WHERE vector = ANY(%s) AND lexeme = w) THEN FALSE
        WHEN numnode(plainto_tsquery('english', w)) = 0 THEN FALSE
        WHEN EXISTS (SELECT 1 FROM core_chunk WHERE tsv @@ plainto_tsquery('english', w)) THEN FALSE
        WHEN EXISTS (SELECT 1 FROM core_chunk WHERE tsv_simple @@ plainto_tsquery('simple', w)) THEN FALSE
        ELSE NOT EXISTS (SELECT 1 FROM core_document WHERE title_tsv @@ plainto_tsquery('english', w))
    END
    ORDER BY place LIMIT %s
"""
"""Statement that returns the words that occur nowhere. Words of the vocabulary are known, and the other words are rare,
so that each look-up in the indexes of chunks is fast. Stop words are known too."""


class _Loaded(NamedTuple):
    """A vocabulary in memory. ``row`` is the row of ``CommonWord`` that belongs to it."""

    row: tuple[int, float]
    words: WordList


_lock = threading.Lock()
_loaded: _Loaded | None = None


def store_vocabulary(cursor: Any, chunks: int) -> None:
    """Store the vocabulary of the index, in the caller's transaction. The caller has removed the old vocabulary."""
    cursor.execute(STORE, [SAMPLE.format(step=max(1, chunks // SAMPLE_SIZE))])


def corrections(words: str) -> dict[str, str]:
    """Return the nearest known word for each word that occurs nowhere in the index, at most ``MOST_CORRECTED``.

    Identifiers, words with digits, words in scripts without spaces and very short words are not corrected.
    """
    unknown = _unknown(_correctable(words))
    vocabulary = _vocabulary() if unknown else None
    if vocabulary is None:
        return {}
    nearest = {word: vocabulary.nearest(word) for word in unknown}
    return {word: near for word, near in nearest.items() if near and near != word}


def with_corrections(text: str, corrected: dict[str, str]) -> str:
    """Return the text with each misspelt word replaced. Other words stay unchanged."""
    return WORD.sub(lambda match: corrected.get(match[0].lower(), match[0]), text) if corrected else text


def _correctable(words: str) -> list[str]:
    """Return the different words that may be corrected, in lower case."""
    tokens = [match[1].lower() for token in words.split() if (match := TOKEN.fullmatch(token))]
    runs = [run for token in tokens for run in WORD.findall(token)]
    usable = [run for run in runs if SHORTEST_WORD <= len(run) <= LONGEST_WORD and not UNSPACED.search(run)]
    return list(dict.fromkeys(usable))[:MOST_CHECKED]


def _unknown(words: Sequence[str]) -> list[str]:
    if not words:
        return []
    with connection.cursor() as cursor:
        cursor.execute(UNKNOWN, [list(words), [VOCABULARY, "tsv_simple"], MOST_CORRECTED])
        return [row[0] for row in cursor.fetchall()]


def _vocabulary() -> WordList | None:
    """Return the vocabulary, or ``None`` before the sync has stored one. Another sync replaces the loaded one."""
    global _loaded
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, share FROM core_commonword WHERE vector = %s AND lexeme = ''", [VOCABULARY])
        row = cursor.fetchone()
        if not row:
            return None
        with _lock:
            if _loaded is None or _loaded.row != row:
                cursor.execute(
                    "SELECT lexeme, share FROM core_commonword WHERE vector = %s AND lexeme <> '' ORDER BY lexeme",
                    [VOCABULARY],
                )
                rows = cursor.fetchall()
                words = WordList([lexeme for lexeme, _ in rows], [uses for _, uses in rows])
                _loaded = _Loaded(row=row, words=words)
            return _loaded.words
