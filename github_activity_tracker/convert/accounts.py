"""Accounts, as REST and GraphQL show them."""

import re
from collections.abc import Iterator
from typing import Any

from github_activity_tracker.convert.page import Row, clean, clip
from github_activity_tracker.payloads import AccountPayload

GHOST = "ghost"
"""The account under whose name GitHub shows what deleted accounts wrote: https://github.com/ghost."""
GHOST_ID = 10137


def living(payload: AccountPayload | None) -> AccountPayload | None:
    """The account, or nothing for one that no longer exists; REST shows the ghost or null for it."""
    if not payload or (payload.get("id") == GHOST_ID and payload.get("login") == GHOST):
        return None
    return payload


def account_row(payload: AccountPayload) -> Row:
    """An account over REST; its id is its identity, everything else may change."""
    return {
        "id": int(payload["id"]),
        "login": clip(payload["login"], 200),
        "kind": clip(payload.get("type") or "User", 32),
        "node_id": clip(payload.get("node_id"), 100),
        "avatar_url": clip(payload.get("avatar_url"), 500),
        "html_url": clean(payload.get("html_url")),
        "deleted_at": None,
    }


AVATAR = re.compile(r"/u/(\d{1,18})(?:[/?]|$)")
"""Where the address of an account's picture names its numeric id, at github.com and at GitHub Enterprise Server."""


def actor_id(actor: dict[str, Any] | None) -> int | None:
    """Return the numeric id of a GraphQL actor, or None for a deleted account.

    Organisations have no ``databaseId`` here: selecting it needs the scope ``read:org``. Their number is read from
    ``avatarUrl``.
    """
    if not actor or actor.get("login") == GHOST:
        return None
    if number := actor.get("databaseId"):
        return int(number)
    found = AVATAR.search(str(actor.get("avatarUrl") or ""))
    return int(found[1]) if found else None


def actor_login(actor: dict[str, Any] | None) -> str:
    """Its login as REST writes it: GraphQL leaves out the suffix of bots."""
    if not actor:
        return GHOST
    login = clip(str(actor.get("login") or GHOST), 200)
    return f"{login}[bot]" if actor.get("__typename") == "Bot" and not login.endswith("[bot]") else login


def actor_rows(*actors: dict[str, Any] | None) -> Iterator[Row]:
    """Rows of GraphQL actors. Their node ids may be of another generation than REST's: the store keeps the first."""
    for actor in actors:
        number = actor_id(actor)
        if actor is None or number is None:
            continue
        login = actor_login(actor)
        yield {
            "id": number,
            "login": login,
            "kind": clip(str(actor.get("__typename") or "User"), 32),
            "node_id": clip(str(actor.get("id") or ""), 100),
            "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
            "html_url": f"https://github.com/{login.removesuffix('[bot]')}",
            "deleted_at": None,
        }


def remember(accounts: dict[int, Row], *actors: dict[str, Any] | None) -> None:
    """Add the rows of GraphQL actors to those of a page."""
    for row in actor_rows(*actors):
        accounts[row["id"]] = row
