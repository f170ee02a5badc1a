"""An unknown name is a usage error. The name of a hidden or previously collected repository is not."""

from typing import Any

import pytest
from django.utils import timezone

from config.tests.test_usage_errors import collect
from config.tests.test_usage_errors import github as github
from config.tests.test_usage_errors import terminal as terminal
from core.errors import ConfigurationError
from core.models import CollectorRun, Scope
from github_activity_tracker.models import Repository
from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY
from samples.server import SampleServer

pytestmark = pytest.mark.django_db(transaction=True)
TYPO = "saltmarsh-works/tidewach"


def requests_of(server: SampleServer, name: str) -> int:
    """Return the number of REST requests for the repository itself. Requests for its items do not count."""
    return sum(request.path.partition("?")[0] == f"/repos/{name}" for request in server.requests)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("kind", ["451", "403", "410"])
def test_a_repository_that_github_hides_is_not_misspelt(github: SampleServer, settings: Any, kind: str) -> None:
    settings.GITHUB_TOKENS = []
    github.fail(kind, rf"/repos/{SAMPLE_REPOSITORY}$", times=None)
    collect(SAMPLE_REPOSITORY)
    assert CollectorRun.objects.get().outcome == "failed"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("deleted", [False, True])
def test_a_repository_that_was_collected_and_is_gone_is_not_misspelt(
    github: SampleServer, settings: Any, deleted: bool
) -> None:
    settings.GITHUB_TOKENS = []
    row = Repository.objects.create(id=77, full_name=SAMPLE_REPOSITORY)
    if deleted:
        Repository.objects.filter(pk=row.pk).update(deleted_at=timezone.now())
    github.fail("404", rf"/repositories/77$|/repos/{SAMPLE_REPOSITORY}$", times=None)
    collect(SAMPLE_REPOSITORY)
    run = CollectorRun.objects.get()
    assert run.outcome == "failed"
    assert "shows no repository" in run.error


@pytest.mark.usefixtures("terminal")
def test_a_server_that_fails_makes_no_name_misspelt(
    github: SampleServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GITHUB_TOKENS = []
    monkeypatch.setattr("core.operations.http.Transport.pause", lambda _self, _seconds: None)
    github.fail("503", rf"/repos/{SAMPLE_REPOSITORY}$", times=None)
    collect(SAMPLE_REPOSITORY)
    assert CollectorRun.objects.get().outcome == "failed"


def test_under_cron_only_misspelt_names_are_a_configuration_error(github: SampleServer) -> None:
    for arguments in ([TYPO, "saltmarsh-works/ledgr"], [TYPO, "--org", "saltmarsh-wroks"]):
        with pytest.raises(ConfigurationError) as raised:
            collect(*arguments)
        assert raised.value.exit_code == 2
    assert not Scope.objects.exists()


@pytest.mark.slow
def test_under_cron_a_misspelt_organisation_stops_no_repository(github: SampleServer) -> None:
    collect("--org", "saltmarsh-wroks", SAMPLE_REPOSITORY)
    assert CollectorRun.objects.get().outcome == "partial"
    assert Scope.objects.get().last_completed_at is not None


def test_looking_for_misspelt_names_costs_no_request_more(github: SampleServer, settings: Any) -> None:
    settings.GITHUB_TOKENS = []
    github.reset_log()
    collect(TYPO, SECOND_REPOSITORY, "--streams", "labels")
    assert requests_of(github, SECOND_REPOSITORY) == 1
    assert requests_of(github, TYPO) == 1
