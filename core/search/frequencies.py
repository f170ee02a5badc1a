"""How common words are: kept by the sync, so that a query takes its candidates from its rare words only."""

from django.db import connection, transaction

from core.models import CommonWord

SAMPLE = 20_000
"""Chunks that are counted: enough to tell 0.1 % from 0.2 %, and half a second whatever the index holds."""
KEPT_SHARE = 0.001
GROWTH = 1.2
MEASURE = """
    INSERT INTO core_commonword (vector, lexeme, share)
    SELECT %s, word, ndoc::float / %s FROM ts_stat(%s) WHERE ndoc > %s AND word <> ''
"""


def refresh_common_words(*, force: bool = False) -> bool:
    """Count again when the number of chunks has changed by a fifth since; returns whether it did.

    Without the table, or with an old one, searches find the same and take longer.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_chunk")
        (chunks,) = cursor.fetchone()
    counted = CommonWord.objects.filter(vector="tsv", lexeme="").values_list("share", flat=True).first() or 0
    if not force and chunks <= counted * GROWTH and counted <= max(1, chunks) * GROWTH:
        return False
    step = max(1, chunks // SAMPLE)
    seen = max(1, chunks // step)
    with transaction.atomic(), connection.cursor() as cursor:
        # Others may be counting, too: the last one wins as a whole.
        cursor.execute("LOCK TABLE core_commonword IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM core_commonword")
        CommonWord.objects.create(vector="tsv", lexeme="", share=chunks)
        for vector in ("tsv", "tsv_simple"):
            query = f"SELECT {vector} FROM core_chunk WHERE id % {step} = 0"  # noqa: S608  (the parts are constants; values are parameters)
            cursor.execute(MEASURE, [vector, seen, query, seen * KEPT_SHARE])
    return True
