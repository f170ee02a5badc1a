"""The plug-in point: what core asks of a tracker app, and which trackers are installed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.apps import AppConfig, apps

from core.search.documents import DocumentSource


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierText:
    """What something said before an edit. Times are UTC; ``None``: nobody knows."""

    text: str
    written_at: datetime | None = None
    replaced_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Something that the account in use may not read, and what to do about it."""

    scope: str
    missing: str
    what_to_do: str
    since: datetime | None = None


class TrackerConfig(AppConfig):
    """The app configuration of a tracker.

    A tracker gives its ``source_system`` and the name of its collecting command; everything else has a default, so
    that a new tracker can begin small.
    """

    source_system: str
    """The first word of its external ids and the ``--source`` of the commands, such as ``github``."""
    collect_command: str
    """The management command that collects, such as ``collect_github``."""

    def is_set_up(self) -> bool:
        """Whether ``collect_all`` shall run the collecting command; one without an account has nothing to collect."""
        return True

    def document_source(self) -> DocumentSource | None:
        """What renders this tracker's documents for the search index; ``None`` when it has nothing to search."""
        return None

    def watched_scopes(self) -> Collection[str] | None:
        """External ids of the scopes that runs without names collect; ``None``: every scope that is known.

        Only of these is somebody told that they are not fresh.
        """
        return None

    def configured_names(self) -> Collection[str]:
        """Return names that the settings list for runs without names, as run reports call them, known or not.

        Alerts about them stay open although nothing of them was ever stored.
        """
        return ()

    def bodies(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """The full texts behind activities, by external id; what has no text is left out.

        Called with a few thousand ids at a time; a constant number of statements is expected.
        """
        del external_ids
        return {}

    def revisions(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
        """Earlier texts behind activities, by external id, the latest first; what was never edited is left out.

        Called with up to a hundred ids; a constant number of statements is expected.
        """
        del external_ids
        return {}

    def gaps(self, most: int) -> Sequence[Gap]:
        """What cannot be read for want of a permission, as of the last run; nothing is asked of the source.

        The first ones, at most so many: a page shows no more.
        """
        del most
        return ()


def installed_trackers() -> list[TrackerConfig]:
    """The installed trackers, in the order of ``INSTALLED_APPS``."""
    return [config for config in apps.get_app_configs() if isinstance(config, TrackerConfig)]


def document_sources(source_system: str | None = None) -> list[DocumentSource]:
    """What can be searched: of every installed tracker, or of one."""
    found = (
        tracker.document_source() for tracker in installed_trackers() if source_system in {None, tracker.source_system}
    )
    return [source for source in found if source is not None]
