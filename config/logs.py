"""Logging to standard error: text for people, or one JSON object per line for log collectors."""

import logging
from collections.abc import Iterable
from typing import TextIO


class RedactingFilter(logging.Filter):
    """Remove secrets from every record before a handler writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace secrets in the message and the traceback. Returns True, so that the record is written."""
        from core.logs import redact

        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        if record.exc_text:
            record.exc_text, record.exc_info = redact(record.exc_text), None
        return True


class RunFilter(logging.Filter):
    """Add the fields of the current run to every record. Existing fields of the record are not changed."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields if a run is active or the record has a collector.

        Returns True, so that the record is written.
        """
        from core.errors import classify_failure
        from core.logs import FIELDS, current_log_fields

        known = current_log_fields()
        if known or hasattr(record, "collector"):
            if not hasattr(record, "failure_category") and record.exc_info and record.exc_info[1]:
                record.failure_category = classify_failure(record.exc_info[1]).value
            for name in FIELDS:
                if not hasattr(record, name):
                    setattr(record, name, known.get(name, ""))
        return True


class NotPrintedFilter(logging.Filter):
    """Drop records that the command also prints as its last line, so that people see each error only once."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for a record that the command also prints."""
        return not getattr(record, "printed", False)


def logging_settings(log_format: str, apps: Iterable[str]) -> dict[str, object]:
    """Return the value of Django's setting LOGGING for the format ``text`` or ``json``.

    ``apps`` contains the names of the installed apps. With ``json``, the project's own apps also log each step.
    """
    foreign = ("django.", "django_otp", "whitenoise.", "axes")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "run": {"()": "config.logs.RunFilter"},
            "redact": {"()": "config.logs.RedactingFilter"},
            "once": {"()": "config.logs.NotPrintedFilter"},
        },
        "formatters": {
            "text": {"()": "config.logs.UTCFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            },
        },
        "handlers": {
            "stderr": {
                "class": "config.logs.StandardError",
                "formatter": log_format,
                "filters": ["run", "redact", *(["once"] if log_format == "text" else [])],
            },
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        # People at a terminal see only warnings and the results of commands. Log collectors see each step.
        "loggers": {
            name.partition(".")[0]: {"level": "INFO" if log_format == "json" else "WARNING"}
            for name in apps
            if not name.startswith(foreign)
        }
        | {"axes": {"level": "ERROR"}},  # config.login_log logs failed log-ins
    }


class StandardError(logging.StreamHandler[TextIO]):
    """Write records to standard error. The progress line is hidden while a record is written."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        from core.collectors.progress import hidden

        with hidden():
            super().emit(record)


class UTCFormatter(logging.Formatter):
    """Format records as lines of text, with times in UTC that end with Z."""

    import time

    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%SZ"
    default_msec_format = ""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line without the traceback. Commands with the option ``--traceback`` print the traceback.

        Line breaks and control characters in names and errors are replaced with visible characters.
        """
        from core.operations.visible import visible_line

        line = logging.makeLogRecord(record.__dict__)
        line.exc_info = line.exc_text = line.stack_info = None
        return visible_line(super().format(line))
