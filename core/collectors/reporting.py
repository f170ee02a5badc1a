"""The base of all commands: whatever goes wrong becomes one line that says what to do, and an exit code."""

import logging.config
import os
import sys
import traceback
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.core.management.color import no_style

from core.collectors.terminal import SafeOutput, wrapped
from core.db.limits import WORK, Limits, use_limits
from core.errors import classify_failure, exit_code_for, in_one_line
from core.logs.redaction import redact
from core.operations import interrupts
from core.operations.visible import visible, visible_line


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Leaves the lines of examples and exit codes as they are."""


class ReportingCommand(BaseCommand):
    """Set ``exit_code`` for an end that is neither clean nor an error; ``call_command`` returns normally then."""

    exit_code: int = 0
    database_limits: Limits = WORK
    """Seconds for a statement and for a lock."""
    interrupted: str = interrupts.STORED
    """What the line after Ctrl-C or SIGTERM says about the data."""

    examples: ClassVar[Sequence[str]] = ()
    """Command lines for ``--help``, without ``manage.py``."""
    exit_codes: ClassVar[Mapping[int, str]] = {0: "done", 1: "failed", 2: "wrong usage or configuration"}
    """What ``--help`` says about exit codes; those of signals are the same everywhere."""
    exact_output: bool = False
    """Whether standard output keeps every character where it is no terminal; else hidden ones are always shown."""

    def __init__(self, stdout: Any = None, stderr: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(stdout, stderr, *args, **kwargs)
        style = self.stderr.style_func
        self.stdout = SafeOutput(stdout or sys.stdout, exact=self.exact_output)
        self.stderr = SafeOutput(stderr or sys.stderr)
        self.stderr.style_func = style

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add what every command has."""
        kwargs.setdefault("formatter_class", HelpFormatter)
        kwargs.setdefault("epilog", self._epilog())
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--log-format", choices=list(settings.LOGGINGS), help="How log lines look; see LOG_FORMAT.")
        return parser

    def _epilog(self) -> str:
        """Return the examples and the exit codes."""
        examples = [f"  manage.py {example}" for example in self.examples]
        meanings = {**self.exit_codes, 130: "stopped by Ctrl-C", 143: "stopped by SIGTERM"}
        codes = [f"  {code:<4}{meaning}" for code, meaning in meanings.items()]
        return "\n".join([*(["examples:", *examples, ""] if examples else []), "exit codes:", *codes])

    def execute(self, *args: Any, **options: Any) -> Any:
        """Log as asked, then do it."""
        if log_format := options.pop("log_format", None):
            logging.config.dictConfig(settings.LOGGINGS[log_format])
        use_limits(self.database_limits)
        if stdout := options.pop("stdout", None):
            self.stdout = SafeOutput(stdout, exact=self.exact_output)
        if stderr := options.pop("stderr", None):
            self.stderr = SafeOutput(stderr)
        return super().execute(*args, **options)

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Check as Django does, without colours: streams and error lines show each control character."""
        style, self.style = self.style, no_style()
        try:
            super().check(*args, **kwargs)
        finally:
            self.style = style

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as from a terminal or cron; never a traceback unless ``--traceback`` asks for it."""
        try:
            super().run_from_argv([*argv, "--traceback"] if "--traceback" not in argv else argv)
        except KeyboardInterrupt as error:
            self._exit_interrupted(error)
        except BrokenPipeError:  # the reader, such as head, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:  # noqa: BLE001  (the outermost border: every error becomes one line)
            if interruption := interrupts.interruption_in(error):
                self._exit_interrupted(interruption)
            if "--traceback" in argv:
                sys.stderr.write(visible(redact("".join(traceback.format_exception(error)))))
            first = visible_line(redact(in_one_line(error)))
            sys.stderr.write(wrapped(f"error: {first} ({classify_failure(error).value})", sys.stderr) + "\n")
            sys.exit(exit_code_for(error))
        if self.exit_code:
            sys.exit(self.exit_code)

    def _exit_interrupted(self, error: KeyboardInterrupt) -> NoReturn:
        """End with the line and the exit code of the signal."""
        line = wrapped(visible_line(interrupts.line_for(error, self.interrupted)), sys.stderr)
        sys.exit(interrupts.report(error, line))
