"""Parts of a message that Discord changes by itself, without an edit.

Discord scans pictures again, moves them between proxies, signs addresses anew and renews link previews. None of this
changes what a message says. https://discord.com/developers/docs/resources/message#attachment-object
"""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

MEDIA = frozenset({"attachments", "thumbnail", "image", "images", "video", "media", "file"})
"""Fields that hold a picture or a file."""
NOISE_OF_MEDIA = frozenset(
    {
        "placeholder", "placeholder_version", "content_scan_version", "scan_metadata", "proxy_url", "width", "height",
        "flags", "content_type", "original_content_type", "loading_state", "attachment_id", "srcset",
    }
)  # fmt: skip
NOISE_OF_EMBEDS = frozenset({"provider", "flags", "content_scan_version", "reference_id"})
NOISE = frozenset({"proxy_url", "proxy_icon_url", "member", "me", "me_voted", "me_burst"})
"""Left out wherever it stands. ``member``: nickname, roles and picture of a person in the server at present."""
NAMED_ONLY = frozenset({"application", "stickers", "sticker_items"})
"""Descriptions of applications and stickers, which their owners change; only id and name belong to the message."""
SIGNATURE = frozenset({"ex", "is", "hm"})


def unsigned(url: str) -> str:
    """Return an address without Discord's expiring signature (``ex``, ``is``, ``hm``); other parameters stay."""
    head, mark, query = url.partition("?")
    if not mark or "hm=" not in query or "ex=" not in query:
        return url
    rest = [part for part in query.split("&") if part and part.partition("=")[0] not in SIGNATURE]
    return f"{head}?{'&'.join(rest)}" if rest else head


def differs_in_noise_only(old: object, new: object, field: str = "") -> bool:
    """Whether two payloads, or the same field of two payloads, say the same."""
    return without_noise(old, field) == without_noise(new, field)


def without_noise(value: object, field: str = "") -> object:
    """Return a JSON value without what changes by itself and without empty values; ``field`` is the one it stands in.

    ``field`` is empty for a whole payload.
    """
    if isinstance(value, list):
        return [without_noise(member, field) for member in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    given = cast("Mapping[str, Any]", value)
    if "username" in given and "id" in given:
        return {"id": given["id"]}
    if field in NAMED_ONLY:
        return {key: given[key] for key in ("id", "name") if given.get(key)}
    dropped = NOISE_OF_MEDIA if field in MEDIA else NOISE_OF_EMBEDS if field == "embeds" else NOISE
    kept: dict[str, object] = {}
    for key, member in given.items():
        if key in dropped or key in NOISE or not member:
            continue
        if isinstance(member, str):
            kept[key] = _path(member) if key == "icon_url" or (key == "url" and field in MEDIA) else member
        else:
            kept[key] = without_noise(member, key)
    return kept


def _path(url: str) -> str:
    """The path of a picture's address: hosts and signatures alternate."""
    try:
        return urlsplit(url).path or url
    except ValueError:
        return url
