"""Compare payloads of messages without noise: values that Discord changes without an edit."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

MEDIA = frozenset({"attachments", "thumbnail", "image", "images", "video", "media", "file"})
"""Fields that contain a picture or a file."""
NOISE_OF_MEDIA = frozenset(
    {
        "placeholder", "placeholder_version", "content_scan_version", "scan_metadata", "proxy_url", "width", "height",
        "flags", "content_type", "original_content_type", "loading_state", "attachment_id", "srcset",
    }
)  # fmt: skip
NOISE_OF_EMBEDS = frozenset({"provider", "flags", "content_scan_version", "reference_id"})
NOISE = frozenset({"proxy_url", "proxy_icon_url", "member", "me", "me_voted", "me_burst"})
"""Fields to ignore at every level of a comparison.

``member`` contains a person's current nickname, roles and picture in the server.
"""
NAMED_ONLY = frozenset({"application", "stickers", "sticker_items"})
"""Objects of which only ``id`` and ``name`` are compared. Their owners can change the other fields."""


def differs_in_noise_only(old: object, new: object, field: str = "") -> bool:
    """Return whether two payloads, or the same field of two payloads, are equal except for noise."""
    return without_noise(old, field) == without_noise(new, field)


def without_noise(value: object, field: str = "") -> object:
    """Return a JSON value in the form in which payloads are compared.

    Empty values are removed, and so are fields that Discord changes without an edit. ``field`` is the name of the field
    that contains the value. It is empty for a whole payload.
    """
    if isinstance(value, list):
        return [without_noise(member, field) for member in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    payload = cast("Mapping[str, Any]", value)
    if "username" in payload and "id" in payload:
        return {"id": payload["id"]}
    if field in NAMED_ONLY:
        return {key: payload[key] for key in ("id", "name") if payload.get(key)}
    dropped = NOISE_OF_MEDIA if field in MEDIA else NOISE_OF_EMBEDS if field == "embeds" else NOISE
    result: dict[str, object] = {}
    for key, member in payload.items():
        if key in dropped or key in NOISE or not member:
            continue
        if isinstance(member, str):
            result[key] = _path(member) if key == "icon_url" or (key == "url" and field in MEDIA) else member
        else:
            result[key] = without_noise(member, key)
    return result


def _path(url: str) -> str:
    """Return the path of a picture's URL, or the whole URL if it has no path. The host and the signature vary."""
    try:
        return urlsplit(url).path or url
    except ValueError:
        return url
