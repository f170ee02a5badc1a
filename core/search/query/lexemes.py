"""The words of a query as PostgreSQL stores them, and what each is worth."""

import math
from dataclasses import dataclass

from django.db import connection

from core.db.text import replace_unstorable
from core.search.chunking import extra_words

LONGEST_QUERY = 1000
MOST_WORDS = 24
COMMON = 0.05
"""Share of chunks beyond which a word brings no candidates."""
ENOUGH = 6000
"""Chunks that the words of a query may bring together."""
FEW = 2000
"""Chunks that are looked at however common a word is."""
RAREST = 0.0005
"""Words below the table's threshold count as this rare."""
FIND = """
    SELECT w.vector, w.lexeme, coalesce(c.share, 0),
        coalesce((SELECT share FROM core_commonword WHERE vector = 'tsv' AND lexeme = ''), 0)
    FROM (
        SELECT 'tsv' AS vector, lexeme FROM unnest(to_tsvector('english', %s))
        UNION ALL SELECT 'tsv_simple', lexeme FROM unnest(to_tsvector('simple', %s))
    ) w LEFT JOIN core_commonword c ON c.vector = w.vector AND c.lexeme = w.lexeme
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexeme:
    """``vector`` is the column that it is looked for in, ``share`` that of the ``chunks`` which have it."""

    vector: str
    text: str
    share: float
    chunks: float

    @property
    def worth(self) -> float:
        """Inverse document frequency, 0 for what every chunk has."""
        return -math.log(min(1.0, max(self.share, RAREST)))

    @property
    def query(self) -> str:
        """As a tsquery."""
        quoted = self.text.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}'"


def cleaned(words: str) -> str:
    """A query that can be sent and embedded, whatever was typed."""
    return replace_unstorable(words, " ")[:LONGEST_QUERY].strip()


def lexemes(words: str) -> list[Lexeme]:
    """The lexemes of a cleaned query, the most telling first."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, [words, f"{words} {extra_words(words)}"])
        found = [
            Lexeme(vector=v, text=text, share=share, chunks=chunks) for v, text, share, chunks in cursor.fetchall()
        ]
    ordered = sorted(found, key=lambda lexeme: (lexeme.share, lexeme.vector, -len(lexeme.text), lexeme.text))
    of = {vector: [lexeme for lexeme in ordered if lexeme.vector == vector] for vector in ("tsv", "tsv_simple")}
    return [*of["tsv"][:MOST_WORDS], *of["tsv_simple"][:MOST_WORDS]]


def telling(found: list[Lexeme]) -> tuple[list[Lexeme], list[Lexeme]]:
    """Those that bring candidates, being rare or few; and of the others the rarest two, for want of better.

    The rarest come first, and no more once they have brought enough: a long question costs no more than a short one.
    """
    rare: list[Lexeme] = []
    expected = 0.0
    for lexeme in sorted(found, key=lambda lexeme: lexeme.share):
        rows = lexeme.share * lexeme.chunks
        expected += rows
        if (lexeme.share <= COMMON or rows <= FEW) and (expected <= ENOUGH or not rare):
            rare.append(lexeme)
    common = [lexeme for lexeme in found if lexeme not in rare]
    return rare, sorted(common, key=lambda lexeme: lexeme.share)[:2]
