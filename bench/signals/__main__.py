"""``python -m bench.signals``: stop commands, and print one line per command. The exit code is 1 if a check failed."""

import signal
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

import bench.signals
from bench.signals.commands import SCENARIOS, Beginnings
from bench.signals.moments import Trial, in_words
from bench.signals.stage import Stage

LONGEST = 400
"""Maximum number of printed characters of a failure. Failures can quote whole rows, which would fill the screen."""


def main() -> int:
    """Run the commands that the arguments name, and return the exit code."""
    parser = ArgumentParser(
        prog="python -m bench.signals", description=(bench.signals.__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=f"Default: all of {', '.join(SCENARIOS)}.")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="Seed of the random moments (1).")
    parser.add_argument("--moments", type=int, default=20, metavar="N", help="Number of moments per command (20).")
    parser.add_argument("--verbose", action="store_true", help="Also print the columns that are not compared.")
    options = parser.parse_args()
    if unknown := set(options.commands) - set(SCENARIOS):
        parser.error(f"unknown command: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # also stops the servers
    with (
        tempfile.TemporaryDirectory(prefix="signals-", ignore_cleanup_errors=True) as folder,
        Stage(Path(folder)) as stage,
    ):
        return run(stage, options)


def run(stage: Stage, options: Namespace) -> int:
    """Run the trials one after another, print the results, and return the exit code."""
    beginnings, failed = Beginnings(stage), False
    for name in options.commands or SCENARIOS:
        verdict = Trial(stage, beginnings, name, SCENARIOS[name]).run(options.seed, options.moments)
        say(in_words(verdict))
        for failure in verdict.failures:
            say(f"  {failure[:LONGEST]}")
        if options.verbose:
            say(f"  not compared: {', '.join(verdict.not_compared) or 'nothing'}")
        failed = failed or bool(verdict.failures)
    return int(failed)


def say(line: str) -> None:
    """Print a line immediately."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
