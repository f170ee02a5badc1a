"""Authentication as a GitHub App. A short-lived signed token is exchanged for the token of an installation.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
https://docs.github.com/en/rest/apps/apps
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from core.errors import ConfigurationError, RetryLater, TokensRefused, UnexpectedAnswer
from core.logs import register_secret
from core.operations.github_ops.answers import rest_error
from core.operations.github_ops.limits import ServerClock, limit_of
from core.operations.github_ops.links import below_root, link_targets
from core.operations.github_ops.tokens import Token
from core.operations.http import Response, Transport

logger = logging.getLogger(__name__)
ID, KEY_FILE = "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY_FILE"
BACKDATED, LIFETIME = 60, 540
"""Seconds by which a signed token is backdated, and its total lifetime in seconds.

GitHub allows at most ten minutes, and recommends backdating in case this machine's clock is fast.
"""
RENEW_BEFORE = 300.0
"""Seconds before its expiry at which the secret of an installation is renewed.

The secret is valid for an hour, and it must not expire during a request.
"""
MOST_PAGES = 100
"""Maximum number of pages of the installation list, with 100 installations each.

The limit ends the loop if a server repeats its pages.
"""
ATTEMPTS = 3
"""Maximum number of attempts of one request.

If a wrong clock made the signed token invalid, the next attempt uses GitHub's clock.
"""


def read_private_key(path: str) -> str:
    """Return the PEM text of the App's key. Raises ConfigurationError when the file is not a readable RSA key."""
    # Imported here to start commands faster, because most users have no App.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        text = Path(path).expanduser().read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(f"{KEY_FILE}: the file cannot be read ({reason}).") from error
    register_secret(text.strip())
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{KEY_FILE}: it contains no private key, or the key has a password. Download one from the App's settings."
        ) from error
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(f"{KEY_FILE}: the key is not an RSA key. Download a key from the App's settings page.")
    return text


def read_app_credentials(app_id: str, key_file: str) -> str | None:
    """Return the private key of the configured App, or ``None`` if no App is configured.

    Raises ConfigurationError when one of the two values is missing or the key cannot be read.
    """
    if not app_id and not key_file:
        return None
    if not app_id or not key_file:
        missing, present = (ID, KEY_FILE) if key_file else (KEY_FILE, ID)
        raise ConfigurationError(f"{missing} is not set, but {present} is: a GitHub App needs both.")
    return read_private_key(key_file)


class InstallationToken(Token):
    """The token of one installation. Its secret is requested before the first use and renewed before it expires."""

    def __init__(self, installation_id: int, login: str) -> None:
        super().__init__("", name=f"installation {installation_id} of {login}", key=f"installation {installation_id}")
        self.installation_id, self.login = installation_id, login
        self.expires_at = 0.0
        """Expiry of the secret in Unix seconds, by GitHub's clock."""
        self.is_new = False
        """Whether the secret is new and GitHub has not accepted it yet."""

    def expire(self) -> None:
        """Mark the secret as expired, so that a new secret is requested before the next use."""
        self.expires_at = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubApp:
    """The App's credentials, and the transport for its requests. ``api_url`` has no trailing slash."""

    app_id: str
    private_key: str
    api_url: str
    transport: Transport
    clock: ServerClock
    headers: Mapping[str, str]

    def installations(self) -> list[InstallationToken]:
        """Return one token for each account with an installation that is not suspended.

        Raises TokensRefused when GitHub refuses the App's signature.
        """
        tokens: dict[str, InstallationToken] = {}
        path: str | None = "/app/installations?per_page=100"
        for _ in range(MOST_PAGES):
            response = self._ask("GET", path)
            if response.status != 200:
                raise rest_error(response)
            rows: object = response.json()
            if not isinstance(rows, list):
                raise UnexpectedAnswer("GitHub's list of the App's installations is not a JSON list.")
            for row in cast("list[dict[str, Any]]", rows):
                if (token := _installation(row)) is not None:
                    tokens.setdefault(token.login.lower(), token)
            next_url = link_targets(response.headers.get("link", "")).get("next")
            if next_url is None:
                break
            path = below_root(next_url, self.api_url)
        return list(tokens.values())

    def renew(self, token: InstallationToken) -> bool:
        """Request a new secret if the current secret is missing or about to expire.

        Returns False if the installation was removed or suspended, otherwise True.
        """
        if token.expires_at - RENEW_BEFORE > time.time() + self.clock.offset:
            return True
        response = self._ask("POST", f"/app/installations/{token.installation_id}/access_tokens")
        if response.status in {403, 404, 422}:
            return False
        if response.status not in {200, 201}:
            raise rest_error(response)
        body: object = response.json()
        members = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        if not members.get("token"):
            raise UnexpectedAnswer("GitHub's answer contains no token for an installation of the App.")
        token.replace_value(str(members["token"]))
        token.expires_at = _expiry(members.get("expires_at"), time.time() + self.clock.offset)
        token.is_new = True
        return True

    def _ask(self, method: str, path: str) -> Response:
        """Make one request as the App, and return the answer. Its ``Date`` header corrects the clock.

        Raises RetryLater for a rate limit, and TokensRefused if GitHub refuses the signature in each attempt.
        """
        for attempt in range(ATTEMPTS):
            headers = {**self.headers, "Authorization": f"Bearer {self._signed()}"}
            sent_at = time.time()
            body = {} if method == "POST" else None
            response = self.transport.request(method, self.api_url + path, headers=headers, body=body)
            self.clock.observe(response.headers.get("date", ""), sent_at, time.time())
            limit = limit_of(response, time.time() + self.clock.offset)
            if limit is not None:
                raise RetryLater(
                    "GitHub's rate limit for the App is reached; the next run continues",
                    not_before=datetime.now(UTC) + timedelta(seconds=limit.shared),
                )
            if response.status != 401:
                return response
            if attempt + 1 < ATTEMPTS:
                self.transport.pause(1.0 + attempt)
        raise TokensRefused(f"GitHub refuses the App's signature: check {ID} and {KEY_FILE}.")

    def _signed(self) -> str:
        """Return a signed token that identifies the App for eight minutes."""
        import jwt  # imported here to start commands faster

        now = int(time.time() + self.clock.offset)
        claims = {"iat": now - BACKDATED, "exp": now + LIFETIME - BACKDATED, "iss": self.app_id}
        signed = jwt.encode(claims, self.private_key, algorithm="RS256")
        register_secret(signed)
        return signed


def _installation(row: Mapping[str, Any]) -> InstallationToken | None:
    """Return the token of an installation, or ``None`` if it is unusable. Enterprises have a slug, not a login."""
    account: Any = row.get("account") or {}
    login = str(account.get("login") or account.get("slug") or "") if isinstance(account, Mapping) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # JSON
    if not isinstance(row.get("id"), int) or not login:
        return None
    if row.get("suspended_at"):
        logger.warning("installation suspended; not used account=%s", login)
        return None
    return InstallationToken(row["id"], login)


def _expiry(text: object, now: float) -> float:
    """Return the expiry in Unix seconds by GitHub's clock. For an invalid text, return an hour after ``now``."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return now + 3600.0
