"""Admin of people, bots and webhooks."""

from typing import Any

from django.contrib import admin

from core.admin import MirrorAdmin
from core.admin.links import RowLink, RowLinks
from core.trackers import person_address
from discord_activity_tracker.admin.formatting import html_list, list_link
from discord_activity_tracker.models import Account, FormerName, Message


@admin.register(Account)
class AccountAdmin(RowLinks, MirrorAdmin):
    """Admin of the accounts of people, bots and webhooks."""

    list_display = ("username", "global_name", "kind", "id", "messages_link")
    list_filter = ("kind",)
    search_fields = ("username", "global_name", "=id")
    fields = ("id", "username", "global_name", "kind", "avatar", "messages_link", "former_names")
    readonly_fields = ("messages_link", "former_names")

    def row_links(self, row: Account) -> list[RowLink]:
        """Return links to the timeline and to Discord. A webhook has no page on Discord."""
        activity = RowLink(text="View activity", address=person_address("discord", row.pk))
        profile = RowLink(text="View on Discord", address=f"https://discord.com/users/{row.pk}", out=True)
        return [activity] if row.kind == Account.Kind.WEBHOOK else [activity, profile]

    @admin.display(description="messages")
    def messages_link(self, account: Account) -> Any:
        """Link to all messages of the account."""
        return list_link(Message, "all messages", author__id__exact=account.pk)

    @admin.display(description="former names")
    def former_names(self, account: Account) -> Any:
        """List the former names of the account."""
        former = FormerName.objects.filter(account=account)[:100]
        return html_list(((str(one), f"{one.noticed_at:%Y-%m-%d}") for one in former), "<bdi>{}</bdi> until {}")


@admin.register(FormerName)
class FormerNameAdmin(MirrorAdmin):
    """Admin of former names of accounts."""

    list_display = ("username", "global_name", "account", "noticed_at")
    list_select_related = ("account",)
    search_fields = ("username", "global_name", "=account__id")
    raw_id_fields = ("account",)
