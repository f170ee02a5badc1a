"""People, bots and webhooks."""

from typing import Any

from django.contrib import admin

from core.admin import MirrorAdmin
from core.admin.ways import Way, Ways
from core.trackers import person_address
from discord_activity_tracker.admin import shown
from discord_activity_tracker.models import Account, FormerName, Message


@admin.register(Account)
class AccountAdmin(Ways, MirrorAdmin):
    """Who wrote or was mentioned."""

    list_display = ("username", "global_name", "kind", "id", "talk")
    list_filter = ("kind",)
    search_fields = ("username", "global_name", "=id")
    fields = ("id", "username", "global_name", "kind", "avatar", "talk", "names")
    readonly_fields = ("talk", "names")

    def ways(self, row: Account) -> list[Way]:
        """Timeline and Discord; a webhook has no page there."""
        activity = Way(words="View activity", address=person_address("discord", row.pk))
        profile = Way(words="View on Discord", address=f"https://discord.com/users/{row.pk}", out=True)
        return [activity] if row.kind == Account.Kind.WEBHOOK else [activity, profile]

    @admin.display(description="messages")
    def talk(self, account: Account) -> Any:
        """All that they wrote."""
        return shown.list_of(Message, "all messages", author__id__exact=account.pk)

    @admin.display(description="former names")
    def names(self, account: Account) -> Any:
        """Names that they had."""
        found = FormerName.objects.filter(account=account)[:100]
        return shown.items(((str(one), f"{one.noticed_at:%Y-%m-%d}") for one in found), "<bdi>{}</bdi> until {}")


@admin.register(FormerName)
class FormerNameAdmin(MirrorAdmin):
    """Names that accounts had."""

    list_display = ("username", "global_name", "account", "noticed_at")
    list_select_related = ("account",)
    search_fields = ("username", "global_name", "=account__id")
    raw_id_fields = ("account",)
