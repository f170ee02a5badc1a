"""People, bots and webhooks."""

from typing import Any

from django.contrib import admin

from core.admin import MirrorAdmin
from discord_activity_tracker.admin import shown
from discord_activity_tracker.models import Account, FormerName, Message


@admin.register(Account)
class AccountAdmin(MirrorAdmin):
    """Who wrote or was mentioned."""

    list_display = ("username", "global_name", "kind", "id", "talk")
    list_filter = ("kind",)
    search_fields = ("username", "global_name", "=id")
    fields = ("id", "username", "global_name", "kind", "avatar", "talk", "names")
    readonly_fields = ("talk", "names")

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
