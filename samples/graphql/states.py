"""Create the GraphQL data of repositories, hidden comments and review threads."""

from typing import Any

from samples.community import Issue, Repository, SampleCommunity
from samples.community.state_changes import root_of
from samples.graphql.connections import plain
from samples.graphql.timelines import actor, talk_of
from samples.shapes.accounts import node_id
from samples.shapes.repositories import SWITCHES

Json = dict[str, Any]


def facts_of(repo: Repository) -> Json:
    """Return the parent, license, settings and commit comments of a repository."""
    parent = repo.parent and {"databaseId": repo.parent[0], "nameWithOwner": repo.parent[1], "isFork": False}
    return {
        "isFork": repo.parent is not None,
        "parent": parent,
        "homepageUrl": "https://example.org/",
        "visibility": "PUBLIC",
        "mirrorUrl": None,
        "isTemplate": SWITCHES["is_template"],
        "hasIssuesEnabled": SWITCHES["has_issues"],
        "hasProjectsEnabled": SWITCHES["has_projects"],
        "hasWikiEnabled": SWITCHES["has_wiki"],
        "licenseInfo": {"key": "mit", "name": "MIT License", "spdxId": "MIT"},
        "commitComments": plain(
            [
                {"id": node_id("CC", repo.id, id_), "updatedAt": comment.updated_at}
                for id_, comment in sorted(repo.commit_comments.items())
            ]
        ),
    }


def hidden(repo: Repository, id_: str) -> Json:
    """Return the fields that tell whether a comment or review is hidden, and why."""
    return {"isMinimized": id_ in repo.hidden, "minimizedReason": repo.hidden.get(id_)}


def review_threads(community: SampleCommunity, repo: Repository, issue: Issue) -> list[Json]:
    """Return the review threads of a pull request with their comments."""
    threads: dict[int, list[int]] = {}
    for remark in sorted(talk_of(community, repo).remarks[issue.number], key=lambda one: one.id):
        threads.setdefault(root_of(remark), []).append(remark.id)
    return [
        {
            "__typename": "PullRequestReviewThread",
            "id": node_id("PRRT", repo.id, root),
            "isResolved": root in repo.resolved,
            "resolvedBy": actor(community, repo.resolved.get(root)),
            "comments": plain([{"fullDatabaseId": str(id_)} for id_ in ids]),
        }
        for root, ids in threads.items()
    ]
