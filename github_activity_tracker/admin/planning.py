"""Admin of releases, labels and milestones."""

from django.contrib import admin

from core.admin import MirrorAdmin
from github_activity_tracker.admin.links import PostWays, SourceLink
from github_activity_tracker.models import Label, Milestone, Release


@admin.register(Release)
class ReleaseAdmin(PostWays, SourceLink, MirrorAdmin):
    """Admin of releases."""

    kind = "release"

    list_display = ("tag_name", "name", "author", "published_at", "prerelease", "repository", "deleted_at", "source")
    list_filter = ("repository", "prerelease", "published_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("tag_name", "name", "author__login")


@admin.register(Label)
class LabelAdmin(MirrorAdmin):
    """Admin of labels."""

    list_display = ("name", "description", "repository", "deleted_at")
    list_filter = ("repository", "deleted_at")
    list_select_related = ("repository",)
    search_fields = ("name", "description")


@admin.register(Milestone)
class MilestoneAdmin(SourceLink, MirrorAdmin):
    """Admin of milestones."""

    list_display = ("title", "state", "open_issues", "closed_issues", "due_on", "repository", "deleted_at", "source")
    list_filter = ("repository", "state", "deleted_at")
    list_select_related = ("repository",)
    search_fields = ("title", "description")
