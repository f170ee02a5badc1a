"""Classes and keys that the tracker's packages share. Two of the classes implement protocols of ``core.protocols``."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.ingest.records import SourceActivity, StreamState

SHORTFALL = "shortfall"
"""Key that ``fetch`` adds to a GraphQL item with missing parts.

The value contains ``reason``, ``detail`` and ``lists``. ``lists`` maps the name of each incomplete nested list to two
numbers: its total, and the number of entries that arrived. The total is -1 if GitHub did not return it.
"""
CONTINUED = "continued"
"""Key that marks a GraphQL item or comment as a continuation. It contains only its identity and unread nested lists."""
HIDDEN = "(hidden)"
"""Login of an actor that is null because of an error. Logins contain no parentheses, so no account has this login."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubActivity(SourceActivity):
    """One activity on GitHub. The class implements ``ActivityRecord``.

    ``thread`` is the issue, pull request, commit, discussion or release of the activity.
    """

    source_system: str = "github"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubState(StreamState):
    """The saved state of a stream, usually the position up to which it was read. Implements ``IncrementalState``.

    Only ``fetch`` interprets the contents.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitPlan:
    """The commits to read: all commits reachable from ``refs`` that are not reachable from the ``known`` hashes.

    ``refs`` maps full names of branches and tags to hashes. ``done`` is the number of the commits to read that are
    already stored.
    """

    refs: Mapping[str, str]
    known: frozenset[str]
    done: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadChange:
    """A branch or tag that was created, moved or deleted.

    ``fallen`` contains the hashes of the commits that became unreachable.
    """

    name: str
    old_sha: str
    new_sha: str
    forced: bool = False
    fallen: tuple[str, ...] = ()
