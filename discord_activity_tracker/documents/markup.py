"""Replace Discord's markup for mentions, custom emoji, times and commands.

Pages show references with links. Search documents contain plain names.
https://discord.com/developers/docs/reference#message-formatting
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.operations.markdown import Flavour, Markup, Reference
from core.trackers import person_address, scope_address
from discord_activity_tracker.models import Account, Channel, Role

MENTION = re.compile(r"<(@&|@!?|#)([0-9]{1,20})>")
EMOJI = re.compile(r"<a?(:[\w~]{1,64}:)[0-9]{1,20}>")
COMMAND = re.compile(r"<(/[^<>:\n]{1,100}):[0-9]{1,20}>")
TIME = re.compile(r"<t:(-?[0-9]{1,17})(?::[tTdDfFRsS])?>")
LARGEST = 1 << 63
"""The first id that does not fit into a bigint column. Larger ids are not looked up in the database."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Current names of people, channels and roles by id."""

    people: dict[int, str] = field(default_factory=dict[int, str])
    channels: dict[int, str] = field(default_factory=dict[int, str])
    roles: dict[int, str] = field(default_factory=dict[int, str])

    def resolved(self, text: str) -> str:
        """Return the text with names in place of mentions. Emoji, times and commands also become plain text.

        A mention with an unknown id becomes a text such as ``@unknown-user``, as in Discord.
        """
        if "<" not in text:
            return text
        text = MENTION.sub(self._name, text)
        text = TIME.sub(_plain_time, text)
        return COMMAND.sub(r"\1", EMOJI.sub(r"\1", text))

    def _name(self, match: re.Match[str]) -> str:
        prefix, pk = match[1], int(match[2])
        if prefix == "#":
            return f"#{self.channels.get(pk, 'unknown')}"
        known = self.roles if prefix == "@&" else self.people
        return f"@{known.get(pk, 'unknown-role' if prefix == '@&' else 'unknown-user')}"


def names_in(texts: Iterable[str]) -> Names:
    """Return the names of everything that the texts mention, in one SQL statement for each kind of mention."""
    wanted: dict[str, set[int]] = {"@": set(), "#": set(), "@&": set()}
    for text in texts:
        for prefix, digits in MENTION.findall(text) if "<" in text else ():
            wanted[prefix.rstrip("!")].add(int(digits))
    ids = {prefix: [pk for pk in mentioned if pk < LARGEST] for prefix, mentioned in wanted.items()}
    people = Account.objects.filter(pk__in=ids["@"]) if ids["@"] else ()
    channels = Channel.objects.filter(pk__in=ids["#"]).values_list("pk", "name") if ids["#"] else ()
    roles = Role.objects.filter(pk__in=ids["@&"]).values_list("pk", "name") if ids["@&"] else ()
    return Names(people={person.pk: str(person) for person in people}, channels=dict(channels), roles=dict(roles))


def _plain_time(match: re.Match[str]) -> str:
    try:
        return f"{datetime.fromtimestamp(int(match[1]), UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return match[0]


REFERENCE = re.compile(
    r"<(?P<prefix>@&|@!?|#)(?P<id>[0-9]{1,20})>"
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
class References:
    """Names of mentioned people and roles, and names and scopes of mentioned channels, by id."""

    people: dict[int, str] = field(default_factory=dict[int, str])
    channels: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    roles: dict[int, str] = field(default_factory=dict[int, str])

    def reference(self, match: re.Match[str]) -> Reference | None:
        """Return the text and the link that replace the matched markup, or ``None`` for an invalid time.

        A mention with an unknown id becomes a text such as ``@unknown-user``, as in Discord.
        """
        if match["prefix"]:
            return self._mention(match["prefix"], int(match["id"]))
        if match["seconds"]:
            return _time(int(match["seconds"]), match["style"] or "f")
        if match["guide"]:
            return Reference(text=GUIDES[match["guide"]])
        return Reference(text=match["emoji"] or match["command"] or match["all"])

    def _mention(self, prefix: str, pk: int) -> Reference:
        if prefix == "@&":
            return Reference(text=f"@{self.roles.get(pk, 'unknown-role')}")
        if prefix == "#":
            name, scope = self.channels.get(pk, ("unknown", ""))
            return Reference(text=f"#{name}", href=scope_address("discord", scope) if scope else "")
        known = self.people.get(pk)
        return Reference(text=f"@{known or 'unknown-user'}", href=person_address("discord", pk) if known else "")


def markup(texts: Sequence[str]) -> Markup:
    """Return Discord's Markdown with names for every mention in these texts, in at most three SQL statements."""
    wanted: dict[str, set[int]] = {"@": set(), "#": set(), "@&": set()}
    for text in texts:
        for match in REFERENCE.finditer(text) if "<" in text else ():
            if match["prefix"] and int(match["id"]) < LARGEST:
                wanted[match["prefix"].rstrip("!")].add(int(match["id"]))
    people = Account.objects.filter(pk__in=wanted["@"]) if wanted["@"] else ()
    channels = Channel.objects.filter(pk__in=wanted["#"]) if wanted["#"] else ()
    roles = Role.objects.filter(pk__in=wanted["@&"]).values_list("pk", "name") if wanted["@&"] else ()
    references = References(
        people={person.pk: str(person) for person in people},
        channels={channel.pk: (str(channel), scope_of(channel)) for channel in channels},
        roles=dict(roles),
    )
    return Markup(flavour=Flavour.CHAT, pattern=REFERENCE, find=references.reference)


def scope_of(channel: Channel) -> str:
    """Return the external id of a channel's scope. A thread has the scope of its channel."""
    return f"{channel.guild_id}/{channel.parent_id if channel.is_thread and channel.parent_id else channel.pk}"


def _time(seconds: int, style: str) -> Reference | None:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
        zone = "" if style in {"d", "D"} else " UTC"
        return Reference(text=f"{moment.strftime(STYLES[style])}{zone}", title=f"{moment:%Y-%m-%d %H:%M:%S} UTC")
    except (ValueError, OverflowError, OSError):
        return None
