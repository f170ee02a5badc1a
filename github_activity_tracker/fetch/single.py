"""Single items, for what could not be read as part of a list."""

from collections.abc import Mapping
from typing import Any, cast

from core.errors import NotFound
from core.operations.github_ops.answers import graphql_error
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.links import repository_path
from github_activity_tracker.fetch.listing import note_missing
from github_activity_tracker.fetch.node_errors import note_errors
from github_activity_tracker.fetch.overflow import complete
from github_activity_tracker.fetch.threads import DETAIL, LISTINGS

PATHS = {
    "issue_comments": "issues/comments/{}",
    "review_comments": "pulls/comments/{}",
    "issues": "issues/{}",
    "commit_comments": "comments/{}",
}


def one_item(client: GitHubClient, full_name: str, stream: str, external_id: str, payload: object) -> Any:
    """An issue or comment over REST; NotFound when there is no way to ask for it."""
    known = cast("Mapping[str, object]", payload) if isinstance(payload, Mapping) else {}
    name = known.get("number") if stream == "issues" else external_id
    if not str(name).isdigit():
        raise NotFound(f"{stream} {external_id} has no number to ask for", reason="not_found")
    return client.get(f"{repository_path(full_name)}/{PATHS[stream].format(name)}", scope=full_name).data


def one_thread(client: GitHubClient, repository: str, stream: str, external_id: str, scope: str) -> Any:
    """Return an issue, pull request or discussion over GraphQL, by its number (``pulls:12``) or node id.

    What is missing of it is noted as its shortfall. Raises NotFound when it is gone,
    AccessDenied when GitHub denies it.
    """
    kind, fields, fragments = DETAIL[stream]
    number = external_id.rpartition(":")[2]
    if number.isdigit():
        inner = f"{kind[0].lower()}{kind[1:]}(number: {number}) {{ {fields} }}"
        text = f"query ($id: ID!) {{ node(id: $id) {{ ... on Repository {{ item: {inner} }} }} }}\n{fragments}"
        answer = client.query(text, {"id": repository}, scope=scope)
        path: tuple[str | int, ...] = ("node", "item")
        found = (answer.data.get("node") or {}).get("item")
    else:
        text = f"query ($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {fields} }} }} }}\n{fragments}"
        answer = client.query(text, {"id": external_id}, scope=scope)
        path, found = ("node",), answer.data.get("node")
    errors = note_errors({path: found}, answer.errors)
    if not found and errors:
        raise graphql_error({"type": errors[0].kind, "message": errors[0].message})
    if not found:
        raise NotFound(f"GitHub shows no {stream} {external_id}", reason="not_found")
    complete(client, scope, [found], LISTINGS[stream].nested)
    note_missing([found], LISTINGS[stream])
    return found
