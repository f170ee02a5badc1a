"""The base class of all commands. It turns an error into one line with the next step, and an exit code."""

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

from core.db.limits import WORK, Limits, use_limits
from core.errors import classify_failure, exit_code_for, in_one_line
from core.logs import redact
from core.operations import interrupts
from core.operations.output import SafeOutput, wrapped
from core.operations.visible import visible, visible_line


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the line breaks of examples and exit codes."""


class ReportingCommand(BaseCommand):
    """A command with readable errors.

    A command that ends without an error but leaves work for later sets ``exit_code``. In this case, ``call_command``
    returns normally.
    """

    exit_code: int = 0
    database_limits: Limits = WORK
    """Time limits for database statements and locks."""
    interrupted: str = interrupts.STORED
    """Text about the stored data for the last line, which is printed after Ctrl-C or SIGTERM."""

    examples: ClassVar[Sequence[str]] = ()
    """Example command lines for ``--help``, without ``manage.py``."""
    exit_codes: ClassVar[Mapping[int, str]] = {0: "done", 1: "failed", 2: "wrong usage or configuration"}
    """Meanings of the exit codes for ``--help``. The exit codes of signals are added."""
    exact_output: bool = False
    """Whether hidden characters are written unchanged to files and pipes. Terminals always show their code points."""

    def __init__(self, stdout: Any = None, stderr: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(stdout, stderr, *args, **kwargs)
        style = self.stderr.style_func
        self.stdout = SafeOutput(stdout or sys.stdout, exact=self.exact_output)
        self.stderr = SafeOutput(stderr or sys.stderr)
        self.stderr.style_func = style

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return Django's parser with this project's formatter, the examples, the exit codes and ``--log-format``."""
        kwargs.setdefault("formatter_class", HelpFormatter)
        kwargs.setdefault("epilog", self._epilog())
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument(
            "--log-format", choices=list(settings.LOGGINGS), help="Format of log lines. Default: LOG_FORMAT."
        )
        return parser

    def _epilog(self) -> str:
        """Return the examples and the exit codes."""
        examples = [f"  manage.py {example}" for example in self.examples]
        meanings = {**self.exit_codes, 130: "stopped by Ctrl-C", 143: "stopped by SIGTERM"}
        codes = [f"  {code:<4}{meaning}" for code, meaning in meanings.items()]
        return "\n".join([*(["examples:", *examples, ""] if examples else []), "exit codes:", *codes])

    def execute(self, *args: Any, **options: Any) -> Any:
        """Apply the log format and the database limits, make the output safe, and run the command."""
        if log_format := options.pop("log_format", None):
            logging.config.dictConfig(settings.LOGGINGS[log_format])
        use_limits(self.database_limits)
        if stdout := options.pop("stdout", None):
            self.stdout = SafeOutput(stdout, exact=self.exact_output)
        if stderr := options.pop("stderr", None):
            self.stderr = SafeOutput(stderr)
        return super().execute(*args, **options)

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Run the checks without colours, because the output streams would show colour codes as code points."""
        style, self.style = self.style, no_style()
        try:
            super().check(*args, **kwargs)
        finally:
            self.style = style

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command, and exit with its exit code unless it is 0.

        An error is printed as one line. With ``--traceback``, its traceback is printed first.
        """
        try:
            super().run_from_argv([*argv, "--traceback"] if "--traceback" not in argv else argv)
        except KeyboardInterrupt as error:
            self._exit_interrupted(error)
        except BrokenPipeError:  # the reader, such as head, has closed the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:  # noqa: BLE001  (this is the outermost caller, so every error becomes one line)
            if interruption := interrupts.interruption_in(error):
                self._exit_interrupted(interruption)
            if "--traceback" in argv:
                sys.stderr.write(visible(redact("".join(traceback.format_exception(error)))))
            message = visible_line(redact(in_one_line(error)))
            sys.stderr.write(wrapped(f"error: {message} ({classify_failure(error).value})", sys.stderr) + "\n")
            sys.exit(exit_code_for(error))
        if self.exit_code:
            sys.exit(self.exit_code)

    def _exit_interrupted(self, error: KeyboardInterrupt) -> NoReturn:
        """Print the last line, and exit with the exit code of the signal."""
        line = wrapped(visible_line(interrupts.line_for(error, self.interrupted)), sys.stderr)
        sys.exit(interrupts.report(error, line))
