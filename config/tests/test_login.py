"""Log-ins: locks after failures, client addresses behind proxies, codes from authenticator apps, and the log."""

import io
import logging
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.login import client_address
from core.errors import ConfigurationError

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
PAGE = "/admin/login/"


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def user() -> Any:
    """Create an account with access to the admin."""
    return get_user_model().objects.create_superuser("ada", password=PASSWORD)


def log_in(name: str = "ada", password: str = PASSWORD, address: str = "192.0.2.1", **more: str) -> Any:
    """Try to log in from an address, with new cookies. ``more`` contains other form fields and headers."""
    headers = {key: more.pop(key) for key in list(more) if key.startswith("HTTP_")}
    form = {"username": name, "password": password, "next": "/admin/", **more}
    return Client().post(PAGE, form, REMOTE_ADDR=address, **headers)


def fail(times: int, **options: str) -> list[int]:
    """Try to log in with a wrong password several times, and return the HTTP status of each attempt."""
    return [log_in(password="wrong", **options).status_code for _ in range(times)]


def test_an_account_is_locked_after_ten_failures_also_for_other_addresses(user: Any, settings: Any) -> None:
    assert fail(10) == [200] * 9 + [429]
    locked = log_in(address="198.51.100.7")
    assert locked.status_code == 429
    assert locked["Retry-After"] == "900"
    assert "Wait 15 minutes" in locked.content.decode()
    assert "Access-Control-Allow-Origin" not in log_in(HTTP_X_REQUESTED_WITH="XMLHttpRequest").headers


def test_an_address_is_locked_for_all_accounts_and_others_are_not(user: Any) -> None:
    for number in range(10):
        log_in(f"name{number}", "wrong", "2001:db8::5")
    assert log_in(address="2001:db8::5").status_code == 429
    assert log_in(address="2001:db8::6").status_code == 302


def test_a_lock_ends_by_itself_whoever_goes_on_trying(user: Any, settings: Any) -> None:
    fail(12)
    settings.AXES_COOLOFF_TIME = timedelta(seconds=0.2)
    time.sleep(0.3)
    assert log_in().status_code == 302


def test_a_good_log_in_forgets_the_failures_of_its_account(user: Any) -> None:
    fail(9)
    assert log_in().status_code == 302
    assert fail(9) == [200] * 9


def test_failed_and_locked_log_ins_are_in_the_log_in_one_harmless_line_without_the_password(
    user: Any, caplog: pytest.LogCaptureFixture
) -> None:
    name = "ada\n2026 INFO fine \x1b[2J\u202e"
    with caplog.at_level(logging.WARNING):
        fail(11)
        log_in(name, "s3cret-word", "198.51.100.7")
    lines = [record.getMessage() for record in caplog.records if record.name == "config.login_log"]
    assert lines[0] == "log-in failed user='ada' address=192.0.2.1"
    assert lines[-2] == "log-in locked user='ada' address=192.0.2.1"
    assert "\\x1b" in lines[-1]
    assert "\\u202e" in lines[-1]
    assert "\n" not in lines[-1]
    assert "s3cret-word" not in caplog.text
    assert "wrong" not in caplog.text


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "nonsense", None),
    ],
)
def test_the_address_is_the_one_that_our_own_proxy_saw(
    settings: Any, proxies: int, forwarded: str, expected: str | None
) -> None:
    settings.PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


@pytest.mark.parametrize("address", ["", "nonsense", "fe80::1%eth0"])
def test_an_unknown_address_is_no_error(user: Any, address: str) -> None:
    assert log_in(password="wrong", address=address).status_code == 200
    assert log_in(address=address).status_code == 302


def test_behind_a_proxy_clients_are_told_apart_and_cannot_invent_their_address(user: Any, settings: Any) -> None:
    settings.PROXY_COUNT = 1
    for number in range(10):
        log_in(f"name{number}", "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}, 203.0.113.9")
    assert log_in(HTTP_X_FORWARDED_FOR="10.9.9.9, 203.0.113.9").status_code == 429
    assert log_in(HTTP_X_FORWARDED_FOR="203.0.113.10").status_code == 302


