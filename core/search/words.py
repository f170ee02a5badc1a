"""The words of text search: words that PostgreSQL's parser misses, the lexemes of a query, and how common words are."""

import math
import re
from dataclasses import dataclass

from django.db import connection, transaction

from core.db.text import replace_unstorable
from core.models import CommonWord

NAME = re.compile(r"[A-Za-z0-9]+(?:[_./:-]+[A-Za-z0-9]+)*")
COMPOUND = re.compile(r"[_./:-]|[a-z0-9][A-Z]")
PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uff66-\uff9f\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese, Korean: written without spaces, or with attached endings."""
MAX_PLAIN_WORDS, LONGEST_PLAIN_WORD = 100_000, 32
"""Words, and characters of a word, that are remembered as plain. A language has about as many words in use."""
_plain_words: set[str] = set()
"""Words that are no compounds. Remembering them is faster than matching them again."""


def extra_words(text: str) -> str:
    """Return parts of identifiers, and character pairs of scripts without spaces, each once in order of the text."""
    words: dict[str, None] = {}
    for name in dict.fromkeys(NAME.findall(text)):
        if name in _plain_words:
            continue
        if COMPOUND.search(name):
            words |= dict.fromkeys(part.lower() for part in PARTS.findall(name) if len(part) > 1)
        elif len(name) <= LONGEST_PLAIN_WORD:
            if len(_plain_words) >= MAX_PLAIN_WORDS:
                _plain_words.clear()
            _plain_words.add(name)
    for run in () if text.isascii() else UNSPACED.findall(text):
        words |= dict.fromkeys(run[start : start + 2] for start in range(max(1, len(run) - 1)))
    return " ".join(words)


LONGEST_QUERY = 1000
"""Characters of a query; the rest is cut off."""
MAX_LEXEMES = 24
"""Lexemes of each of the two vectors that a query uses, the rarest first."""
COMMON_SHARE = 0.05
"""Share of chunks above which a word selects no candidates."""
MAX_EXPECTED_CHUNKS = 6000
"""Chunks that the words of a query may select together, so that a long query costs no more than a short one."""
FEW_CHUNKS = 2000
"""Number of chunks that a word may select however large its share is."""
LOWEST_SHARE = 0.0005
"""Share of a word that is below the threshold of the table of common words."""
LEXEMES = """
    SELECT w.vector, w.lexeme, coalesce(c.share, 0),
        coalesce((SELECT share FROM core_commonword WHERE vector = 'tsv' AND lexeme = ''), 0)
    FROM (
        SELECT 'tsv' AS vector, lexeme FROM unnest(to_tsvector('english', %s))
        UNION ALL SELECT 'tsv_simple', lexeme FROM unnest(to_tsvector('simple', %s))
    ) w LEFT JOIN core_commonword c ON c.vector = w.vector AND c.lexeme = w.lexeme
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexeme:
    """A word as PostgreSQL stores it in the column ``vector``; ``share`` is its share of all ``chunks``."""

    vector: str
    text: str
    share: float
    chunks: float

    @property
    def weight(self) -> float:
        """Return the inverse document frequency, 0 for a word that every chunk contains."""
        return -math.log(min(1.0, max(self.share, LOWEST_SHARE)))

    @property
    def query(self) -> str:
        """Return the lexeme as a tsquery."""
        quoted = self.text.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}'"


def clean_query(words: str) -> str:
    """Return a query without characters that PostgreSQL or a model cannot take, cut to ``LONGEST_QUERY``."""
    return replace_unstorable(words, " ")[:LONGEST_QUERY].strip()


def lexemes(words: str) -> list[Lexeme]:
    """Return the lexemes of a clean query, stems first, the rarest first in both vectors."""
    with connection.cursor() as cursor:
        cursor.execute(LEXEMES, [words, f"{words} {extra_words(words)}"])
        rows = [
            Lexeme(vector=vector, text=text, share=share, chunks=chunks)
            for vector, text, share, chunks in cursor.fetchall()
        ]
    ordered = sorted(rows, key=lambda lexeme: (lexeme.share, lexeme.vector, -len(lexeme.text), lexeme.text))
    by_vector = {vector: [lexeme for lexeme in ordered if lexeme.vector == vector] for vector in ("tsv", "tsv_simple")}
    return [*by_vector["tsv"][:MAX_LEXEMES], *by_vector["tsv_simple"][:MAX_LEXEMES]]


def split_by_rarity(query: list[Lexeme]) -> tuple[list[Lexeme], list[Lexeme]]:
    """Return the lexemes that select candidates, and the two rarest others for when those select none.

    A lexeme selects candidates when it is rare or has few chunks. The rarest come first, until all together are
    expected to select ``MAX_EXPECTED_CHUNKS``.
    """
    rare: list[Lexeme] = []
    expected = 0.0
    for lexeme in sorted(query, key=lambda lexeme: lexeme.share):
        chunks = lexeme.share * lexeme.chunks
        expected += chunks
        if (lexeme.share <= COMMON_SHARE or chunks <= FEW_CHUNKS) and (expected <= MAX_EXPECTED_CHUNKS or not rare):
            rare.append(lexeme)
    common = [lexeme for lexeme in query if lexeme not in rare]
    return rare, sorted(common, key=lambda lexeme: lexeme.share)[:2]


SAMPLE_SIZE = 20_000
"""Chunks that are counted: enough to tell 0.1 % from 0.2 %, and half a second for an index of any size."""
COMMON_WORD_SHARE = 0.001
"""Share of chunks from which on a word is in the table."""
GROWTH = 1.2
"""Factor by which the number of chunks must change before words are counted again."""
COUNT_WORDS = """
    INSERT INTO core_commonword (vector, lexeme, share)
    SELECT %s, word, ndoc::float / %s FROM ts_stat(%s) WHERE ndoc > %s AND word <> ''
"""


def refresh_common_words(*, force: bool = False) -> bool:
    """Count common words again if the number of chunks has changed by a fifth; return whether words were counted.

    A search takes its candidates from rare words only. With an old table or none it returns the same results more
    slowly.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_chunk")
        (chunks,) = cursor.fetchone()
    counted = CommonWord.objects.filter(vector="tsv", lexeme="").values_list("share", flat=True).first() or 0
    if not force and chunks <= counted * GROWTH and counted <= max(1, chunks) * GROWTH:
        return False
    step = max(1, chunks // SAMPLE_SIZE)
    sampled = max(1, chunks // step)
    with transaction.atomic(), connection.cursor() as cursor:
        # If several processes count at once, the last one replaces the whole table.
        cursor.execute("LOCK TABLE core_commonword IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM core_commonword")
        CommonWord.objects.create(vector="tsv", lexeme="", share=chunks)
        for vector in ("tsv", "tsv_simple"):
            query = f"SELECT {vector} FROM core_chunk WHERE id % {step} = 0"  # noqa: S608  (the parts are constants; values are parameters)
            cursor.execute(COUNT_WORDS, [vector, sampled, query, sampled * COMMON_WORD_SHARE])
    return True
