"""Releases, labels and milestones: short lists, read whole, and not at all while their ETags hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker.fetch.lists import as_items
from github_activity_tracker.protocol_impl import GitHubState

PATHS: Mapping[str, tuple[str, dict[str, str]]] = {
    "labels": ("labels", {}),
    "milestones": ("milestones", {"state": "all"}),
    "releases": ("releases", {}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeList:
    """All items of a list, or ``None`` when it is as it was; and the state that says so."""

    items: list[Any] | None
    state: GitHubState


def whole_list(client: GitHubClient, stream: str, full_name: str, start: IncrementalState) -> WholeList:
    """A whole list; pages whose ETag still holds cost nothing of the quota."""
    path, more = PATHS[stream]
    known = cast("list[list[str]]", start.extras.get("etags") or [])
    if known and all(client.get(url, scope=full_name, etag=etag).unchanged for url, etag in known):
        return WholeList(items=None, state=GitHubState(extras=start.extras))
    items: list[Any] = []
    etags: list[list[str]] = []
    for answer in client.pages(f"/repos/{full_name}/{path}", {"per_page": "100", **more}, scope=full_name):
        items += as_items(answer.data)
        etags.append([answer.url, answer.etag])
    kept = etags if all(etag for _, etag in etags) else []
    return WholeList(
        items=items, state=GitHubState(extras={"etags": kept}, human_readable_marker=f"{len(items)} items")
    )
