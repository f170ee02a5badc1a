"""Tests of ``ScopedCollector``: each scope has a lock and a report, and an error ends only its own scope."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from core.collectors import ScopeReport
from core.errors import (
    AccessDenied,
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    ReplaceToken,
    RetryLater,
)
from core.ingest.records import PageResult
from core.ingest.scoped import ScopedCollector, Tally
from core.models import Scope

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESSES = ["https://example.org/a", "https://example.org/b"]
LATER = datetime(2030, 1, 1, tzinfo=UTC)
Action = Callable[[Tally], None]


class FakeCollector(ScopedCollector[str]):
    """A collector with two targets, which are the URLs in ``ADDRESSES``.

    ``actions`` maps the last letter of a URL to a function that simulates the collection of this URL.
    """

    name = "fake"

    def __init__(self, **actions: Action) -> None:
        super().__init__()
        self.actions = actions

    def validate_config(self) -> None:
        """Accept any configuration."""

    def targets(self) -> list[str]:
        return ADDRESSES

    def collect_scope(self, target: str, scope: Scope, tally: Tally) -> None:
        self.actions.get(target[-1], stored)(tally)


def stored(tally: Tally) -> None:
    tally.add(PageResult(seen=3, inserted=2, updated=1))


def malformed(tally: Tally) -> None:
    tally.add(PageResult(seen=1, inserted=1, malformed=1))


def raising(error: Exception, first: Action = lambda _: None) -> Action:
    def act(tally: Tally) -> None:
        first(tally)
        raise error

    return act


def outcomes(**actions: Action) -> list[str]:
    return [report.outcome for report in FakeCollector(**actions).collect().scopes]


def test_counts_are_summed_and_complete_scopes_are_dated() -> None:
    result = FakeCollector().collect()
    assert (result.success, result.counts) == (True, {"items_inserted": 4, "items_updated": 2})
    assert Scope.objects.exclude(last_completed_at=None).count() == 2


def test_malformed_items_make_a_scope_partial_and_leave_it_undated() -> None:
    assert outcomes(a=malformed) == ["partial", "succeeded"]
    assert Scope.objects.filter(last_completed_at=None).count() == 1


@pytest.mark.parametrize("error", [AccessDenied("no"), KeyError("id")])
def test_an_error_ends_its_own_scope_only(error: Exception) -> None:
    assert outcomes(a=raising(error)) == ["failed", "succeeded"]
    assert outcomes(a=raising(error, stored)) == ["partial", "succeeded"]


def test_a_spent_budget_ends_the_run() -> None:
    assert outcomes(a=raising(BudgetExhausted("spent"), stored)) == ["partial"]


def test_a_limit_is_stored_with_its_scope() -> None:
    assert outcomes(a=raising(RetryLater("limit", not_before=LATER))) == ["partial", "succeeded"]
    assert Scope.objects.get(url=ADDRESSES[0]).not_before == LATER


@pytest.mark.parametrize("error", [ReplaceToken("refused"), ConfigurationError("wrong")])
def test_a_wrong_configuration_fails_the_run_if_nothing_was_stored(error: CollectorError) -> None:
    with pytest.raises(type(error)):
        outcomes(a=raising(error))
    assert outcomes(b=raising(error))[0] == "succeeded"


def test_a_scope_that_another_run_collects_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ingest.scoped.scope_lock", lambda *_, **__: nullcontext(False))
    assert outcomes() == ["busy", "busy"]
    assert Scope.objects.exclude(last_completed_at=None).count() == 0


class PatientCollector(FakeCollector):
    """A collector that yields a URL again after a rate limit, and that reports another scope without collecting it."""

    incomplete = ("_malformed",)
    ends_run = ()

    def targets(self) -> Iterator[str]:
        self.reports["c"] = ScopeReport(scope="c", outcome="failed", reason="no access")
        for address in ADDRESSES:
            yield address
            if self.reports[address].waits:
                self.actions = {}
                yield address


def test_targets_may_depend_on_reports_and_a_later_report_replaces_the_earlier_one() -> None:
    collector = PatientCollector(a=raising(RetryLater("limit", not_before=LATER), stored))
    result = collector.collect()
    assert [(report.scope, report.outcome) for report in result.scopes] == [
        ("c", "failed"), (ADDRESSES[0], "succeeded"), (ADDRESSES[1], "succeeded"),
    ]  # fmt: skip
    assert len(collector.tallies) == 3
    assert collector.counts_so_far() == {"items_inserted": 6, "items_updated": 3}
    assert Scope.objects.get(url=ADDRESSES[0]).not_before is None


def test_a_subclass_says_which_errors_end_the_run_and_which_counts_make_a_scope_partial() -> None:
    def short(tally: Tally) -> None:
        tally.counts["x_malformed"] += 1

    collector = PatientCollector(a=raising(BudgetExhausted("spent"), stored), b=short)
    assert [report.outcome for report in collector.collect().scopes] == ["failed", "partial", "partial"]


def test_an_error_that_is_saved_in_the_tally_ends_the_scope_like_one_that_is_raised() -> None:
    def save(tally: Tally) -> None:
        tally.error = AccessDenied("no")

    first, second = FakeCollector(a=save).collect().scopes
    assert (first.outcome, first.reason, first.skipped, second.outcome) == ("failed", "no", 1, "succeeded")
    assert Scope.objects.get(url=ADDRESSES[0]).last_completed_at is None


def test_an_error_after_a_complete_stream_is_partial_even_if_nothing_was_new() -> None:
    assert outcomes(a=raising(ReplaceToken("refused"), lambda tally: tally.complete.append("items"))) == ["partial"]
