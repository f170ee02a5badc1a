"""The tracker's own classes that fulfil the protocols of ``core.protocols``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

SHORTFALL = "shortfall"
"""Key under which ``fetch`` notes on a GraphQL item what could not be read of it: ``reason``, ``detail``, ``lists``.

``lists`` has the total (-1: not shown) and the number of arrived members by nested list.
"""
CONTINUED = "continued"
"""Key of a GraphQL item, or of a comment with replies, of which only the rest of its nested lists is present."""
HIDDEN = "(hidden)"
"""Login of an actor that GitHub does not show because of an error. No account has it: logins contain no brackets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubActivity:
    """An ``ActivityRecord``: one thing that happened on GitHub, with what the timeline wants to know besides."""

    external_id: str
    occurred_at: str
    activity_type: str
    actor_external_id: str
    source_url: str
    summary: str
    actor_name: str
    thread: str
    """The external id of the issue, pull request or commit that it belongs to."""
    edited_at: datetime | None = None
    source_system: str = "github"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubState:
    """An ``IncrementalState``: how far a stream has been read. Opaque to all but ``fetch``."""

    checkpoint_token: str = ""
    human_readable_marker: str = ""
    extras: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitPlan:
    """Which commits are being read: those ``refs`` lead to and ``known`` hashes do not; ``done`` of them are kept."""

    refs: Mapping[str, str]
    known: frozenset[str]
    done: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadChange:
    """A branch or tag that moved, came or went; ``fallen`` are the commits that nothing leads to any more."""

    name: str
    old_sha: str
    new_sha: str
    forced: bool = False
    fallen: tuple[str, ...] = ()