@pytest.mark.parametrize("weak", ["elevenchars", "password1234", "123456789012345", "ada-lovelace"])
def test_weak_passwords_are_refused(weak: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(weak, get_user_model()(username="ada-lovelace"))
    validate_password("twelve chars", get_user_model()(username="ada-lovelace"))


def enrol() -> str:
    """Set up an authenticator app for the account ``ada``, and return its key as hexadecimal digits."""
    call_command("second_factor", "ada", stdout=(out := io.StringIO()))
    assert "otpauth://totp/activity-trackers%3Aada?secret=" in out.getvalue()
    device = TOTPDevice.objects.get()
    call_command("second_factor", "ada", "--code", code_of(device.key, -1), stdout=io.StringIO())
    return device.key


def code_of(key: str, steps: int = 0) -> str:
    """Return the code that the app shows now, or ``steps`` times 30 seconds later. ``steps`` may be negative."""
    totp = TOTP(bytes.fromhex(key))
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06d}"


def test_nobody_is_asked_for_a_code_who_has_no_app(user: Any) -> None:
    assert log_in().status_code == 302


def test_an_account_with_an_app_needs_its_code_and_each_code_works_once(user: Any) -> None:
    key = enrol()
    assert "authenticator app" in log_in().content.decode()
    assert "The code is wrong" in log_in(code=code_of(key, 40)).content.decode()
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    code = code_of(key)
    assert log_in(code=f" {code[:3]} {code[3:]}").status_code == 302
    assert log_in(code=code).status_code == 200
    assert log_in(password="wrong", code=code_of(key, 1)).status_code == 200


def test_wrong_codes_are_throttled_and_lock_the_account(user: Any) -> None:
    key = enrol()
    assert "The code is wrong" in log_in(code="000000").content.decode()
    assert "Too many wrong codes" in log_in(code=code_of(key)).content.decode()
    assert [log_in(code="000000").status_code for _ in range(8)][-1] == 429


def test_an_app_counts_only_once_it_was_proved(user: Any) -> None:
    call_command("second_factor", "ada", stdout=io.StringIO())
    assert log_in().status_code == 302
    with pytest.raises(ConfigurationError, match="The code is wrong"):
        call_command("second_factor", "ada", "--code", "000000")
    assert log_in().status_code == 302


def test_the_command_says_what_is_wrong_and_a_lost_phone_can_be_removed(user: Any) -> None:
    for arguments in (["nobody"], ["ada", "--code", "123456"]):
        with pytest.raises(ConfigurationError, match=r"no account|no new key"):
            call_command("second_factor", *arguments)
    enrol()
    with pytest.raises(ConfigurationError, match="already"):
        call_command("second_factor", "ada")
    call_command("second_factor", "ada", "--remove", stdout=io.StringIO())
    assert log_in().status_code == 302


def test_codes_can_be_required_of_everybody(user: Any, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    assert "manage.py second_factor ada" in log_in().content.decode()
    key = enrol()
    assert log_in(code=code_of(key)).status_code == 302


def test_what_runs_every_night_clears_expired_sessions(settings: Any) -> None:
    settings.DISCORD_BOT_TOKEN, settings.DISCORD_BOT_TOKENS, settings.GITHUB_REPOS = "", [], []
    now = timezone.now()
    for key, seconds in {"old": -1, "new": 60}.items():
        Session.objects.create(session_key=key, session_data="", expire_date=now + timedelta(seconds=seconds))
    with suppress(ConfigurationError):  # no source is configured
        call_command("collect_all", stdout=io.StringIO(), stderr=io.StringIO())
    assert [session.session_key for session in Session.objects.all()] == ["new"]
