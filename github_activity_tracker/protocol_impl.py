"""The tracker's classes that implement the protocols of ``core.protocols``."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.ingest.records import SourceActivity, StreamState

SHORTFALL = "shortfall"
"""Key under which ``fetch`` notes the missing parts of a GraphQL item: ``reason``, ``detail``, ``lists``.

``lists`` has the total (-1: not shown) and the number of arrived members by nested list.
"""
CONTINUED = "continued"
"""Key of a GraphQL item, or of a comment with replies, that holds only the rest of its nested lists."""
HIDDEN = "(hidden)"
"""Login of an actor that GitHub does not show because of an error. No account has it: logins contain no brackets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubActivity(SourceActivity):
    """An ``ActivityRecord``: one activity on GitHub. ``thread`` is its issue, pull request, commit or discussion."""

    source_system: str = "github"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubState(StreamState):
    """An ``IncrementalState``: how far a stream has been read. Only ``fetch`` interprets it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitPlan:
    """The commits to read: those that ``refs`` lead to and ``known`` hashes do not; ``done`` of them are stored."""

    refs: Mapping[str, str]
    known: frozenset[str]
    done: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadChange:
    """A branch or tag that was created, moved or deleted; ``fallen`` are the commits that became unreachable."""

    name: str
    old_sha: str
    new_sha: str
    forced: bool = False
    fallen: tuple[str, ...] = ()
