"""Rows become search documents: conversations, with a passage for each message.

What a document shows is taken from its own messages alone, so that a changed message re-renders one conversation and
what was deleted is nowhere quoted. Names (of people, channels and roles that are mentioned) are those of the time of
rendering.
"""

from discord_activity_tracker.documents.bodies import bodies
from discord_activity_tracker.documents.details import details
from discord_activity_tracker.documents.earlier import revisions
from discord_activity_tracker.documents.heads import heads
from discord_activity_tracker.documents.lines import lines
from discord_activity_tracker.documents.markup import markup
from discord_activity_tracker.documents.source import DiscordDocuments

__all__ = ["DiscordDocuments", "bodies", "details", "heads", "lines", "markup", "revisions"]
