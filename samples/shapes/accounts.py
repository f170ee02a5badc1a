"""Create the JSON of accounts, and the URLs and node ids of objects."""

import base64
from dataclasses import dataclass
from typing import Any

from samples.community import Account, Repository, SampleCommunity

WEB = "https://github.com"
Json = dict[str, Any]
USER_PATHS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The community, and the base URL of its API. API URLs start with this URL, and web pages are on github.com."""

    community: SampleCommunity
    api: str

    def repo(self, repo: Repository) -> str:
        return f"{self.api}/repos/{self.community.full_name(repo)}"

    def page(self, repo: Repository, number: int) -> str:
        """Return the URL of the web page of an issue or pull request."""
        is_pull = number in repo.issues and repo.issues[number].pull is not None
        return f"{WEB}/{self.community.full_name(repo)}/{'pull' if is_pull else 'issues'}/{number}"


def node_id(prefix: str, *numbers: int) -> str:
    """Return an opaque node id in GitHub's format."""
    packed = b"".join(number.to_bytes(8, "big") for number in numbers)
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def simple_user(site: Site, id_: int | None) -> Json | None:
    """Return an account in the short form that other objects contain, or ``None`` for an unknown id."""
    account = site.community.accounts.get(id_) if id_ is not None else None
    if account is None:
        return None
    url = f"{site.api}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id(
            "BOT" if account.type == "Bot" else "O" if account.type == "Organization" else "U", account.id
        ),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{account.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{WEB}/{account.login}",
        **{key: url + path for key, path in USER_PATHS.items()},
        "type": account.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def full_user(site: Site, account: Account) -> Json:
    """Return the public profile of an account."""
    unknown = dict.fromkeys(("company", "location", "email", "hireable", "bio", "twitter_username"))
    times = {"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z"}
    counts = {"public_repos": 0, "public_gists": 0, "followers": 0, "following": 0}
    return {
        **(simple_user(site, account.id) or {}),
        "name": account.name or None,
        "blog": "",
        **unknown,
        **counts,
        **times,
    }
