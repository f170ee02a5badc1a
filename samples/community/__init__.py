"""The sample community: accounts, repositories, issues, pull requests and their comments, in memory."""

from samples.community.changes import UNCHANGED, SampleCommunity
from samples.community.model import Account, Comment, Issue, Label, Milestone, Pull, Repository, ReviewComment

__all__ = [
    "UNCHANGED",
    "Account",
    "Comment",
    "Issue",
    "Label",
    "Milestone",
    "Pull",
    "Repository",
    "ReviewComment",
    "SampleCommunity",
]
