"""Whether a person runs the command."""

import sys


def at_terminal() -> bool:
    """Return whether standard input or standard error is a terminal: a person reads the messages of this command.

    Under cron and systemd both are files or pipes; a person who pipes the output still types into a terminal.
    """
    return any(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stderr))
