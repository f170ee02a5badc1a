"""``manage.py second_factor NAME``: set up an authenticator app (TOTP) for one account."""

from argparse import ArgumentParser
from base64 import b32encode
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from core.collectors import ReportingCommand
from core.errors import ConfigurationError


class Command(ReportingCommand):
    """Set up an authenticator app in two steps: print a key for the app, then check a code from the app."""

    help = "Set up an authenticator app for an account: print a key for the app, then check a code from the app."
    examples = (
        "second_factor admin",
        "second_factor admin --code 123456",
        "second_factor admin --remove",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the account's name, and the options for the steps."""
        parser.add_argument("name", help="The account's name.")
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--code", help="A code from the app. After this step, log-ins need a code.")
        step.add_argument("--remove", action="store_true", help="Remove the app, for example after the phone was lost.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create a key, confirm it with a code, or remove the app.

        Raises ConfigurationError if the account does not exist or already has an app, or if the code is wrong.
        """
        from django_otp.plugins.otp_totp.models import TOTPDevice

        name = str(options["name"])
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise ConfigurationError(f"There is no account {name!r}. Check the name.")
        devices: Any = TOTPDevice.objects.filter(user=user)
        if options["remove"]:
            devices.delete()
            self.stdout.write(f"{name} no longer has an authenticator app")
            return
        if options["code"]:
            self._confirm(name, devices, str(options["code"]))
            return
        if devices.filter(confirmed=True).exists():
            raise ConfigurationError(f"{name} has an authenticator app already. Remove it first with --remove.")
        devices.delete()
        device: Any = TOTPDevice.objects.create(user=user, name="authenticator app", confirmed=False)
        key = b32encode(device.bin_key).decode()
        self.stdout.write(f"Key for the app: {key}\nThe key as a URL: {device.config_url}")
        self.stdout.write(f"Then run: manage.py second_factor {name} --code CODE")

    def _confirm(self, name: str, devices: Any, code: str) -> None:
        """Activate the new key if the code is correct.

        Raises ConfigurationError if the account has no new key or the code is wrong.
        """
        with transaction.atomic():
            device: Any = devices.select_for_update().filter(confirmed=False).first()
            fits = bool(device) and device.verify_token("".join(code.split()))
            if device and fits:
                device.confirmed = True
                device.save()
        if device is None:
            raise ConfigurationError(f"There is no new key. Create one first: manage.py second_factor {name}")
        if not fits:
            raise ConfigurationError(
                "The code is wrong. Check the key in the app and the clocks of both devices, then try the next code."
            )
        self.stdout.write(f"{name} now needs a code to log in")
