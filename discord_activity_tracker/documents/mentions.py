"""Discord's markup of mentions becomes names.

https://discord.com/developers/docs/reference#message-formatting
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from discord_activity_tracker.models import Account, Channel, Role

MENTION = re.compile(r"<(@&|@!?|#)([0-9]{1,20})>")
EMOJI = re.compile(r"<a?(:[\w~]{1,64}:)[0-9]{1,20}>")
COMMAND = re.compile(r"<(/[^<>:\n]{1,100}):[0-9]{1,20}>")
TIME = re.compile(r"<t:(-?[0-9]{1,17})(?::[tTdDfFRsS])?>")
LARGEST = 1 << 63


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Names by id, as they are now."""

    people: dict[int, str] = field(default_factory=dict[int, str])
    channels: dict[int, str] = field(default_factory=dict[int, str])
    roles: dict[int, str] = field(default_factory=dict[int, str])

    def resolved(self, text: str) -> str:
        """The text as Discord shows it; what nobody knows is called unknown, as there."""
        if "<" not in text:
            return text
        text = MENTION.sub(self._name, text)
        text = TIME.sub(_time, text)
        return COMMAND.sub(r"\1", EMOJI.sub(r"\1", text))

    def _name(self, found: re.Match[str]) -> str:
        sign, pk = found[1], int(found[2])
        if sign == "#":
            return f"#{self.channels.get(pk, 'unknown')}"
        known = self.roles if sign == "@&" else self.people
        return f"@{known.get(pk, 'unknown-role' if sign == '@&' else 'unknown-user')}"


def names_in(texts: Iterable[str]) -> Names:
    """The names of everything that is mentioned; a statement for each kind of thing that is."""
    wanted: dict[str, set[int]] = {"@": set(), "#": set(), "@&": set()}
    for text in texts:
        for sign, digits in MENTION.findall(text) if "<" in text else ():
            wanted[sign.rstrip("!")].add(int(digits))
    ids = {sign: [pk for pk in found if pk < LARGEST] for sign, found in wanted.items()}
    people = Account.objects.filter(pk__in=ids["@"]) if ids["@"] else ()
    channels = Channel.objects.filter(pk__in=ids["#"]).values_list("pk", "name") if ids["#"] else ()
    roles = Role.objects.filter(pk__in=ids["@&"]).values_list("pk", "name") if ids["@&"] else ()
    return Names(people={person.pk: str(person) for person in people}, channels=dict(channels), roles=dict(roles))


def _time(found: re.Match[str]) -> str:
    try:
        return f"{datetime.fromtimestamp(int(found[1]), UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return found[0]
