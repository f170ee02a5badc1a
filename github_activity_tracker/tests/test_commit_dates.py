"""Tests of commits with missing, broken or impossible dates, and of tags that point to such commits."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.models import Activity, SkippedItem
from core.operations.github_ops.git_log import RawDate, read_date
from github_activity_tracker.models import Commit
from github_activity_tracker.tests.test_commits import git, local

__all__ = ["local"]
GOOD = "1500000000 +0000"
GOOD_TIME = datetime.fromtimestamp(1_500_000_000, UTC)


def collect(*arguments: str) -> None:
    call_command("collect_github", "owner/name", "--git-only", "--no-sync", *arguments)


def commit(folder: Path, author: str, committer: str, *parents: str, branch: str) -> str:
    """Create a commit with these dates, even if they are invalid. Return the commit's SHA."""
    tree = git(folder, "rev-parse", "main^{tree}").strip()
    lines = [f"tree {tree}", *(f"parent {sha}" for sha in parents), f"author Ada <ada@example.org> {author}",
             f"committer Bob <bob@example.org> {committer}", "", branch, ""]  # fmt: skip
    command = ["git", "--git-dir", str(folder), "hash-object", "-w", "-t", "commit", "--stdin", "--literally"]
    sha = subprocess.run(command, input="\n".join(lines).encode(), capture_output=True, check=True).stdout.decode()
    git(folder, "update-ref", f"refs/heads/{branch}", sha.strip())
    return sha.strip()


def stored(sha: str) -> Any:
    row = Commit.objects.get(sha=sha)
    return row.authored_at, row.author_utc_offset, row.authored_raw


def placed(sha: str) -> datetime:
    return Activity.objects.get(external_id__endswith=sha).occurred_at


BROKEN = {
    "missing": "",
    "broken": "yesterday",
    "negative": "-5 +0000",
    "before-1970": "-86400 +0100",
    "huge": "99999999999999999999 +0000",
    "64-bits": "9223372036854775807 +0000",
    "far-future": "9999999999 +0000",
    "epoch": "0 +0000",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_date_that_cannot_be_is_null_and_its_text_is_stored(local: Path, text: str) -> None:
    one = commit(local, text, GOOD, branch="one")
    other = commit(local, GOOD, text, branch="other")
    collect()
    assert stored(one)[::2] == (None, text)
    row = Commit.objects.get(sha=other)
    assert (row.authored_at, row.committed_at, row.committed_raw) == (GOOD_TIME, None, text)
    assert placed(one) == placed(other) == GOOD_TIME


ZONES = {"51800": "+51800", "5130": "+5130", "9999": "-9999", "1401": "+1401", "text": "+99999999999999999999999"}


@pytest.mark.parametrize("zone", ZONES.values(), ids=ZONES)
def test_a_zone_that_is_nowhere_on_earth_is_text_alone(zone: str) -> None:
    date = read_date(f"1500000000 {zone}")
    assert date.seconds == 1_500_000_000
    assert date.offset is None or abs(date.offset) > 14 * 60


@pytest.mark.django_db(transaction=True)
def test_zones_are_stored_as_minutes_or_as_text(local: Path) -> None:
    zones = {"+51800": None, "+5130": None, "-9999": None, "+1400": 840, "-1200": -720, "+0545": 345}
    shas = {zone: commit(local, f"1500000000 {zone}", GOOD, branch=f"z{zone}") for zone in zones}
    collect()
    for zone, offset in zones.items():
        raw = f"1500000000 {zone}" if offset is None else ""
        assert stored(shas[zone]) == (GOOD_TIME, offset, raw)


def test_seconds_without_a_zone_are_a_time_without_a_zone() -> None:
    assert read_date("1500000000") == RawDate(1_500_000_000, None, "1500000000")
    assert read_date("1500000000 +0200 and more").offset == 120


@pytest.mark.django_db(transaction=True)
def test_a_commit_without_any_date_stands_with_its_parent_or_its_child(local: Path) -> None:
    root = commit(local, "", "", branch="root")
    child = commit(local, GOOD, GOOD, root, branch="child")
    behind = commit(local, "x", "-1 +0000", child, branch="behind")
    further = commit(local, "", "", behind, branch="further")
    alone = commit(local, "", "", branch="alone")
    collect()
    assert placed(root) == placed(child) == placed(behind) == placed(further) == GOOD_TIME
    assert placed(alone) > datetime(2020, 1, 1, tzinfo=UTC)
    before = list(Commit.objects.order_by("pk").values_list()), list(Activity.objects.order_by("pk").values_list())
    collect("--full")
    assert (
        list(Commit.objects.order_by("pk").values_list()),
        list(Activity.objects.order_by("pk").values_list()),
    ) == before


@pytest.mark.django_db(transaction=True)
def test_a_commit_behind_a_tag_of_a_tag_is_collected(local: Path) -> None:
    sha = commit(local, GOOD, GOOD, branch="soon-gone")
    for name, target in (("inner", sha), ("outer", "inner"), ("outermost", "outer")):
        git(local, "-c", "user.name=Ada", "-c", "user.email=a@b", "tag", "-a", name, "-m", name, target)
    git(local, "update-ref", "-d", "refs/heads/soon-gone")
    for name in ("inner", "outer"):
        git(local, "tag", "-d", name)
    collect()
    assert Commit.objects.filter(sha=sha, deleted_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_tag_to_a_missing_object_is_a_skip_that_clears_itself(local: Path, settings: Any) -> None:
    sha = commit(local, GOOD, GOOD, branch="tagged")
    git(local, "-c", "user.name=Ada", "-c", "user.email=a@b", "tag", "-a", "broken", "-m", "x", sha)
    git(local, "update-ref", "-d", "refs/heads/tagged")
    collect()
    (mirror,) = Path(settings.WORKSPACE_DIR).rglob("*.git")
    (lost,) = [path for path in (mirror / "objects").rglob(sha[2:]) if path.parent.name == sha[:2]]
    content = lost.read_bytes()
    lost.unlink()
    collect()
    skip = SkippedItem.objects.get(reason="missing_object", cleared_at=None)
    assert skip.external_id == "refs/tags/broken"
    assert Commit.objects.filter(sha=sha, deleted_at=None).exists()
    lost.parent.mkdir(exist_ok=True)
    lost.write_bytes(content)
    collect()
    assert not SkippedItem.objects.filter(cleared_at=None).exists()
