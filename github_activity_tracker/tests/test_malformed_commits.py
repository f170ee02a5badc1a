"""Tests of commits that cannot be converted. Each commit has a separate skip. A successful retry clears the skip."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.models import Activity, SkippedItem
from github_activity_tracker.convert import commits
from github_activity_tracker.models import Commit, CommitFile
from github_activity_tracker.tests.test_commits import collect, git
from github_activity_tracker.tests.test_commits import local as local

pytestmark = pytest.mark.django_db(transaction=True)
MalformedShas = Callable[[set[str]], None]


@pytest.fixture
def malformed_shas(monkeypatch: pytest.MonkeyPatch) -> MalformedShas:
    """Return a function that takes the SHAs of commits. From then on, the conversion of these commits fails."""
    real, odd = commits.convert_commit, set[str]()

    def convert(commit: Any, **more: Any) -> Any:
        if commit.sha in odd:
            raise ValueError("a number out of range")
        return real(commit, **more)

    def choose(shas: set[str]) -> None:
        odd.clear()
        odd.update(shas)

    monkeypatch.setattr(commits, "convert_commit", convert)
    return choose


def shas(folder: Path) -> list[str]:
    return git(folder, "log", "--branches", "--tags", "--format=%H").split()


def open_skips() -> set[str]:
    return set(SkippedItem.objects.filter(cleared_at=None, reason="malformed").values_list("external_id", flat=True))


def stored() -> set[str]:
    return set(Commit.objects.filter(deleted_at=None).values_list("sha", flat=True))


@pytest.mark.parametrize("places", [{0}, {1, 3}])
def test_a_malformed_commit_comes_with_the_next_run_that_can_convert_it(
    local: Path, malformed_shas: MalformedShas, places: set[int]
) -> None:
    everything = shas(local)
    odd = {everything[place] for place in places}
    malformed_shas(odd)
    collect()
    assert open_skips() == odd
    assert stored() == set(everything) - odd
    collect()
    assert open_skips() == odd
    malformed_shas(set())
    collect()
    assert open_skips() == set()
    assert stored() == set(everything)
    files = git(local, "show", "--format=", "--name-only", "-m", "--first-parent", next(iter(odd))).split()
    assert CommitFile.objects.filter(commit__sha__in=odd).exists() or not files
    assert Activity.objects.filter(activity_type="github.commit").count() == len(everything)


def test_a_malformed_commit_that_a_full_run_converts_is_no_skip_any_more(
    local: Path, malformed_shas: MalformedShas
) -> None:
    odd = {shas(local)[2]}
    malformed_shas(odd)
    collect()
    SkippedItem.objects.update(reason="malformed", payload=None)
    malformed_shas(set())
    call_command("collect_github", "owner/name", "--git-only", "--no-sync", "--full")
    assert open_skips() == set()
    assert odd <= stored()


def test_a_malformed_commit_that_is_gone_is_no_skip_any_more(local: Path, malformed_shas: MalformedShas) -> None:
    main = git(local, "symbolic-ref", "HEAD").strip()
    tip = git(local, "rev-parse", main).strip()
    tree = git(local, "rev-parse", f"{tip}^{{tree}}").strip()
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "--git-dir", str(local), "commit-tree"]
    made = subprocess.run([*command, tree, "-p", tip, "-m", "odd"], capture_output=True, check=True)
    odd = made.stdout.decode().strip()
    git(local, "update-ref", "refs/heads/odd", odd)
    malformed_shas({odd})
    collect()
    assert open_skips() == {odd}
    git(local, "update-ref", "-d", "refs/heads/odd")
    collect()
    assert open_skips() == set()
