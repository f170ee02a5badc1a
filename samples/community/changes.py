"""Changes that people make on GitHub, and their effect on ``updated_at``.

Editing or closing an issue, adding, editing or deleting a comment, and adding a review comment change ``updated_at`` of
the issue or pull request. Editing or deleting a review comment does **not**, nor does renaming or deleting an account.
"""

from samples.community.discussion_changes import DiscussionChanges
from samples.community.issue_changes import IssueChanges
from samples.community.name_changes import NameChanges
from samples.community.state_changes import StateChanges


class Changes(IssueChanges, DiscussionChanges, NameChanges, StateChanges):
    """Mix-in with methods that change ``community``. Every method can be called from any thread.

    ``at`` is the time of a change, such as ``2025-06-01T00:00:00Z``. The default is one minute after the last change.
    Except for ``hide``, the methods raise KeyError if the object to change does not exist.
    """
