import subprocess
import time
from pathlib import Path

import pytest

from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY, git_history
from samples.git_command import run_git
from samples.server import SampleServer


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history") / "tidewatch.git"
    git_history.build(folder)
    return folder


def lines(folder: Path, *arguments: str) -> list[str]:
    return run_git(folder, *arguments).decode(errors="surrogateescape").splitlines()


def test_commits_have_the_same_names_everywhere(repository: Path) -> None:
    assert lines(repository, "rev-parse", "main", "gh-pages", "v1.0", "refs/pull/36/head") == [
        "71d413368659bcda5d1fae121d6821693454a03d",
        "fd77fe3f490b740245d7b55dfc93edf68b1c4f74",
        "79f37e438380c8d93a56f9f453dc2d295b3e5c04",
        "a13e36399335f1435c5bff84c7b9d5760bf1ac6e",
    ]


def test_the_repository_is_sound_and_quickly_made(repository: Path, tmp_path: Path) -> None:
    run_git(repository, "fsck", "--strict")
    begun = time.monotonic()
    git_history.build(tmp_path / "again.git")
    assert time.monotonic() - begun < 1


def test_history_has_merges_an_octopus_roots_and_an_empty_commit(repository: Path) -> None:
    parents = [len(line.split()) - 1 for line in lines(repository, "rev-list", "--all", "--parents")]
    assert len(parents) == 58
    assert {0, 1, 2, 4} == set(parents)
    assert parents.count(0) == 2
    assert lines(repository, "diff-tree", "--no-commit-id", "-r", "main~0^{/Start the build}") == []


def test_trees_change_in_every_way(repository: Path) -> None:
    raw = run_git(repository, "log", "--all", "--no-merges", "--raw", "--format=", "-z", "-M", "--no-abbrev")
    for piece in (b" R100\0", b" D\0", b":100644 100755 ", b" 120000 ", b" 160000 ", b"Troms\xf8ya", b"logo.png"):
        assert piece in raw, piece
    counts = [line for line in lines(repository, "log", "--all", "--shortstat", "--format=") if "300 files" in line]
    assert len(counts) == 1


def test_messages_people_and_dates_are_of_every_kind(repository: Path) -> None:
    raw = run_git(repository, "log", "--all", "--format=%e|%an|%ae|%aI|%cI|%s", "--encoding=UTF-8").decode(
        errors="replace"
    )
    assert "ISO-8859-1|Bjørg Tånge|bjorg@example.org|2024-06-01T18:30:00+02:00|" in raw
    assert "Rett målestokken" in raw
    assert "�le aux Mar�es" in raw
    assert "|old buoy||2024-06-08T04:44:00-03:30|" in raw
    assert "2024-03-30T23:58:00+02:00|2024-04-02T08:05:00+03:00" in raw
    assert "90000000002+tobe-marshlight@users.noreply.github.com" in raw
    assert "导入时识别" in raw
    messages = run_git(repository, "log", "--all", "--format=%H%x00%B%x01").split(b"\x01")
    assert any(message.strip().endswith(b"\0") for message in messages)


def test_tags_are_annotated_and_light(repository: Path) -> None:
    refs = dict(line.split(" ") for line in lines(repository, "for-each-ref", "--format=%(refname) %(objecttype)"))
    assert (refs["refs/tags/v1.0"], refs["refs/tags/v1.0.1"]) == ("tag", "commit")
    assert sum(ref.startswith("refs/heads/") for ref in refs) > 5
    assert sum(ref.startswith("refs/pull/") for ref in refs) == 5


def test_a_clone_over_http_has_everything(sample_server: SampleServer, tmp_path: Path) -> None:
    run_git(tmp_path, "clone", "--quiet", "--bare", f"{sample_server.url}/{SAMPLE_REPOSITORY}.git", "clone.git")
    assert git_history.commit_names(tmp_path / "clone.git") == sample_server.truth()["commits"]
    run_git(tmp_path, "clone", "--quiet", "--mirror", f"{sample_server.url}/{SAMPLE_REPOSITORY}", "mirror.git")
    assert lines(tmp_path / "mirror.git", "rev-parse", "refs/pull/36/head")
    assert {entry.kind for entry in sample_server.requests} == {"git"}


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_version_of_the_protocol_works(sample_server: SampleServer, tmp_path: Path, version: str) -> None:
    url = f"{sample_server.url}/{SAMPLE_REPOSITORY}.git"
    run_git(tmp_path, "-c", f"protocol.version={version}", "clone", "--quiet", "--bare", url, "clone.git")
    assert git_history.commit_names(tmp_path / "clone.git") == sample_server.truth()["commits"]


def test_a_fetch_brings_what_was_pushed_by_force(sample_server: SampleServer, tmp_path: Path) -> None:
    run_git(tmp_path, "clone", "--quiet", "--mirror", f"{sample_server.url}/{SAMPLE_REPOSITORY}.git", "clone.git")
    run_git(sample_server.git_dir, "update-ref", "refs/heads/main", "refs/heads/release-1.x")
    run_git(tmp_path / "clone.git", "fetch", "--quiet", "--force", "origin")
    assert lines(tmp_path / "clone.git", "rev-parse", "main") == lines(
        sample_server.git_dir, "rev-parse", "release-1.x"
    )
    with SampleServer() as other:
        assert lines(other.git_dir, "rev-parse", "main") != lines(sample_server.git_dir, "rev-parse", "main")


def test_git_follows_a_rename_and_is_refused_with_reasons(sample_server: SampleServer, tmp_path: Path) -> None:
    sample_server.rename_repository("ebbwatch")
    run_git(tmp_path, "clone", "--quiet", "--bare", f"{sample_server.url}/{SAMPLE_REPOSITORY}.git", "clone.git")
    with pytest.raises(subprocess.CalledProcessError, match="128"):
        run_git(tmp_path, "clone", "--quiet", f"{sample_server.url}/nobody/nothing.git", "wrong")
    sample_server.fail(503, r"\.git/info/refs")
    with pytest.raises(subprocess.CalledProcessError, match="128"):
        run_git(tmp_path, "clone", "--quiet", f"{sample_server.url}/saltmarsh-works/ebbwatch.git", "wrong")


def test_a_repository_without_commits_is_cloned_and_empty(sample_server: SampleServer, tmp_path: Path) -> None:
    for version in ("0", "2"):
        url, folder = f"{sample_server.url}/{SECOND_REPOSITORY}.git", f"{version}.git"
        run_git(tmp_path, "-c", f"protocol.version={version}", "clone", "--quiet", "--bare", url, folder)
        assert lines(tmp_path / folder, "for-each-ref") == []
    assert {entry.status for entry in sample_server.requests} == {200}


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with SampleServer() as server:
        folder = server.git_dir
        assert folder.is_dir()
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []
