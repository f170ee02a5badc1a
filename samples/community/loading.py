"""Read ``data/*.toml`` into a community as it was at a given time.

The files tell a story: each post, each edit and each deletion has a time. This module derives the data that GitHub
would have shown at a given time from the changes up to that time. The last line break of a body is removed.
"""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from samples.community.comment_folding import fold_comments, fold_review_comments
from samples.community.discussion_folding import fold_discussions
from samples.community.folding import Story, fold_issue
from samples.community.model import Account, Label, Milestone, Repository

DATA = Path(__file__).parent / "data"
FIRST_ID = 5_000_000_000
"""Lower bound of the ids of posts, labels and milestones. Like GitHub's newer ids, it does not fit into 32 bits."""
REPOSITORY_IDS = 100_000_000
"""Number of ids that are reserved for each repository.

With a smaller number, posts of two repositories could have the same id, because the ids of a repository's discussions
begin 60,000,000 above its first id.
"""
END_OF_TIME = "9999-12-31T00:00:00Z"

Parts = tuple[dict[int, Account], dict[int, Repository], dict[str, int]]


def load_parts(as_of: str | None) -> Parts:
    """Return the accounts and repositories at a given time, or at the end of the story, and all former names."""
    moment = as_of or END_OF_TIME
    data = _read()
    keys = {raw["key"]: raw["id"] for raw in data["accounts"]} | {"nobody": None}
    associations = {raw["key"]: raw.get("association", "NONE") for raw in data["accounts"]}
    accounts = {raw["id"]: _account(raw, moment) for raw in data["accounts"]}
    repositories: dict[int, Repository] = {}
    for index, raw in enumerate(data["repositories"]):
        story = Story(
            moment=moment,
            accounts=keys,
            associations=associations,
            first_id=FIRST_ID + index * REPOSITORY_IDS,
            repositories={r["name"]: r["id"] for r in data["repositories"]},
        )
        threads = [thread for thread in _with_transfers(data["threads"]) if thread["repository"] == raw["name"]]
        repositories[raw["id"]] = _repository(raw, threads, story)
    old_names = {old: raw["id"] for raw in data["repositories"] for old in raw.get("old_names", [])}
    return accounts, repositories, old_names


@lru_cache(maxsize=1)
def _read() -> dict[str, list[dict[str, Any]]]:
    """Return the merged tables of all data files, with times in GitHub's format."""
    whole: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(DATA.glob("*.toml")):
        for key, rows in tomllib.loads(path.read_text(encoding="utf-8")).items():
            whole.setdefault(key, []).extend(_plain(row) for row in rows)
    return whole


def _plain(value: Any) -> Any:
    """Return a TOML value with all times in GitHub's format."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] # TOML tables are untyped
    if isinstance(value, list):
        return [_plain(child) for child in value]  # pyright: ignore[reportUnknownVariableType] # TOML arrays are untyped
    return value


def _with_transfers(threads: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every thread. A transferred thread appears a second time, in its new repository."""
    for thread in threads:
        yield thread
        if "moved" in thread:
            there = {key: value for key, value in thread.items() if key != "moved"}
            moved = thread["moved"]
            yield there | {"repository": moved["to"], "number": moved["number"], "appears_at": moved["at"]}


def _account(raw: dict[str, Any], moment: str) -> Account:
    renamed = raw.get("renamed")
    login = renamed["from"] if renamed and renamed["at"] > moment else raw["login"]
    emails = tuple(raw.get("emails", ()))
    return Account(id=raw["id"], login=login, type=raw.get("type", "User"), name=raw.get("name", ""), emails=emails)


def _repository(raw: dict[str, Any], threads: list[dict[str, Any]], story: Story) -> Repository:
    repo = Repository(
        id=raw["id"],
        owner=story.accounts[raw["owner"]] or 0,
        name=raw["name"],
        description=raw["description"],
        created_at=raw["created_at"],
        updated_at=min(raw["updated_at"], story.moment),
        pushed_at=min(raw["pushed_at"], story.moment),
        has_git=raw.get("has_git", False),
        topics=tuple(raw.get("topics", ())),
        labels={row["name"]: Label(id=story.first_id + 900 + n, **row) for n, row in enumerate(raw.get("labels", ()))},
        milestones={
            row["number"]: Milestone(
                id=story.first_id + 800 + row["number"], **row | {"creator": story.accounts[row["creator"]]}
            )
            for row in raw.get("milestones", ())
        },
    )
    for thread in sorted(threads, key=lambda row: row["number"]):
        fold_issue(thread, repo, story)
    fold_comments(threads, repo, story)
    fold_review_comments(threads, repo, story)
    fold_discussions([row for row in _read()["discussions"] if row["repository"] == raw["name"]], repo, story)
    return repo
