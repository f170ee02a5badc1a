#!/usr/bin/env python
"""Runs the project's commands; ``manage.py help`` lists them."""

import os
import sys


def main() -> None:
    """Run one management command. SIGINT and SIGTERM end it with a one-line message, even during imports."""
    from core.operations import interrupts

    interrupts.catch_signals()
    try:
        run_command()
    except KeyboardInterrupt as error:
        sys.exit(interrupts.report(error))


def run_command() -> None:
    """Run the command that the command line names.

    Django's own commands, such as migrate, print a traceback for some errors. Here, such errors end the command with a
    one-line message: an invalid configuration (exit code 2), a database error (1, or 2 without a connection), or an
    error with a file (1).
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import Error

        from core.errors import exit_code_for, in_one_line
        from core.logs import redact
        from core.operations.interrupts import interruption_in
    except ImportError:
        sys.exit("error: Django is not installed for this Python. Run 'make install' and use .venv/bin/python.")
    try:
        _ = settings.INSTALLED_APPS  # raises errors in the settings, which Django ignores for some commands
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, Error, OSError) as error:
        if interruption := interruption_in(error):
            raise interruption from None
        if "--traceback" in sys.argv:
            raise
        sys.stderr.write(f"error: {redact(in_one_line(error))}\n")
        sys.exit(exit_code_for(error))


if __name__ == "__main__":
    main()
