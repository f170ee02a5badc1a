"""Admin of discussions and their comments."""

from django.contrib import admin

from core.admin import MirrorAdmin
from core.admin.lists import title
from github_activity_tracker.admin.links import Beginning, NumberedWays, PostWays, SourceLink
from github_activity_tracker.models import Discussion, DiscussionComment


@admin.register(Discussion)
class DiscussionAdmin(NumberedWays, SourceLink, MirrorAdmin):
    """Admin of discussions."""

    list_display = ("number", title, "category", "author", "repository", "created_at", "deleted_at", "source")
    list_filter = ("repository", "category", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("title", "=number", "author__login")


@admin.register(DiscussionComment)
class DiscussionCommentAdmin(PostWays, Beginning, SourceLink, MirrorAdmin):
    """Admin of comments in discussions and replies to these comments."""

    kind = "discussion_comment"

    list_display = ("created_at", "discussion_number", "author", "text_start", "is_answer", "repository", "source")
    list_filter = ("repository", "is_answer", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("=id", "=discussion_number", "author__login")
