"""Stops one command at random moments."""

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.signals.commands import Beginnings, Scenario
from bench.signals.stage import LONGEST, Place, Stage
from bench.signals.state import NOT_COMPARED, State, read_state
from core.operations.output import number_of

BOUND = 10.0
"""Maximum seconds from SIGTERM or SIGINT to the end of a command. Docker kills a container 10 seconds after SIGTERM."""
KINDS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LINES = {signal.SIGTERM: "stopped by SIGTERM: ", signal.SIGINT: "interrupted: "}
TRACES = re.compile(r"Traceback|Exception ignored|^\w*Error: ", re.MULTILINE)


@dataclass(kw_only=True, slots=True)
class Verdict:
    """The result for one command. Each failure after a signal names the signal and the seconds from start to signal."""

    command: str
    moments: int = 0
    ended_before: int = 0
    """Number of runs that had already ended at the moment of the signal."""
    slowest: float = 0.0
    """Longest time from SIGTERM or SIGINT to the end of the command, in seconds."""
    start_up: float = 0.0
    whole: float = 0.0
    """Duration of an undisturbed run in seconds."""
    failures: list[str] = field(default_factory=list[str])
    not_compared: list[str] = field(default_factory=list[str])


class Trial:
    """Runs one command undisturbed and with signals, and compares the end states."""

    def __init__(self, stage: Stage, beginnings: Beginnings, name: str, scenario: Scenario) -> None:
        self._stage, self._scenario = stage, scenario
        self._begin = stage.place(beginnings.get(scenario.begin))
        if scenario.prepare:
            scenario.prepare(stage, self._begin)
        self._begin.environment |= scenario.settings(stage)
        self.verdict = Verdict(command=name)

    def run(self, seed: int, moments: int) -> Verdict:
        """Run the command twice undisturbed, then stop it ``moments`` times at random moments. Returns the verdict."""
        self.verdict.start_up = self._stage.run(self._begin, self._scenario.arguments[0], "--help").seconds
        first, second = self._undisturbed(), self._undisturbed()
        volatile = first.differing_columns(second) | NOT_COMPARED
        self.verdict.not_compared = sorted(f"{table}.{column}" for table, column in volatile)
        if unstable := first.differences(second, volatile):
            self.verdict.failures += [f"two undisturbed runs differ: {line}" for line in unstable]
        for kind, moment in self._moments(seed, moments):
            place = self._copy()
            label = f"{kind.name} at {moment:.2f} s"
            self.verdict.failures += [f"{label}: {line}" for line in self._stop(place, kind, moment)]
            self.verdict.failures += [f"{label}: {line}" for line in self._run_again(place, second, volatile)]
            self.verdict.moments += 1
            self._stage.remove(place)
        self._stage.remove(self._begin)
        return self.verdict

    def _moments(self, seed: int, number: int) -> Iterator[tuple[signal.Signals, float]]:
        dice = random.Random(f"{seed} {self.verdict.command}")  # noqa: S311  (seeded, so that it can be repeated)
        offset = dice.randrange(len(KINDS))
        for index in range(number):
            moment = dice.uniform(self.verdict.start_up / 2, max(self.verdict.whole, self.verdict.start_up))
            yield KINDS[(index + offset) % len(KINDS)], moment

    def _copy(self) -> Place:
        self._stage.slack.messages.clear()
        return self._stage.place(self._begin)

    def _undisturbed(self) -> State:
        place = self._copy()
        ended = self._stage.run(place, *self._scenario.arguments)
        self.verdict.whole = ended.seconds
        if ended.code != self._scenario.code:
            self.verdict.failures.append(f"an undisturbed run ended with {ended.code}: {ended.errors[-500:]}")
        state = read_state(self._stage, place)
        self._stage.remove(place)
        return state

    def _stop(self, place: Place, kind: signal.Signals, moment: float) -> Iterator[str]:
        """Start the command, send the signal, and yield a line for each problem with the end of the command."""
        errors, began = self._stage.folder / "stopped", time.monotonic()
        process = self._stage.start(place, self._scenario.arguments, errors)
        try:
            process.wait(max(0.0, began + moment - time.monotonic()))
        except subprocess.TimeoutExpired:
            sent = time.monotonic()
            if kind == signal.SIGINT:  # a terminal sends SIGINT to the whole process group
                os.killpg(process.pid, kind)
            else:
                process.send_signal(kind)
            yield from self._end_of(process, kind)
            if kind != signal.SIGKILL:
                self.verdict.slowest = max(self.verdict.slowest, time.monotonic() - sent)
        else:
            self.verdict.ended_before += 1
        if kind == signal.SIGKILL:
            return
        written = errors.read_text(errors="replace")
        if TRACES.search(written):
            yield f"it printed a traceback: {written[-2000:]}"
        if process.returncode == 128 + kind and len(re.findall(f"^{LINES[kind]}", written, re.MULTILINE)) != 1:
            yield f"it did not print exactly one message: {written[-500:]!r}"

    def _end_of(self, process: "subprocess.Popen[bytes]", kind: signal.Signals) -> Iterator[str]:
        """Wait until the command has ended, and yield a line for each problem.

        The normal exit code is also correct, because the command may have completed before the signal had an effect.
        """
        try:
            code = process.wait(BOUND)
        except subprocess.TimeoutExpired:
            yield f"it did not end within {BOUND:.0f} s"
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(LONGEST)
            return
        if code not in {-kind if kind == signal.SIGKILL else 128 + kind, self._scenario.code}:
            yield f"the exit code is {code}"

    def _run_again(self, place: Place, expected: State, volatile: set[tuple[str, str]]) -> Iterator[str]:
        """Run the command again without a signal, and yield a line for each difference from the expected end state."""
        ended = self._stage.run(place, *self._scenario.arguments)
        if ended.code != self._scenario.code:
            yield f"the next run ended with {ended.code}: {ended.errors[-500:]}"
        yield from expected.differences(read_state(self._stage, place), volatile)


def in_words(verdict: Verdict) -> str:
    """Return a verdict as one readable line."""
    kinds = Counter({"failed": len(verdict.failures), "ended before the signal": verdict.ended_before})
    more = "".join(f", {number} {what}" for what, number in kinds.items())
    times = f"startup {verdict.start_up:.1f} s, full run {verdict.whole:.1f} s, slowest exit {verdict.slowest:.1f} s"
    return f"{verdict.command}: {number_of(verdict.moments, 'moment')}{more}; {times}"
