"""The entry point of WSGI servers such as gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from core.db.limits import PAGE, use_limits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
use_limits(PAGE)
