"""Changes that people make on GitHub, and their effect on ``updated_at``.

Editing or closing an issue, adding, editing or deleting a comment, and adding a review comment update the issue.
Editing a review comment does **not** update the pull request. Renaming or deleting an account updates nothing.
"""

from samples.community.discussion_changes import DiscussionChanges
from samples.community.issue_changes import IssueChanges
from samples.community.name_changes import NameChanges
from samples.community.state_changes import StateChanges


class Changes(IssueChanges, DiscussionChanges, NameChanges, StateChanges):
    """Mix-in with methods that change ``community``. Every method can be called from any thread.

    ``at`` is the time of a change, such as ``2025-06-01T00:00:00Z``. The default is one minute after the last change.
    The methods raise KeyError for an object that does not exist.
    """
