"""Tests that the stored git history equals the output of ``git log``."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from github_activity_tracker.models import Commit, CommitFile, Repository
from samples import git_history

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def local(tmp_path: Path, settings: Any) -> Path:
    """Build the sample history in a new bare repository, and return its folder.

    The collector finds the repository as ``owner/name``, because GITHUB_GIT_URL points to the folder ``repositories``.
    """
    folder = tmp_path / "repositories" / "owner" / "name.git"
    folder.parent.mkdir(parents=True)
    git_history.build(folder)
    settings.GITHUB_GIT_URL = f"file://{tmp_path / 'repositories'}"
    settings.WORKSPACE_DIR = tmp_path / "workspace"
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "--git-dir", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "replace")


def collect() -> None:
    call_command("collect_github", "owner/name", "--git-only", "--no-sync")


def test_commits_equal_git_log(local: Path) -> None:
    collect()
    form = "%H|%P|%an|%ae|%at|%cn|%ce|%ct"
    shown = git(local, "log", "--branches", "--tags", f"--format={form}").strip().split("\n")
    stored = [
        "|".join(
            map(str, [c.sha, " ".join(c.parents), c.author_name, c.author_email, int(c.authored_at.timestamp()),
                      c.committer_name, c.committer_email, int(c.committed_at.timestamp())])
        )
        for c in Commit.objects.all()
    ]  # fmt: skip
    assert sorted(stored) == sorted(shown)


def test_files_and_line_counts_equal_git_log(local: Path) -> None:
    collect()
    shown = git(local, "log", "--branches", "--tags", "--format=", "--numstat", "-M", "--root", "-z").split("\0")
    plain = [entry.lstrip("\n").split("\t") for entry in shown]
    expected = sorted((a, d) for a, d, *_ in (fields for fields in plain if len(fields) == 3))
    stored = sorted(
        ("-" if f.additions is None else str(f.additions), "-" if f.deletions is None else str(f.deletions))
        for f in CommitFile.objects.all()
    )
    assert stored == expected


def test_a_second_run_reads_only_what_is_new(local: Path) -> None:
    collect()
    before = list(Commit.objects.order_by("pk").values_list())
    collect()
    assert list(Commit.objects.order_by("pk").values_list()) == before


def test_a_repository_known_by_its_name_alone_has_a_made_up_id(local: Path) -> None:
    del local
    collect()
    assert Repository.objects.get().is_provisional
