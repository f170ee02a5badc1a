"""A fake collector that returns a given result or raises given exceptions, and a command that runs the collector."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from core.collectors import AbstractCollector, BaseCollectorCommand, CollectorRunnable


class FakeCollector(AbstractCollector):
    """A collector that returns ``answer``, or raises the exception that is given for a step.

    ``calls`` contains the name of each called method, and the phase of the collector during the call.
    """

    name = "fake"

    def __init__(
        self, answer: Any = None, *, run: Exception | None = None, sync: Exception | None = None,
        handler: Exception | None = None,
    ) -> None:  # fmt: skip
        self.answer, self.run_failure, self.sync_failure, self.handler_failure = answer, run, sync, handler
        self.calls: list[tuple[str, str]] = []
        self.handled: list[Exception] = []

    def _note(self, call: str, failure: Exception | None = None) -> None:
        self.calls.append((call, getattr(self, "_error_phase", "none")))
        if failure:
            raise failure

    def validate_config(self) -> None:
        self._note("validate")

    def collect(self) -> Any:
        self._note("collect", self.run_failure)
        return self.answer

    def sync_pinecone(self) -> None:
        self._note("sync", self.sync_failure)

    def handle_error(self, exc: Exception) -> None:
        self.handled.append(exc)
        super().handle_error(exc)
        self._note("handle", self.handler_failure)


class Command(BaseCollectorCommand):
    """A collecting command that runs ``collector``. ``printed`` contains its output."""

    collector: FakeCollector

    def __init__(self) -> None:
        super().__init__()
        self.printed = StringIO()

    def get_collector(self, **options: Any) -> CollectorRunnable:
        return self.collector


def run(collector: FakeCollector, *arguments: str, command: Command | None = None) -> Command:
    """Run the command with ``call_command``, and return the command."""
    command = command or Command()
    command.collector = collector
    call_command(command, *arguments, stdout=command.printed, stderr=StringIO())
    return command


def command_error(collector: FakeCollector, *arguments: str, command: Command | None = None) -> Exception:
    """Run the command, and return the exception that it raises. Checks that the collector no longer has a phase."""
    with pytest.raises(Exception) as raised:  # noqa: PT011  (the caller checks it)
        run(collector, *arguments, command=command)
    assert not hasattr(collector, "_error_phase")
    return raised.value
