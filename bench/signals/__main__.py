"""Stop commands, and print a line a command; the exit code is 1 when anything failed."""

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
"""Characters of a failure that are printed: it quotes whole rows."""


def main() -> int:
    """Run what the arguments name."""
    parser = ArgumentParser(
        prog="python -m bench.signals", description=(bench.signals.__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=f"Of {', '.join(SCENARIOS)}; without any: all.")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="Another number, other moments (1).")
    parser.add_argument("--moments", type=int, default=20, metavar="N", help="Moments a command (20).")
    parser.add_argument("--verbose", action="store_true", help="Also print the columns that are not compared.")
    options = parser.parse_args()
    if unknown := set(options.commands) - set(SCENARIOS):
        parser.error(f"no such command: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # leaves nothing running either
    with (
        tempfile.TemporaryDirectory(prefix="signals-", ignore_cleanup_errors=True) as folder,
        Stage(Path(folder)) as stage,
    ):
        return run(stage, options)


def run(stage: Stage, options: Namespace) -> int:
    """Run the trials one after the other."""
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
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
