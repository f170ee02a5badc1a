"""Full-text search for documents that contain any word of the query. Rare words count more.

A search for all words finds nothing for most questions, and ``ts_rank`` ignores rarity. Therefore the rare words select
the chunks with the highest total weight. Only these candidates are ranked by how often and how densely they contain the
words.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from core.db.text import replace_unstorable
from core.models import CommonWord
from core.search.phrases import PARTS, UNSPACED
from core.search.query.fusion import Ranked, RankingParameters
from core.search.query.spelling import VOCABULARY, store_vocabulary

NAME = re.compile(r"[A-Za-z0-9]+(?:[_./:-]+[A-Za-z0-9]+)*")
COMPOUND = re.compile(r"[_./:-]|[a-z0-9][A-Z]")
SEPARATORS = re.compile(r"[_./:-]+")
HASH = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{7,39}|[0-9a-f]{40}|[0-9a-f]{64}")
"""A complete hash, or the beginning of a hash. The beginning must contain digits and letters."""
HASH_DIGITS = 7
"""Number of digits of a hash that are added to the words. A query with more digits gets the same word, so that it finds
the hash with any number of digits. Two hashes of an index rarely begin with the same seven digits."""
MAX_PLAIN_WORDS, LONGEST_PLAIN_WORD = 100_000, 32
"""Number of words at which ``_plain_words`` is emptied, and maximum number of characters of a word in this cache. A
language has about this number of common words, and longer words are rarely repeated."""
_plain_words: set[str] = set()
"""Cache of words that are not compounds. A look-up is faster than a match with the regular expression."""


def extra_words(text: str) -> str:
    """Return the parts of identifiers, the first digits of hashes, and the character pairs of scripts without spaces.

    Each word appears once, in the order of the text. The pairs come last.
    """
    words: dict[str, None] = {}
    for name in dict.fromkeys(NAME.findall(text)):
        if name in _plain_words:
            continue
        if COMPOUND.search(name):
            for segment in SEPARATORS.split(name):
                if HASH.fullmatch(segment):
                    words[segment[:HASH_DIGITS]] = None
                else:
                    words |= dict.fromkeys(part.lower() for part in PARTS.findall(segment) if len(part) > 1)
        elif HASH.fullmatch(name):
            words[name[:HASH_DIGITS]] = None
        elif len(name) <= LONGEST_PLAIN_WORD:
            if len(_plain_words) >= MAX_PLAIN_WORDS:
                _plain_words.clear()
            _plain_words.add(name)
    for run in () if text.isascii() else UNSPACED.findall(text):
        words |= dict.fromkeys(run[start : start + 2] for start in range(max(1, len(run) - 1)))
    return " ".join(words)


LONGEST_QUERY = 1000
"""Maximum number of characters of a query. The rest of a longer query is ignored, so that every query is fast."""
MAX_LEXEMES = 24
"""Maximum number of lexemes of a query for each of the columns ``tsv`` and ``tsv_simple``. The rarest lexemes are used.
More lexemes make a search slower."""
COMMON_SHARE = 0.05
"""Share of chunks above which a word selects no candidates, because it would select too many."""
MAX_EXPECTED_CHUNKS = 6000
"""Maximum number of chunks that all words of a query together are expected to select. More chunks make a search
slower."""
FEW_CHUNKS = 2000
"""Number of chunks up to which a word selects candidates even if its share is above ``COMMON_SHARE``. In a small index,
few chunks are a large share."""
LOWEST_SHARE = 0.0005
"""Share that is assumed for a word that is not in the table of common words: half of ``COMMON_WORD_SHARE``."""
LEXEMES = """
    SELECT w.vector, w.lexeme, least(coalesce(c.share, 0) + coalesce(s.share, 0), 1),
        coalesce((SELECT share FROM core_commonword WHERE vector = 'tsv' AND lexeme = ''), 0)
    FROM (
        SELECT 'tsv' AS vector, lexeme FROM unnest(to_tsvector('english', %s))
        UNION ALL SELECT 'tsv_simple', lexeme FROM unnest(to_tsvector('simple', %s))
    ) w LEFT JOIN core_commonword c ON c.vector = w.vector AND c.lexeme = w.lexeme
    LEFT JOIN core_commonword s ON w.vector = 'tsv_simple' AND s.vector = 'tsv' AND s.lexeme = w.lexeme
"""
"""Statement that returns the lexemes of a query.

A chunk contains an exact word either in ``tsv_simple`` or, if the word equals the stem of a word in the text, in
``tsv``. The share of an exact word is therefore the sum of both shares.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexeme:
    """A word as a stem (``vector`` is ``tsv``) or in its exact form (``tsv_simple``).

    Both are columns of ``Chunk``. The column ``tsv`` also contains the exact words that equal a stem. ``tsv_simple``
    does not repeat these words.

    ``chunks`` is the number of all chunks at the last count of words, and ``share`` is the share of these chunks that
    contain the word.
    """

    vector: str
    text: str
    share: float
    chunks: float

    @property
    def weight(self) -> float:
        """Return the inverse document frequency. It is 0 for a word that every chunk contains."""
        return -math.log(min(1.0, max(self.share, LOWEST_SHARE)))

    @property
    def query(self) -> str:
        """Return the lexeme as a tsquery."""
        quoted = self.text.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}'"


def clean_query(words: str) -> str:
    """Return a query cut to ``LONGEST_QUERY`` characters, without characters that PostgreSQL or a model refuses."""
    return replace_unstorable(words, " ")[:LONGEST_QUERY].strip()


