"""Stores the budgets of API accounts in a table.

All processes share the table, so that together they stay within the limits.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from core.models import ApiBudget


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetRow:
    """The state of one budget of an account. Times are in UTC. ``None`` means that a value is unknown."""

    source_system: str
    account: str
    resource: str
    limit: int | None
    remaining: int | None
    resets_at: datetime | None
    not_before: datetime | None


# Within one window, the number of remaining requests only falls, so the smaller number is newer, and unknown values
# (NULL) change nothing, because GREATEST and LEAST ignore NULL. A later window replaces an earlier window. No source
# has windows of more than two hours, so a stored time further in the future is an error and is replaced.
RECONCILE = """
    INSERT INTO core_apibudget AS stored
        (source_system, account, resource, "limit", remaining, resets_at, not_before, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, now())
    ON CONFLICT (source_system, account, resource) DO UPDATE SET
        "limit" = COALESCE(excluded."limit", stored."limit"),
        remaining = CASE
            WHEN stored.resets_at > now() + interval '2 hours' THEN excluded.remaining
            WHEN excluded.resets_at IS NULL OR excluded.resets_at < stored.resets_at THEN stored.remaining
            WHEN excluded.resets_at > stored.resets_at + interval '2 seconds' OR stored.resets_at IS NULL
                THEN excluded.remaining
            ELSE LEAST(stored.remaining, excluded.remaining) END,
        resets_at = CASE WHEN stored.resets_at > now() + interval '2 hours' THEN excluded.resets_at
            ELSE GREATEST(stored.resets_at, excluded.resets_at) END,
        not_before = CASE WHEN stored.not_before > now() + interval '2 hours' THEN excluded.not_before
            ELSE GREATEST(stored.not_before, excluded.not_before) END,
        updated_at = now()
    RETURNING "limit", remaining, resets_at, not_before
"""


def reconcile(row: BudgetRow) -> BudgetRow:
    """Merge this process's state of a budget into the table with one statement, and return the merged state."""
    identity = (row.source_system, row.account[:128], row.resource)
    with connection.cursor() as cursor:
        cursor.execute(RECONCILE, [*identity, row.limit, row.remaining, row.resets_at, row.not_before])
        limit, remaining, resets_at, not_before = cursor.fetchone()
    return BudgetRow(
        source_system=row.source_system, account=row.account, resource=row.resource,
        limit=limit, remaining=remaining, resets_at=resets_at, not_before=not_before,
    )  # fmt: skip


def correct(row: BudgetRow) -> None:
    """Replace the stored limit, remaining requests and reset time of a budget. ``not_before`` stays unchanged."""
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE core_apibudget SET "limit" = %s, remaining = %s, resets_at = %s, updated_at = now()'
            " WHERE source_system = %s AND account = %s AND resource = %s",
            [row.limit, row.remaining, row.resets_at, row.source_system, row.account[:128], row.resource],
        )


def clear(budgets: "QuerySet[ApiBudget]") -> int:
    """Clear the stored remaining requests and wait times of budgets. Returns the number of cleared budgets.

    The next run starts as if the source had not reported any limits. A current run still has its state in memory and
    will store it again.
    """
    return budgets.update(remaining=None, resets_at=None, not_before=None, updated_at=Now())


# A window begins with the first unit that is spent after the previous window ended. If a stored window ends later than
# a window that begins now, its end comes from a wrong clock, and the new window replaces it.
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
    """Take units from a shared budget with one statement. Use this for sources that send no rate-limit headers.

    ``window`` is in seconds. Returns the remaining units, which do not fall below 0, and the end of the window (UTC).
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
