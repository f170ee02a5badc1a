"""Discord's Markdown, with its mentions, custom emoji, times and commands.

https://discord.com/developers/docs/reference#message-formatting
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.operations.markdown import Flavour, Markup, Reference
from core.trackers import person_address, scope_address
from discord_activity_tracker.documents.mentions import LARGEST
from discord_activity_tracker.models import Account, Channel, Role

REFERENCE = re.compile(
    r"<(?P<sign>@&|@!?|#)(?P<id>[0-9]{1,20})>"
    r"|<a?(?P<emoji>:[\w~]{1,64}:)[0-9]{1,20}>"
    r"|<(?P<command>/[^<>:\n]{1,100}):[0-9]{1,20}>"
    r"|<t:(?P<seconds>-?[0-9]{1,17})(?::(?P<style>[tTdDfFRsS]))?>"
    r"|<id:(?P<guide>customize|browse|guide|linked-roles)(?::[0-9]{1,20})?>"
    r"|(?<![\w@])(?P<all>@everyone|@here)\b"
)
STYLES = {
    "t": "%H:%M", "T": "%H:%M:%S", "d": "%Y-%m-%d", "D": "%d %B %Y", "f": "%d %B %Y %H:%M", "F": "%A, %d %B %Y %H:%M",
    "R": "%d %B %Y %H:%M", "s": "%Y-%m-%d %H:%M", "S": "%Y-%m-%d %H:%M:%S",
}  # fmt: skip
GUIDES = {
    "customize": "Channels & Roles",
    "browse": "Browse Channels",
    "guide": "Server Guide",
    "linked-roles": "Linked Roles",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What is mentioned, by id: people's names, channels with their scope, roles' names."""

    people: dict[int, str] = field(default_factory=dict[int, str])
    channels: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    roles: dict[int, str] = field(default_factory=dict[int, str])

    def reference(self, match: re.Match[str]) -> Reference | None:
        """Return what Discord shows in its place; what is not known is called unknown, as there."""
        if match["sign"]:
            return self._mention(match["sign"], int(match["id"]))
        if match["seconds"]:
            return _time(int(match["seconds"]), match["style"] or "f")
        if match["guide"]:
            return Reference(text=GUIDES[match["guide"]])
        return Reference(text=match["emoji"] or match["command"] or match["all"])

    def _mention(self, sign: str, pk: int) -> Reference:
        if sign == "@&":
            return Reference(text=f"@{self.roles.get(pk, 'unknown-role')}")
        if sign == "#":
            name, scope = self.channels.get(pk, ("unknown", ""))
            return Reference(text=f"#{name}", href=scope_address("discord", scope) if scope else "")
        known = self.people.get(pk)
        return Reference(text=f"@{known or 'unknown-user'}", href=person_address("discord", pk) if known else "")


def markup(texts: Sequence[str]) -> Markup:
    """Return Discord's Markdown for these texts, with names for every mention; at most three statements."""
    wanted: dict[str, set[int]] = {"@": set(), "#": set(), "@&": set()}
    for text in texts:
        for match in REFERENCE.finditer(text) if "<" in text else ():
            if match["sign"] and int(match["id"]) < LARGEST:
                wanted[match["sign"].rstrip("!")].add(int(match["id"]))
    people = Account.objects.filter(pk__in=wanted["@"]) if wanted["@"] else ()
    channels = Channel.objects.filter(pk__in=wanted["#"]) if wanted["#"] else ()
    roles = Role.objects.filter(pk__in=wanted["@&"]).values_list("pk", "name") if wanted["@&"] else ()
    found = Found(
        people={person.pk: str(person) for person in people},
        channels={channel.pk: (str(channel), scope_of(channel)) for channel in channels},
        roles=dict(roles),
    )
    return Markup(flavour=Flavour.CHAT, pattern=REFERENCE, find=found.reference)


def scope_of(channel: Channel) -> str:
    """Return the external id of a channel's scope; a thread has that of the channel that it stands in."""
    return f"{channel.guild_id}/{channel.parent_id if channel.is_thread and channel.parent_id else channel.pk}"


def _time(seconds: int, style: str) -> Reference | None:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
        zone = "" if style in {"d", "D"} else " UTC"
        return Reference(text=f"{moment.strftime(STYLES[style])}{zone}", title=f"{moment:%Y-%m-%d %H:%M:%S} UTC")
    except (ValueError, OverflowError, OSError):
        return None
