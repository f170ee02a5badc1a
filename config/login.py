"""Log-ins: the form with the second factor, the client's address, and the page that is shown while log-ins are locked.

django-axes locks log-ins after too many failures (``AXES_...`` in the settings). django-otp checks codes (RFC 6238).
"""

from ipaddress import ip_address
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

WRONG_CODE = "The code is wrong or was used before. Wait for the next code in your app and try again."
NO_CODE = "Enter your password again, with the code from your authenticator app."
NO_DEVICE = "Log-ins need a code from an authenticator app. Ask the administrator to run: manage.py second_factor {}"
THROTTLED = "Too many wrong codes. Try again in a minute."


class LogInForm(AdminAuthenticationForm):
    """The log-in form: name, password and, if the account has an authenticator app, a code from the app."""

    code = forms.CharField(
        label="Code, if you use an authenticator app:",
        required=False,
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        """Check the password, then the code. Raises ValidationError if the user may not log in."""
        cleaned: dict[str, Any] = super().clean() or {}
        user: Any = self.get_user()
        if user is not None and (problem := self._code_problem(user)):
            raise ValidationError(problem)
        return cleaned

    def _code_problem(self, user: Any) -> str:
        """Return the reason why the user may not log in, or an empty text.

        A wrong code counts as a failed log-in, and so does any code while codes are throttled.
        """
        from django_otp.plugins.otp_totp.models import TOTPDevice

        code = "".join(str(self.cleaned_data.get("code") or "").split())
        with transaction.atomic():  # so that two simultaneous requests cannot use the same code
            devices: list[Any] = list(TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True))
            if not devices:
                return NO_DEVICE.format(user.get_username()) if settings.SECOND_FACTOR_REQUIRED else ""
            if not code:
                return NO_CODE
            allowed = [device for device in devices if device.verify_is_allowed()[0]]
            if any(device.verify_token(code) for device in allowed):
                return ""
        credentials = {"username": user.get_username()}
        user_login_failed.send(sender=__name__, credentials=credentials, request=self.request)
        return WRONG_CODE if allowed else THROTTLED


def client_address(request: HttpRequest) -> str | None:
    """Return the client's IP address, or None if it is unknown. django-axes counts failed log-ins by this address.

    Behind ``PROXY_COUNT`` proxies, this is the entry of ``X-Forwarded-For`` that the outermost proxy wrote. The client
    can forge all entries before that entry.
    """
    address = str(request.META.get("REMOTE_ADDR") or "")
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR") or "").split(",")
    if 0 < settings.PROXY_COUNT <= len(forwarded):
        address = forwarded[-settings.PROXY_COUNT] or address
    address = address.strip()
    if address.startswith("["):  # [2001:db8::1]:443
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:  # 192.0.2.1:443
        address = address.partition(":")[0]
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def locked_response(request: HttpRequest, response: HttpResponse | None, credentials: object = None) -> HttpResponse:
    """Return the page that replaces the log-in page while the account or the client's address is locked.

    Its status is 429.
    """
    del response, credentials
    from django.contrib import admin

    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = admin.site.each_context(request) | {"title": "Too many failed log-ins", "minutes": minutes}
    locked = render(request, "config/locked.html", context, status=429)
    locked["Retry-After"] = str(minutes * 60)
    return locked
