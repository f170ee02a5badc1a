"""A management command as a collector."""

from django.core.management import call_command

from core.collectors.abstract import CollectorBase


class DjangoCommandCollector(CollectorBase):
    """Runs an existing command, once for each ``run()``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self) -> None:
        """Call the command."""
        call_command(self.name)
