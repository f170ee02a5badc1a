"""Tests of collecting as a GitHub App: JSON web tokens, installations, and tokens that expire."""

import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from core.checks import check_trackers
from core.errors import ConfigurationError, TokensRefused
from core.logs import redact
from github_activity_tracker.fetch.client import open_client
from github_activity_tracker.tests.test_collect import Collect, expected_bodies, stored_bodies
from github_activity_tracker.tests.test_refusals import exit_code
from samples.app import App, Installation
from samples.server import SampleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
KEY = rsa.generate_private_key(65537, 2048)
OWNER = "saltmarsh-works"


def pem(key: Any, layout: PrivateFormat = PrivateFormat.TraditionalOpenSSL) -> bytes:
    """Return a private key in GitHub's format (PKCS#1) or another format."""
    return key.private_bytes(Encoding.PEM, layout, NoEncryption())


def app_of(server: SampleServer, *installations: Installation, skew: float = 0.0) -> App:
    """Create a GitHub App with these installations, install it on the server, and return it."""
    public = KEY.public_key().public_numbers()
    app = App(app_id="12345", modulus=public.n, exponent=public.e, skew=skew, installations=list(installations))
    server.install(app)
    return app


@pytest.fixture
def key_file(tmp_path: Path, settings: Any, server: SampleServer) -> Path:
    """Configure the App's id and private key, and no tokens. Return the path of the key file."""
    path = tmp_path / "app.pem"
    path.write_bytes(pem(KEY))
    settings.GITHUB_TOKENS = []
    settings.GITHUB_APP_ID, settings.GITHUB_APP_PRIVATE_KEY_FILE = "12345", str(path)
    return path


def users(server: SampleServer, kind: str) -> set[str]:
    """Return the users of the tokens in requests of a kind (``rest``, ``graphql`` or ``git``), except to ``/app/``."""
    return {one.user for one in server.requests if one.kind == kind and not one.path.startswith("/app/")}


@pytest.mark.parametrize("layout", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_an_app_collects_everything_with_the_installation_of_the_owner_git_included(
    server: SampleServer, collect: Collect, key_file: Path, layout: PrivateFormat
) -> None:
    key_file.write_bytes(pem(KEY, layout))
    app = app_of(
        server, *(Installation(number=one, login=f"account-{one}") for one in range(1, 120)),
        Installation(number=500, login=OWNER.upper()),
    )  # fmt: skip
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)
    assert users(server, "rest") == users(server, "graphql") == {"app500"}
    assert users(server, "git") == {"app500"}
    assert app.served == 1
    assert len([one for one in server.requests if one.path.startswith("/app/installations?")]) == 2


def test_public_repositories_of_other_accounts_are_read_with_any_installation_but_no_suspended_one(
    server: SampleServer, collect: Collect, key_file: Path
) -> None:
    app_of(
        server, Installation(number=1, login=OWNER, suspended=True), Installation(number=2, login="somebody-else")
    )  # fmt: skip
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)
    assert users(server, "rest") == {"app2"}


@pytest.mark.parametrize("when", [r"/issues/comments", r"/graphql", r"git-upload-pack|info/refs"])
def test_a_token_that_ends_in_mid_run_is_renewed(
    server: SampleServer, collect: Collect, key_file: Path, when: str
) -> None:
    app = app_of(server, Installation(number=1, login=OWNER))
    server.before(when, app.expire_tokens)
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)
    assert app.served == 2


def test_a_token_is_renewed_before_it_expires(server: SampleServer, collect: Collect, key_file: Path) -> None:
    app = app_of(server, Installation(number=1, login=OWNER, lifetime=100))  # seconds, less than the margin for renewal
    assert collect()["outcome"] == "succeeded"
    assert app.served > 5
    assert not [one for one in server.requests if one.status == 401]


@pytest.mark.parametrize("skew", [-3600, -120, 120, 3600])
def test_the_clocks_may_differ(server: SampleServer, key_file: Path, skew: float, monkeypatch: Any) -> None:
    app = app_of(server, Installation(number=1, login=OWNER), skew=skew)
    moment = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + skew))
    monkeypatch.setattr("samples.wire.Handler.date_time_string", lambda *_: moment)
    assert open_client().get(f"/repos/{server.truth()['full_name']}", scope=server.truth()["full_name"]).data
    assert app.served == 1


def test_the_secrets_of_an_app_are_hidden(server: SampleServer, key_file: Path) -> None:
    app = app_of(server, Installation(number=1, login=OWNER))
    open_client().get("/user")
    token = next(iter(app.issued))
    assert token not in redact(f"log line with {token} in it")
    assert "BEGIN" not in redact(key_file.read_text())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no private key"),
        (pem(KEY)[:300], "no private key"),
        (b"\xff\xfe\x00", "not text"),
        (pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8), "not an RSA key"),
        (None, "cannot be read"),
    ],
    ids=["empty", "garbage", "binary", "another kind", "absent"],
)
def test_a_key_that_is_none_is_a_setting_to_correct(
    key_file: Path, content: bytes | None, words: str, capsys: Any
) -> None:
    key_file.unlink() if content is None else key_file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words):
        open_client()
    assert exit_code("a/b") == 2
    assert "GITHUB_APP_PRIVATE_KEY_FILE" in capsys.readouterr().err
    assert check_trackers(None)[0].id == "core.E003"


@pytest.mark.parametrize("missing", ["GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY_FILE"])
def test_half_an_app_names_the_setting_that_is_missing(key_file: Path, settings: Any, missing: str) -> None:
    setattr(settings, missing, "")
    with pytest.raises(ConfigurationError, match=f"{missing} is not set"):
        open_client()


@pytest.mark.parametrize("wrong", ["another key", "another id", "nowhere"])
def test_an_app_that_github_does_not_know_ends_with_2(
    server: SampleServer, key_file: Path, settings: Any, wrong: str, capsys: Any
) -> None:
    app_of(server, *(() if wrong == "nowhere" else (Installation(number=1, login=OWNER),)))
    if wrong == "another key":
        key_file.write_bytes(pem(rsa.generate_private_key(65537, 2048)))
    elif wrong == "another id":
        settings.GITHUB_APP_ID = "99"
    with pytest.raises(TokensRefused, match="GITHUB_APP_ID"):
        open_client().get("/user")
    assert exit_code(server.truth()["full_name"]) == 2
    assert "GITHUB_APP_ID" in capsys.readouterr().err
