"""Quotas that all processes share, in one table; whoever hears of a limit tells the others."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetRow:
    """What is known of one account's pool; times are UTC, ``None`` is "not known"."""

    source_system: str
    account: str
    resource: str
    limit: int | None
    remaining: int | None
    resets_at: datetime | None
    not_before: datetime | None


# Of one window the smaller remainder is the newer; a later window replaces an earlier one. What nobody told (NULL)
# changes nothing. GREATEST and LEAST leave NULLs out.
# What lies more than two hours ahead is no window of any source: a mistake that was written down once must not last.
RECONCILE = """
    INSERT INTO core_apibudget AS kept
        (source_system, account, resource, "limit", remaining, resets_at, not_before, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, now())
    ON CONFLICT (source_system, account, resource) DO UPDATE SET
        "limit" = COALESCE(excluded."limit", kept."limit"),
        remaining = CASE
            WHEN kept.resets_at > now() + interval '2 hours' THEN excluded.remaining
            WHEN excluded.resets_at IS NULL OR excluded.resets_at < kept.resets_at THEN kept.remaining
            WHEN excluded.resets_at > kept.resets_at + interval '2 seconds' OR kept.resets_at IS NULL
                THEN excluded.remaining
            ELSE LEAST(kept.remaining, excluded.remaining) END,
        resets_at = CASE WHEN kept.resets_at > now() + interval '2 hours' THEN excluded.resets_at
            ELSE GREATEST(kept.resets_at, excluded.resets_at) END,
        not_before = CASE WHEN kept.not_before > now() + interval '2 hours' THEN excluded.not_before
            ELSE GREATEST(kept.not_before, excluded.not_before) END,
        updated_at = now()
    RETURNING "limit", remaining, resets_at, not_before
"""


def reconcile(row: BudgetRow) -> BudgetRow:
    """Merge what this process knows with what others wrote, and return the outcome; one statement."""
    identity = (row.source_system, row.account[:128], row.resource)
    with connection.cursor() as cursor:
        cursor.execute(RECONCILE, [*identity, row.limit, row.remaining, row.resets_at, row.not_before])
        limit, remaining, resets_at, not_before = cursor.fetchone()
    return BudgetRow(
        source_system=row.source_system, account=row.account, resource=row.resource,
        limit=limit, remaining=remaining, resets_at=resets_at, not_before=not_before,
    )  # fmt: skip


def correct(row: BudgetRow) -> None:
    """Replace what was written down of a window; waits for other reasons stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE core_apibudget SET "limit" = %s, remaining = %s, resets_at = %s, updated_at = now()'
            " WHERE source_system = %s AND account = %s AND resource = %s",
            [row.limit, row.remaining, row.resets_at, row.source_system, row.account[:128], row.resource],
        )
