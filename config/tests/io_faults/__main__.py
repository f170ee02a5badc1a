"""Fault injection: commands must survive failures of input and output.

Run it with ``python -m config.tests.io_faults --first 100 --seeded 100``. The jobs are: collections from the sample
repository and the sample Discord server, a sync of the index, a backup, an export and a first start. If the twin of
Pinecone (an imitation of its API) is installed, a sync to it is also a job.

In each run, one step of a job fails: creating, writing, syncing or renaming a file, reading from the network, or
starting a program or a database session. Then the command runs again without a fault. The end state must be the same as
after a run without faults. The exit code is 1 if any run has a problem, such as a different end state or a traceback.
"""

import argparse
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from config.tests.io_faults.installation import PATIENCE, Ended, Fault, Installation, difference
from config.tests.io_faults.jobs import CODES, Job, jobs, pinecone_job
from core.operations.output import number_of
from samples.discord import SampleDiscord
from samples.server import SampleServer
from tests.support.pinecone_twin import Twin
from tests.support.twins import available


def main() -> int:
    """Run the jobs that the arguments select, and return the exit code."""
    asked = _arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(
            number, lambda received, _frame: sys.exit(128 + received)
        )  # exit normally, so that the database server is stopped as well
    with (
        tempfile.TemporaryDirectory(prefix="io-", ignore_cleanup_errors=True) as folder,
        SampleServer() as github,
        SampleDiscord() as discord,
        ExitStack() as running,
    ):
        installation = Installation(Path(folder))
        running.callback(installation.stop)
        run = Disturbing(installation, github, discord)
        if available():
            twin = Twin()
            running.callback(twin.stop)
            run.jobs.append(pinecone_job(twin))
        return run.all(asked)


