"""Admin of pull requests, reviews and timelines."""

from django.contrib import admin

from core.admin import MirrorAdmin
from github_activity_tracker.admin.links import Beginning, NumberedWays, PostWays, SourceLink
from github_activity_tracker.models import PullRequest, Review, Timeline, TimelineEvent


@admin.register(PullRequest)
class PullRequestAdmin(NumberedWays, MirrorAdmin):
    """Admin of the details of pull requests. Titles and texts are in the admin of issues."""

    list_display = (
        "number",
        "repository",
        "draft",
        "merged_at",
        "merged_by",
        "head_ref",
        "base_ref",
        "review_decision",
    )
    list_filter = ("repository", "draft", "review_decision", "merged_at", "deleted_at")
    list_select_related = ("repository", "merged_by")
    search_fields = ("=number", "head_ref", "head_sha")


@admin.register(Review)
class ReviewAdmin(PostWays, Beginning, SourceLink, MirrorAdmin):
    """Admin of reviews."""

    kind = "review"

    list_display = ("created_at", "pull_number", "author", "state", "text_start", "repository", "deleted_at", "source")
    list_filter = ("repository", "state", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("=id", "=pull_number", "author__login")


@admin.register(TimelineEvent)
class TimelineEventAdmin(NumberedWays, MirrorAdmin):
    """Admin of the timeline events of issues and pull requests."""

    list_display = ("created_at", "number", "event", "actor", "repository", "deleted_at")
    list_filter = ("repository", "event", "created_at", "deleted_at")
    list_select_related = ("actor", "repository")
    search_fields = ("=number", "event", "actor__login")


@admin.register(Timeline)
class TimelineAdmin(NumberedWays, MirrorAdmin):
    """Admin of timelines, with the number of entries that each timeline had when it was last read."""

    list_display = ("number", "repository", "entries")
    list_filter = ("repository",)
    list_select_related = ("repository",)
    search_fields = ("=number",)
