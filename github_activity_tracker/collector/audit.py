"""What is kept against what GitHub says there is."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models

from core.operations.github_ops.client import GitHubClient
from github_activity_tracker import fetch
from github_activity_tracker.collector.options import Target
from github_activity_tracker.models import (
    CommitComment,
    Discussion,
    Issue,
    IssueComment,
    Label,
    Milestone,
    Release,
    Review,
    ReviewComment,
)

MODELS: dict[str, type[models.Model]] = {
    "issue_comments": IssueComment,
    "review_comments": ReviewComment,
    "reviews": Review,
    "commit_comments": CommitComment,
    "releases": Release,
    "labels": Label,
    "milestones": Milestone,
    "discussions": Discussion,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One stream of one repository: live rows, tombstones, and GitHub's own total (None: not shown)."""

    repository: str
    stream: str
    kept: int
    deleted: int
    github: int | None

    @property
    def agrees(self) -> bool:
        """Whether as much is kept as there is."""
        return self.kept == self.github


def audit(client: GitHubClient, found: list[Target]) -> Iterator[Line]:
    """Lines for each repository, stream by stream; N/100 + 3 requests a repository."""
    facts = fetch.probe(client, {target.full_name: target.node_id for target in found})
    for target in found:
        told = facts.get(target.full_name)
        if told is None:
            yield Line(repository=target.full_name, stream="repository", kept=0, deleted=0, github=None)
            continue
        totals = {
            "issues": told["issues"]["totalCount"],
            "pulls": told["pullRequests"]["totalCount"],
            **_talk(client, str(told["id"]), target.full_name),
            "review_comments": fetch.how_many(client, target.full_name, "pulls/comments"),
        }
        totals |= {name: told[name]["totalCount"] for name in ("releases", "labels", "milestones", "discussions")}
        if told.get("commitComments"):
            totals["commit_comments"] = told["commitComments"]["totalCount"]
        repository_id = int(told["databaseId"])
        for stream, total in totals.items():
            rows = _rows(stream, repository_id)
            alive = rows.filter(deleted_at=None).count()
            yield Line(
                repository=target.full_name, stream=stream, kept=alive, deleted=rows.count() - alive, github=total
            )


def _talk(client: GitHubClient, node_id: str, full_name: str) -> dict[str, int]:
    """Comments and reviews, summed over the issues and pull requests."""
    comments = reviews = 0
    for name in ("issues", "pulls"):
        for items in fetch.totals(client, name, node_id, full_name):
            comments += sum(item["comments"]["totalCount"] for item in items)
            reviews += sum(item["reviews"]["totalCount"] for item in items if "reviews" in item)
    return {"issue_comments": comments, "reviews": reviews}


def _rows(stream: str, repository_id: int) -> "models.QuerySet[models.Model]":
    if stream in ("issues", "pulls"):
        return Issue.objects.filter(repository_id=repository_id, is_pull_request=stream == "pulls")  # pyright: ignore[reportReturnType]  # a query set of a subclass
    return MODELS[stream]._default_manager.filter(repository_id=repository_id)
