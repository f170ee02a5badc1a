"""The entry point for WSGI servers such as gunicorn."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from core.db.limits import PAGE, use_limits  # noqa: E402  (must be imported after django.setup(), as in Django's own entry point)
from core.pages.parameters import Utf8WSGIHandler  # noqa: E402

application = Utf8WSGIHandler()
use_limits(PAGE)
