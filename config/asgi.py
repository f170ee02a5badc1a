"""The entry point for ASGI servers."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from core.pages.parameters import Utf8ASGIHandler  # noqa: E402  (must be imported after django.setup(), as in Django's own entry point)

application = Utf8ASGIHandler()
