"""A collector that does what it is told, and a command that runs it."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from core.collectors import AbstractCollector, BaseCollectorCommand, CollectorRunnable


class FakeCollector(AbstractCollector):
    """Does what it is told, and remembers in which order and phase."""

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
    """Runs a given collector."""

    collector: FakeCollector

    def __init__(self) -> None:
        super().__init__()
        self.printed = StringIO()

    def get_collector(self, **options: Any) -> CollectorRunnable:
        return self.collector


def run(collector: FakeCollector, *arguments: str, command: Command | None = None) -> Command:
    """As another program runs it; what it prints is kept."""
    command = command or Command()
    command.collector = collector
    call_command(command, *arguments, stdout=command.printed, stderr=StringIO())
    return command


def command_error(collector: FakeCollector, *arguments: str, command: Command | None = None) -> Exception:
    """What the command raises; whatever that is, no phase is left behind."""
    with pytest.raises(Exception) as raised:  # noqa: PT011  (the caller looks at it)
        run(collector, *arguments, command=command)
    assert not hasattr(collector, "_error_phase")
    return raised.value
