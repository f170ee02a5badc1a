"""Quotas that all processes share, in one table; whoever hears of a limit tells the others."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from core.models import ApiBudget


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


def clear(budgets: "QuerySet[ApiBudget]") -> int:
    """Forget what remains and every wait; returns the number of budgets.

    The next run starts as if the source had reported nothing. A run that is going on keeps what it knows, and stores it
    again.
    """
    return budgets.update(remaining=None, resets_at=None, not_before=None, updated_at=Now())


# A window that would last longer than it can was written with a wrong clock, and does not count.
# A window begins with the first unit that is spent after the last window ended.
SPEND = """
    INSERT INTO core_apibudget AS stored
        (source_system, account, resource, "limit", remaining, resets_at, updated_at)
    VALUES (%(source)s, %(account)s, %(resource)s, %(limit)s, GREATEST(0, %(limit)s - %(units)s),
        now() + %(window)s * interval '1 second', now())
    ON CONFLICT (source_system, account, resource) DO UPDATE SET
        "limit" = excluded."limit",
        remaining = CASE WHEN stored.resets_at > now() AND stored.resets_at <= excluded.resets_at
            THEN GREATEST(0, stored.remaining - %(units)s) ELSE excluded.remaining END,
        resets_at = CASE WHEN stored.resets_at > now() AND stored.resets_at <= excluded.resets_at
            THEN stored.resets_at ELSE excluded.resets_at END,
        updated_at = now()
    RETURNING remaining, resets_at
"""


def spend(
    *, source_system: str, account: str, resource: str, limit: int, units: int, window: float
) -> tuple[int, datetime]:
    """Take units from a budget that all processes share and no header reports; one statement.

    ``window`` is in seconds. Returns what remains of the window and when the window ends (UTC).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            SPEND,
            {
                "source": source_system, "account": account[:128], "resource": resource, "limit": limit,
                "units": units, "window": window,
            },
        )  # fmt: skip
        remaining, resets_at = cursor.fetchone()
    return remaining, resets_at
