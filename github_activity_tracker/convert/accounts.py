"""Conversion of accounts from REST and GraphQL payloads, and detection of renamed accounts."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.ingest.values import Row, clean, clip
from github_activity_tracker.payloads import AccountPayload

GHOST = "ghost"
"""Login that GitHub shows for contributions of deleted accounts: https://github.com/ghost."""
GHOST_ID = 10137


def living(payload: AccountPayload | None) -> AccountPayload | None:
    """Return the account, or None if it no longer exists. REST returns null or the account ``ghost`` in its place."""
    if not payload or (payload.get("id") == GHOST_ID and payload.get("login") == GHOST):
        return None
    return payload


def account_row(payload: AccountPayload) -> Row:
    """Return the row of a REST account. The id identifies the account, and all other columns may change."""
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
"""Matches the numeric id of an account in the URL of its avatar, on github.com and on GitHub Enterprise Server."""


def actor_id(actor: dict[str, Any] | None) -> int | None:
    """Return the numeric id of a GraphQL actor, or None if the account is deleted or has no known id.

    The queries do not select ``databaseId`` of organisations, because this field needs a token with the OAuth scope
    ``read:org``. The id of an organisation is read from ``avatarUrl``.
    """
    if not actor or actor.get("login") == GHOST:
        return None
    if number := actor.get("databaseId"):
        return int(number)
    found = AVATAR.search(str(actor.get("avatarUrl") or ""))
    return int(found[1]) if found else None


def actor_login(actor: dict[str, Any] | None) -> str:
    """Return the login of a GraphQL actor as REST returns it, or ``ghost`` for a deleted account.

    REST adds the suffix ``[bot]`` to the logins of bots.
    """
    if not actor:
        return GHOST
    login = clip(str(actor.get("login") or GHOST), 200)
    return f"{login}[bot]" if actor.get("__typename") == "Bot" and not login.endswith("[bot]") else login


def actor_rows(*actors: dict[str, Any] | None) -> Iterator[Row]:
    """Yield the rows of GraphQL actors. Actors without a numeric id are omitted.

    GraphQL's node ids may have another format than REST's. The store does not replace a stored node id with them.
    """
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
            "html_url": f"https://github.com/{quote(login.removesuffix('[bot]'), safe='')}",
            "deleted_at": None,
        }


def remember(accounts: dict[int, Row], *actors: dict[str, Any] | None) -> None:
    """Add the rows of GraphQL actors to the accounts of a page."""
    for row in actor_rows(*actors):
        accounts[row["id"]] = row


@dataclass(frozen=True, kw_only=True, slots=True)
class Logins:
    """The logins of an account. The admin pages display ``login``.

    ``by_source`` contains the last login in each of GitHub's lists. ``former`` contains earlier displayed logins.
    """

    login: str
    by_source: Mapping[str, str]
    former: Collection[str] = ()
    replaced: str = ""
    """The login before the last observed rename. Empty if the last observation was not a rename."""


def observe_login(known: Logins | None, *, kind: str, source: str, login: str) -> Logins:
    """Return the updated logins of an account that the list ``source`` contains with the login ``login``.

    A login that differs from the previous login in the same list is a rename. A login that another list already
    contains is not a rename, because GitHub's own apps have one login in REST's comments and another login everywhere
    else.

    A person has the same login in all lists. Therefore a new login is a rename, no matter which list contains it first.
    For other kinds of accounts, a former login is never a rename, because lists mix old and new logins.
    """
    if known is None:
        return Logins(login=login, by_source={source: login})
    before = known.by_source.get(source)
    by_source = {**known.by_source, source: login}
    others = {name for of, name in known.by_source.items() if of != source}
    if login in {known.login, before} or (before is None and login in others):
        return Logins(login=known.login, by_source=by_source, former=known.former)
    if kind == "User":
        return Logins(login=login, by_source=by_source, former=known.former, replaced=known.login)
    is_shown_by_a_list = known.login in known.by_source.values()
    if is_shown_by_a_list and (before is None or login in others or login in known.former):
        return Logins(login=known.login, by_source=by_source, former=known.former)
    replaced = before if before and is_shown_by_a_list else known.login
    shown = login if replaced == known.login else known.login
    return Logins(login=shown, by_source=by_source, former=known.former, replaced=replaced)
