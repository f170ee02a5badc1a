"""Changes that people make at GitHub, with what they do to ``updated_at``.

Edits, comments, deletions of comments, closing and new review comments move the date of their issue. An **edit of a
review comment does not** move its pull request, and neither renaming nor deleting an account moves anything.
"""

from samples.community.discussion_changes import DiscussionChanges
from samples.community.issue_changes import IssueChanges
from samples.community.name_changes import NameChanges
from samples.community.state_changes import StateChanges


class Changes(IssueChanges, DiscussionChanges, NameChanges, StateChanges):
    """Mix-in over ``community``. Every method may be called from any thread.

    ``at`` is the moment of a change, such as ``2025-06-01T00:00:00Z``, else a minute after the last one. ``KeyError``
    is raised for what does not exist.
    """
