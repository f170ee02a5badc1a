"""A GitHub App: its installations, and the tokens that GitHub issues for the installations.

https://docs.github.com/en/rest/apps/apps
"""

import base64
import binascii
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from samples.answers import JSON_TYPE, Answer, Refusal, Request, encode, not_found
from samples.paging import numbered

DOC = "/rest/apps/apps"
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""The bytes before a SHA-256 digest in an RSA signature. See https://www.rfc-editor.org/rfc/rfc8017#section-9.2."""
TOKENS = re.compile(r"/app/installations/(\d+)/access_tokens")
LONGEST = 600
"""Maximum number of seconds until a JWT expires. GitHub's limit is ten minutes."""


@dataclass(kw_only=True, slots=True)
class Installation:
    """The installation of the App on an account. ``lifetime`` is the lifetime of its tokens in seconds."""

    number: int
    login: str
    suspended: bool = False
    lifetime: float = 3600.0

    def row(self) -> dict[str, Any]:
        """Return the installation in the format of the API."""
        since = "2026-01-01T00:00:00Z" if self.suspended else None
        return {
            "id": self.number, "account": {"login": self.login, "type": "Organization"}, "target_type": "Organization",
            "repository_selection": "all", "permissions": {"metadata": "read", "issues": "read"}, "suspended_at": since,
        }  # fmt: skip


@dataclass(kw_only=True, slots=True)
class App:
    """An App with an RSA key. ``modulus`` and ``exponent`` are the public key.

    ``skew`` is the number of seconds by which GitHub's clock is ahead of this machine's clock. ``issued`` contains the
    installation and the expiry time of each token, and ``served`` is the number of tokens that were issued.
    """

    app_id: str
    modulus: int
    exponent: int
    skew: float = 0.0
    installations: list[Installation] = field(default_factory=list[Installation])
    issued: dict[str, tuple[Installation, float]] = field(default_factory=dict[str, tuple[Installation, float]])
    served: int = 0

    def answer(self, request: Request, address: Callable[[Request], str]) -> Answer:
        """Return the response to a request below ``/app``.

        Raises Refusal for a request without a valid signature (401), for a suspended installation (403), and for an
        unknown path or installation (404).
        """
        self._check(request.header("authorization").partition(" ")[2])
        if request.path == "/app/installations" and request.method == "GET":
            places, headers = numbered(range(len(self.installations)), request, address(request))
            rows = [self.installations[place].row() for place in places]
            return Answer(body=encode(rows), headers={"Content-Type": JSON_TYPE, **headers})
        wanted = TOKENS.fullmatch(request.path)
        known = [one for one in self.installations if wanted and one.number == int(wanted[1])]
        if not known or request.method != "POST":
            raise not_found(DOC)
        if known[0].suspended:
            raise Refusal(403, "This installation has been suspended", DOC)
        return self._issue(known[0])

    def login_of(self, token: str) -> str | None:
        """Return the login of the account that an installation token belongs to, or ``None`` for any other token.

        Raises Refusal (401) for an expired token or a suspended installation.
        """
        if token not in self.issued:
            return None
        installation, expires = self.issued[token]
        if self._now() >= expires or installation.suspended:
            raise Refusal(401, "Bad credentials")
        return installation.login

    def expire_tokens(self) -> None:
        """Make all issued tokens expire immediately."""
        self.issued = {token: (installation, 0.0) for token, (installation, _) in self.issued.items()}

    def _issue(self, installation: Installation) -> Answer:
        self.served += 1
        token = f"ghs_app{installation.number}_{self.served:016d}"
        expires = self._now() + installation.lifetime
        self.issued[token] = (installation, expires)
        at = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"token": token, "expires_at": at, "permissions": {"metadata": "read"}, "repository_selection": "all"}
        return Answer(status=201, body=encode(body), headers={"Content-Type": JSON_TYPE})

    def _now(self) -> float:
        return time.time() + self.skew

    def _check(self, signed: str) -> None:
        """Raise Refusal (401) unless the token is a JWT of this App that is signed with RS256 and valid now."""
        try:
            header, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in signed.split("."))
            header_fields, payload = json.loads(header), json.loads(claims)
        except (ValueError, binascii.Error):
            raise Refusal(401, "A JSON web token could not be decoded") from None
        if header_fields.get("alg") != "RS256" or not self._is_signature(signed.rpartition(".")[0].encode(), signature):
            raise Refusal(401, "A JSON web token could not be decoded")
        if str(payload.get("iss")) != self.app_id:
            raise Refusal(401, "'Issuer' claim ('iss') must be an Integer")
        issued, expires = payload.get("iat"), payload.get("exp")
        if not isinstance(issued, int) or issued > self._now():
            raise Refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion"
                          " was issued")  # fmt: skip
        if not isinstance(expires, int) or expires <= self._now():
            raise Refusal(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time"
                          " at which the assertion expires")  # fmt: skip
        if expires > self._now() + LONGEST:
            raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")

    def _is_signature(self, text: bytes, signature: bytes) -> bool:
        """Return whether a text was signed with the App's key by RSASSA-PKCS1-v1_5 with SHA-256.

        https://www.rfc-editor.org/rfc/rfc8017#section-8.2.2
        """
        size = (self.modulus.bit_length() + 7) // 8
        digest = SHA256 + hashlib.sha256(text).digest()
        padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
        opened = pow(int.from_bytes(signature, "big"), self.exponent, self.modulus)
        return len(signature) == size and opened.to_bytes(size, "big") == padded
