"""The sample community: accounts, repositories, issues, pull requests, discussions and comments, in memory."""

from samples.community.changes import Changes
from samples.community.comment_changes import UNCHANGED
from samples.community.model import Account, Comment, Issue, Label, Milestone, Pull, Repository, ReviewComment
from samples.community.state import DEFAULT_USER, SampleCommunity

__all__ = [
    "DEFAULT_USER",
    "UNCHANGED",
    "Account",
    "Changes",
    "Comment",
    "Issue",
    "Label",
    "Milestone",
    "Pull",
    "Repository",
    "ReviewComment",
    "SampleCommunity",
]