def lexemes(words: str) -> list[Lexeme]:
    """Return the lexemes of a clean query: first the stems, then the exact words, both with the rarest first."""
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
    """Return the lexemes that select candidates, and the two rarest other lexemes.

    A lexeme selects candidates if it is rare or in few chunks. The rarest lexemes come first, until they are expected
    to select ``MAX_EXPECTED_CHUNKS`` chunks together. The caller uses the two other lexemes only if the first lexemes
    select no candidates.
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


RANK = """
    WITH found AS MATERIALIZED (
        SELECT c.document_id, c.id, c.tsv || '' AS tsv, c.tsv || c.tsv_simple AS tsv_simple, d.title_tsv || '' AS title
        FROM core_chunk c JOIN core_document d ON d.id = c.document_id WHERE c.id = ANY(%s)
    ), term AS MATERIALIZED (
        SELECT v, q::tsquery AS q, w, s FROM unnest(%s::text[], %s::text[], %s::float[], %s::float[]) AS t (v, q, w, s)
    )
    SELECT document_id, id, said, titled, telling FROM found, LATERAL (
        SELECT coalesce(sum(w * rank), 0) AS said,
            coalesce(sum(w) FILTER (WHERE v = 'tsv' AND title @@ q), 0) AS titled,
            coalesce(sum(CASE WHEN rank > 0 THEN s WHEN title @@ q THEN s * %s END), 0) AS telling
        FROM (
            SELECT v, q, w, s, ts_rank(CASE v WHEN 'tsv' THEN tsv ELSE tsv_simple END, q, %s) AS rank FROM term OFFSET 0
        ) r
    ) l
"""
"""Statement that ranks candidates. Because of ``||``, each vector is unpacked once instead of once for each word. Exact
words are looked up in both columns of a chunk."""


def rank_chunks(chunks: list[int], query: Sequence[Lexeme], parameters: RankingParameters) -> list[Ranked]:
    """Return the best of these chunks of each document, best first."""
    stems = {lexeme.text for lexeme in query if lexeme.vector == "tsv"}
    rank_weights = [lexeme.weight * (parameters.simple if lexeme.vector == "tsv_simple" else 1) for lexeme in query]
    # Count each word once: by its stem, or by its exact form if it has no stem and is not ASCII.
    match_weights = [
        lexeme.weight if lexeme.vector == "tsv" or not (lexeme.text.isascii() or lexeme.text in stems) else 0.0
        for lexeme in query
    ]
    with connection.cursor() as cursor:
        terms = [[x.vector for x in query], [x.query for x in query], rank_weights, match_weights]
        cursor.execute(RANK, [chunks, *terms, parameters.in_title, parameters.normalization])
        rows = cursor.fetchall()
    enough = min(parameters.enough, sum(match_weights)) or 1.0
    best: dict[int, Ranked] = {}
    for document, chunk, text_rank, title_weight, matching in rows:
        score = text_rank + parameters.title * title_weight
        if document not in best or (-score, chunk) < (-best[document].score, best[document].chunk):
            best[document] = Ranked(document=document, chunk=chunk, score=score, sure=min(1.0, matching / enough))
    return sorted(best.values(), key=lambda ranked: (-ranked.score, ranked.document))


SAMPLE_SIZE = 20_000
"""Minimum number of chunks in the counted sample of a large index. The sample has fewer than twice as many chunks. It
can distinguish a share of 0.1 % from 0.2 %, and counting takes about half a second."""
COMMON_WORD_SHARE = 0.001
"""Share of chunks above which a word is in the table of common words. A smaller share would make the table larger."""
GROWTH = 1.2
"""Factor by which the number of chunks must change before words are counted again. Shares change little until then."""
COUNT_WORDS = """
    INSERT INTO core_commonword (vector, lexeme, share)
    SELECT %s, word, ndoc::float / %s FROM ts_stat(%s) WHERE ndoc > %s AND word <> ''
"""
COUNT_DOCUMENTS = """
    INSERT INTO core_commonword (vector, lexeme, share)
    SELECT 'documents', '', count(*)::float / count(DISTINCT document_id) FROM core_chunk HAVING count(*) > 0
"""
"""Statement that stores the average number of chunks of a document."""


def refresh_common_words(*, force: bool = False) -> bool:
    """Count common words again if the number of chunks changed by more than the factor ``GROWTH``, or with ``force``.

    Returns whether words were counted. Only rare words select the candidates of a search. With an old or empty table,
    common words select candidates too, and a search is slower.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_chunk")
        (chunks,) = cursor.fetchone()
    totals = dict(CommonWord.objects.filter(lexeme="").values_list("vector", "share"))
    counted, is_complete = totals.get("tsv", 0), {VOCABULARY, "documents"} <= set(totals)  # the upgrade adds both
    if not force and is_complete and chunks <= counted * GROWTH and counted <= max(1, chunks) * GROWTH:
        return False
    step = max(1, chunks // SAMPLE_SIZE)
    sampled = max(1, chunks // step)
    with transaction.atomic(), connection.cursor() as cursor:
        # If several processes count at the same time, the last process replaces the whole table.
        cursor.execute("LOCK TABLE core_commonword IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM core_commonword")
        CommonWord.objects.create(vector="tsv", lexeme="", share=chunks)
        cursor.execute(COUNT_DOCUMENTS)
        for vector in ("tsv", "tsv_simple"):
            query = f"SELECT {vector} FROM core_chunk WHERE id % {step} = 0"  # noqa: S608  (the parts are constants; values are parameters)
            cursor.execute(COUNT_WORDS, [vector, sampled, query, sampled * COMMON_WORD_SHARE])
        store_vocabulary(cursor, chunks)
    return True
