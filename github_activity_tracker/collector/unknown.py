"""Names on the command line that GitHub does not show: usage errors, as far as nothing is stored under them.

Such a name is asked about before anything is stored, and the answer is used when it is the repository's turn, so that
this costs no request. A repository that GitHub hides or blocks, or that was collected before, is no misspelt name: its
collection reports what GitHub says.
"""

from collections.abc import Sequence

from core.collectors import ScopeReport
from core.collectors.terminal import at_terminal
from core.errors import (
    AccessDenied,
    BudgetExhausted,
    ConfigurationError,
    NotFound,
    RetryLater,
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
)
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker import fetch
from github_activity_tracker.collector.failures import UNFORESEEN
from github_activity_tracker.collector.options import Target, full_name
from github_activity_tracker.collector.plan import Plan
from github_activity_tracker.models import Repository

NOT_SHOWN = "GitHub shows no repository {}; check the name, or use a token that may see it"
NO_OWNER = "GitHub shows no organisation or person {}; check the name, or use a token that may see it"


def refuse_unknown(client: GitHubClient, plan: Plan, names: Sequence[str], refused: Sequence[ScopeReport]) -> None:
    """Raise ConfigurationError for misspelt names, before anything is stored.

    ``names``: the repositories on the command line; ``refused``: the organisations that could not be listed. At a
    terminal any misspelt name is refused. Otherwise only when nothing else is left to collect, so that one wrong name
    in a crontab stops nothing else. Raises ReplaceToken when no token is left.
    """
    missing = _missing(client, plan, _never_stored(plan, names))
    is_all = len(missing) == len(plan.queue) and all(is_unknown(report) for report in refused)
    if missing and (at_terminal() or is_all):
        raise ConfigurationError(f"{NOT_SHOWN.format(', '.join(sorted(missing)))}. Nothing was collected.")


def is_unknown(report: ScopeReport) -> bool:
    """Return whether the report of an organisation says that GitHub does not show it."""
    return report.category == ConfigurationError.category.value


def _never_stored(plan: Plan, names: Sequence[str]) -> list[Target]:
    """Return the named repositories that are not in the database, not even as deleted, and not in the probe."""
    wanted = {full_name(name).lower() for name in names}
    found = [target for target in plan.queue if target.full_name.lower() in wanted and target.known_id is None]
    found = [target for target in found if plan.known_facts(target) is None]
    return [
        target
        for target in found
        if not isinstance(plan.failure_of(target), AccessDenied)
        and not Repository.objects.filter(full_name__iexact=target.full_name, id__gt=0).exists()
    ]


def _missing(client: GitHubClient, plan: Plan, targets: Sequence[Target]) -> list[str]:
    """Ask for repositories, and return the names of those that are not there; the answers are kept in the plan."""
    missing: list[str] = []
    for target in targets:
        try:
            plan.answers[target.key] = fetch.repository(client, target.full_name, None)
        except (NotFound, AccessDenied, UnexpectedAnswer) as error:
            plan.answers[target.key] = error
            missing += [target.full_name] if isinstance(error, NotFound) and error.reason == "not_found" else []
        except (SourceUnavailable, SourceTimeout) as error:
            plan.answers[target.key] = error
            break  # what does not answer is not asked about every name
        except (BudgetExhausted, RetryLater):
            break  # reported when it is their turn
        except UNFORESEEN:
            continue
    return missing
