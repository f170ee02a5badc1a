#!/usr/bin/env python
"""Runs the project's commands; ``manage.py help`` lists them."""

import os
import sys


def main() -> None:
    """Run one management command.

    Ends with one line for what Django's own commands, such as migrate, do not report: a configuration that cannot be
    read (exit code 2), and a database that fails (1, or 2 when there is none).
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import Error

        from core.errors import exit_code_for, in_one_line
        from core.operations.redaction import redact
    except ImportError:
        sys.exit("error: Django is not installed for this Python. Run 'make install' and use .venv/bin/python.")
    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, Error) as error:
        if "--traceback" in sys.argv:
            raise
        sys.stderr.write(f"error: {redact(in_one_line(error))}\n")
        sys.exit(exit_code_for(error))


if __name__ == "__main__":
    main()
