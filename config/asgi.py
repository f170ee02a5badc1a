"""The entry point of ASGI servers."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from core.pages.parameters import Utf8ASGIHandler  # noqa: E402  (after the set-up, as Django's own entry point does)

application = Utf8ASGIHandler()