class Disturbing:
    """Runs jobs with faults in one installation, and collects the problems."""

    def __init__(self, installation: Installation, github: SampleServer, discord: SampleDiscord) -> None:
        self.installation, self.github = installation, github
        installation.environment = {
            "GITHUB_TOKENS": github.token(),
            "GITHUB_API_URL": github.url, "GITHUB_GIT_URL": github.url, "DISCORD_API_BASE": discord.url,
            "DISCORD_BOT_TOKEN": discord.token, "DISCORD_REQUESTS_PER_SECOND": "1000",
        }  # fmt: skip
        self.jobs = jobs(github.truth()["full_name"], str(discord.guild.id))
        self.expected: dict[str, Mapping[str, Any]] = {}
        self.kinds: Counter[str] = Counter()
        self.problems: list[str] = []

    def all(self, asked: argparse.Namespace) -> int:
        """Prepare the jobs, run them with faults, and print the problems. Returns the exit code."""
        chosen = [job for job in self.jobs if not asked.jobs or job.name in asked.jobs]
        self._make_templates({job.template for job in chosen})
        number = 0
        steps = {job.name: self._undisturbed(job) for job in chosen}
        for job, fault in faults(chosen, steps, asked):
            number += 1
            before = len(self.problems)
            ended = self._disturbed(job, fault)
            if asked.verbose or len(self.problems) > before:
                how = f"exit {ended.code} after {ended.seconds:.1f} s" if ended.step else "ended before this step"
                _say(f"{job.name} {fault}: {ended.step}: {how} {ended.err.strip()[-200:]!r}")
            for problem in self.problems[before:]:
                _say(f"  WRONG {problem}")
        met = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        problems = number_of(len(self.problems), "problem")
        _say(f"{number_of(number, 'fault')}, {self.kinds.total()} occurred ({met}); {problems}")
        return 1 if self.problems else 0

    def _make_templates(self, names: set[str]) -> None:
        """Create and save the databases with which the jobs start. Exits with a message if a command fails."""
        self._must_succeed("migrate", "--verbosity", "0")
        self.installation.keep_as("empty")
        if (
            "changed" in names
        ):  # the index lacks only a few documents, because embedding all documents would take most of the time
            issues = [*self.jobs[0].order(self.installation), "--streams", "issues"]
            self._must_succeed(*issues)
            self._must_succeed("sync_index")
            self.github.edit_issue(2, body="Text that is not in the index.")
            self._must_succeed(*issues)
            self.installation.keep_as("changed")
        if "collected" in names:
            self.installation.reset("empty")
            for job in self.jobs[:2]:
                self._must_succeed(*job.order(self.installation))
            self.installation.keep_as("collected")

    def _renew(self) -> None:
        """Reset the request budgets on the sample server, as if a new hour had begun."""
        self.github.limits.pools.clear()
        self.github.reset_log()

    def _must_succeed(self, *order: str) -> None:
        ended = self.installation.manage(*order, patience=10 * PATIENCE)
        if ended.code != 0:
            raise SystemExit(f"error: {order[0]} failed without a fault: exit code {ended.code} {ended.err}")

    def _undisturbed(self, job: Job) -> int:
        """Run a job twice from the beginning without faults, and return the number of its steps.

        Stores the end state that runs with faults must also reach. Exits with a message if the job fails.
        """
        steps = 0
        for _ in range(2):
            self._renew()
            job.begin(self.installation)
            ended = job.run(self.installation, Fault(at=0))
            if ended.code != 0:
                raise SystemExit(f"error: {job.name} failed without a fault: exit code {ended.code} {ended.err}")
            job.run(self.installation)
            self.expected[job.name] = job.state(self.installation)
            steps = ended.steps
        _say(f"{job.name}: {steps} steps in {ended.seconds:.1f} s")  # pyright: ignore[reportPossiblyUnboundVariable]
        return steps

    def _disturbed(self, job: Job, fault: Fault) -> Ended:
        """Run a job with a fault, run it again without a fault, and record the problems.

        Returns the result of the run with the fault.
        """
        self._renew()
        job.begin(self.installation)
        ended = job.run(self.installation, fault)
        if ended.step:
            self.kinds[ended.step.split()[1]] += 1
        if ended.code is None:
            self.problems.append(f"{job.name} {fault}: did not end")
        elif ended.code not in CODES:
            self.problems.append(f"{job.name} {fault}: exit code {ended.code}: {ended.err[-500:]}")
        if "Traceback" in ended.err:
            self.problems.append(f"{job.name} {fault}: a traceback: {ended.err[-1500:]}")
        clean = job.run(self.installation)
        if clean.code != 0:
            self.problems.append(f"{job.name} {fault}: the clean run ended with {clean.code}: {clean.err[-500:]}")
        if changes := difference(self.expected[job.name], job.state(self.installation)):
            self.problems.append(f"{job.name} {fault}: another end state: {changes}")
        if left := job.left_behind(self.installation):
            self.problems.append(f"{job.name} {fault}: left behind: {', '.join(left)}")
        return ended


def faults(chosen: list[Job], steps: Mapping[str, int], asked: argparse.Namespace) -> Iterator[tuple[Job, Fault]]:
    """Yield faults at the first steps of every job, then faults at random steps of all jobs.

    The seed in the arguments determines the random steps.
    """
    for job in chosen:
        for at in range(asked.begin, min(asked.first, steps[job.name]) + 1):
            yield job, Fault(at=at, way=at)
    dice = random.Random(asked.seed)
    for job in dice.choices(chosen, [job.weight for job in chosen], k=asked.seeded):
        at = dice.randint(1, max(1, steps[job.name]))
        yield job, Fault(at=at, lasting=dice.random() < 0.5, way=dice.randrange(1000))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m config.tests.io_faults", description=__doc__)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="make the first N steps of every job fail")
    parser.add_argument("--begin", type=int, default=1, metavar="N", help="with --first: start at step N")
    parser.add_argument("--seeded", type=int, default=0, metavar="N", help="then make N random steps fail")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random steps")
    parser.add_argument("--jobs", nargs="*", metavar="NAME", help="run only these jobs (default: all)")
    parser.add_argument("--verbose", action="store_true", help="print one line for each fault")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
