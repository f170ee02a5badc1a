"""Create the GraphQL objects of repositories, issues and pull requests.

The objects are dictionaries. A value may be a function, which the engine calls with the arguments of the field.
"""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from graphql import GraphQLError

from samples.community import Issue, Repository, SampleCommunity
from samples.git_command import run_git
from samples.git_commits import account_of
from samples.graphql.connections import Entry, connection, plain
from samples.graphql.discussions import discussion_node, discussion_of, discussions
from samples.graphql.states import facts_of, hidden, review_threads
from samples.graphql.timelines import actor, entries, reviews, talk_of, timeline
from samples.shapes.accounts import WEB, node_id

Json = dict[str, Any]
GitDir = Callable[[Repository], Path | None]


class Objects:
    """The GraphQL objects of a community."""

    def __init__(self, community: SampleCommunity, git_dir: GitDir) -> None:
        self.community, self.git_dir = community, git_dir

    def query(self, viewer: str, rate: Json) -> Json:
        """Return the root object of a query."""
        return {
            "viewer": {"login": viewer, "__typename": "User"},
            "rateLimit": rate,
            "repository": self._named,
            "node": self._node,
            "nodes": self._nodes,
        }

    def node(self, id_: str) -> Json:
        """Return the object with a node id. Raises GraphQLError for an unknown id."""
        for repo in self.community.repositories.values():
            if id_ == node_id("R", repo.id):
                return self.repository(repo)
            for issue in repo.issues.values():
                if id_ == node_id("PR" if issue.pull else "I", repo.id, issue.id):
                    return self.item(repo, issue)
            for prefix, kind, posts in (
                ("IC", "IssueComment", repo.comments),
                ("PRRC", "PullRequestReviewComment", repo.review_comments),
                ("CC", "CommitComment", repo.commit_comments),
            ):
                if any(id_ == node_id(prefix, repo.id, post) for post in posts):
                    return {"__typename": kind, "id": id_, **hidden(repo, id_)}
            for issue in repo.issues.values() if id_.startswith("PRR_") else ():
                if (
                    issue.pull and issue.pull.merged_at
                ):  # the collector requests no other reviews, because they have no reactions
                    found = next((one for one in reviews(self.community, repo, issue) if one["id"] == id_), None)
                    if found:
                        return found
            found = discussion_node(self.community, repo, id_)
            if found:
                return found
        for account in self.community.accounts.values():
            found = actor(self.community, account.id)
            if found and found["id"] == id_:
                return found
        raise _absent(f"Could not resolve to a node with the global id of '{id_}'")

    def _node(self, **arguments: str) -> Json:
        return self.node(arguments["id"])

    def _nodes(self, ids: list[str]) -> list[Json | GraphQLError]:
        return [self._or_error(id_) for id_ in ids]

    def _or_error(self, id_: str) -> Json | GraphQLError:
        try:
            return self.node(id_)
        except GraphQLError as error:
            return error

    def _named(self, owner: str, name: str, **_: Any) -> Json:
        try:
            return self.repository(self.community.repository(f"{owner}/{name}"))
        except KeyError as error:
            raise _absent(f"Could not resolve to a Repository with the name '{owner}/{name}'.") from error

    def repository(self, repo: Repository) -> Json:
        """Return the object of a repository."""
        name = self.community.full_name(repo)
        return {
            "__typename": "Repository",
            "id": node_id("R", repo.id),
            "databaseId": repo.id,
            "nameWithOwner": name,
            "url": f"{WEB}/{name}",
            "description": repo.description,
            "createdAt": repo.created_at,
            "updatedAt": repo.updated_at,
            "pushedAt": repo.pushed_at,
            **dict.fromkeys(("isArchived", "isDisabled", "isPrivate"), False),
            **facts_of(repo),
            "hasDiscussionsEnabled": bool(repo.discussions or repo.deleted["discussions"]),
            "stargazerCount": 0,
            "forkCount": 0,
            "owner": actor(self.community, repo.owner),
            "primaryLanguage": None,
            "repositoryTopics": plain([{"topic": {"name": topic}} for topic in repo.topics]),
            "defaultBranchRef": {"name": "main", "target": {"__typename": "Commit", "oid": "0" * 40}},
            **{kind: plain([]) for kind in ("watchers", "releases")},
            "refs": partial(self._refs, repo),
            "discussions": partial(discussions, self.community, repo),
            "discussion": partial(discussion_of, self.community, repo),
            "object": partial(self._commit, repo),
            "labels": plain([{"name": label} for label in repo.labels]),
            "milestones": plain(
                [
                    {"id": node_id("MI", repo.id, one.id), "updatedAt": one.closed_at or one.created_at}
                    for one in repo.milestones.values()
                ]
            ),
            "issues": self._items(repo, pulls=False),
            "pullRequests": self._items(repo, pulls=True),
            "issue": partial(self._numbered, repo, pull=False),
            "pullRequest": partial(self._numbered, repo, pull=True),
        }

    def _refs(self, repo: Repository, refPrefix: str = "", **arguments: Any) -> Json:  # noqa: N803  (GraphQL's name)
        """Return a page of the git refs that start with ``refPrefix``. Their names do not include the prefix."""
        folder = self.git_dir(repo)
        names = run_git(folder, "for-each-ref", "--format=%(refname)", refPrefix).decode().split() if folder else []
        return plain([{"name": name.removeprefix(refPrefix)} for name in names])(**arguments)

    def _commit(self, repo: Repository, *, oid: str) -> Json | None:
        """Return the commit with a SHA, or None. The email address determines the author's account."""
        folder = self.git_dir(repo)
        try:
            output = run_git(folder, "show", "-s", "--format=%an%x00%ae", oid) if folder else b""
        except subprocess.CalledProcessError:
            return None
        name, _, email = output.decode(errors="replace").rstrip("\n").partition("\0")
        user = actor(self.community, account_of(email, self.community))
        return {"__typename": "Commit", "oid": oid, "author": {"name": name, "email": email, "user": user}}

    def _items(self, repo: Repository, *, pulls: bool) -> Callable[..., Json]:
        def listed(**arguments: Any) -> Json:
            by_change = (arguments.get("orderBy") or {}).get("field") == "UPDATED_AT"
            found: list[Entry] = sorted(
                (
                    ((one.updated_at if by_change else one.created_at, one.id), lambda one=one: self.item(repo, one))
                    for one in repo.issues.values()
                    if (one.pull is not None) == pulls
                ),
                key=lambda entry: entry[0],
            )
            return connection(found, **arguments)

        return listed

    def _numbered(self, repo: Repository, *, number: int, pull: bool) -> Json:
        issue = repo.issues.get(number)
        if issue is None or (issue.pull is not None) != pull:
            raise _absent(f"Could not resolve to an issue or pull request with the number of {number}.")
        return self.item(repo, issue)

    def item(self, repo: Repository, issue: Issue) -> Json:
        """Return the object of an issue or pull request."""
        kind = "PullRequest" if issue.pull else "Issue"
        said = talk_of(self.community, repo)
        talk = [{"id": node_id("IC", repo.id, comment.id)} for comment in said.comments[issue.number]]
        whole: Json = {
            "__typename": kind,
            "id": node_id("PR" if issue.pull else "I", repo.id, issue.id),
            "number": issue.number,
            "title": issue.title,
            "url": f"{WEB}/{self.community.full_name(repo)}/{'pull' if issue.pull else 'issues'}/{issue.number}",
            "createdAt": issue.created_at,
            "updatedAt": issue.updated_at,
            "comments": plain(talk),
            "timelineItems": timeline(entries(self.community, repo, issue)),
        }
        return whole | self._pull(repo, issue, len(talk)) if issue.pull else whole

    def _pull(self, repo: Repository, issue: Issue, comments: int) -> Json:
        pull = issue.pull
        assert pull is not None  # noqa: S101  (the caller looked)
        remarks = len(talk_of(self.community, repo).remarks[issue.number])
        head = {"nameWithOwner": self.community.full_name(repo), "databaseId": repo.id}
        return {
            "databaseId": pull.id,
            "fullDatabaseId": str(pull.id),
            "isDraft": pull.draft,
            "mergedAt": pull.merged_at,
            "mergedBy": actor(self.community, pull.merged_by),
            "mergeCommit": {"oid": pull.merge_commit_sha} if pull.merge_commit_sha else None,
            "headRefName": pull.head,
            "headRefOid": pull.head_sha,
            "headRepository": head if pull.head_repo else None,
            "baseRefName": pull.base,
            "baseRefOid": pull.base_sha,
            "additions": pull.additions,
            "deletions": pull.deletions,
            "changedFiles": pull.changed_files,
            "reviewDecision": "APPROVED" if pull.merged_at else None,
            "reviewRequests": plain([]),
            "closingIssuesReferences": plain([]),
            "reviews": plain(reviews(self.community, repo, issue)),
            "reviewThreads": plain(review_threads(self.community, repo, issue)),
            "totalCommentsCount": comments + remarks,
        }


def _absent(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"type": "NOT_FOUND"})
