"""The plug-in point: what core asks of a tracker app, and which trackers are installed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.apps import AppConfig, apps
from django.urls import reverse

from core.search.documents import DocumentSource

if TYPE_CHECKING:  # models cannot be imported while apps are loaded, and the parser would slow down every command
    from core.models import Activity
    from core.operations.markdown import Markup


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


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadHead:
    """What stands above a thread: what it is about, and where it is."""

    title: str
    kind: str = ""
    """In words, such as ``pull request``."""
    number: str = ""
    """As people write it, such as ``#12``."""
    state: str = ""
    """In a word, such as ``merged``; empty for what has no states."""
    tone: str = ""
    """How the state is painted: ``good``, ``bad``, ``waits`` or nothing."""
    labels: Sequence[str] = ()
    place: str = ""
    """Where it is, when the name of the scope does not say it."""
    url: str = ""

    @property
    def label(self) -> str:
        """Number and title in one."""
        return f"{self.number} {self.title}".strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What one activity was, for a sentence: somebody ``did`` something to a subject; ``after`` follows the subject.

    ``commented on`` #12 Title; ``renamed`` #12 Title ``from "Old title"``.
    """

    did: str
    after: str = ""
    subject: str = ""
    """Stands for the thread; empty: the thread's number and title."""
    excerpt: str = ""
    """The first words of what was written, without markup; empty for what is no text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PostDetails:
    """What belongs to a post beside its text."""

    badge: str = ""
    """In a word or two, such as ``approved``, ``pinned``, ``answer``."""
    reactions: Sequence[tuple[str, int]] = ()
    """Emoji and how often."""
    reply_to: str = ""
    """External id of the post that this one answers."""
    reply_words: str = ""
    """Who is answered, and the first words of it."""
    file: str = ""
    """The file and line that it stands at."""
    hunk: str = ""
    """The part of the diff above that line, in the unified format."""
    parts: Sequence[str] = ()
    """What came with it: names of files, titles of previews, answers of a poll."""


def thread_address(source_system: str, thread: str) -> str:
    """Return the address of a thread's page."""
    return f"{reverse('admin:thread', args=[source_system])}?{urlencode({'id': thread})}"


def activity_address(source_system: str, external_id: str) -> str:
    """Return the address that leads to an activity in its thread."""
    return f"{reverse('admin:find', args=[source_system])}?{urlencode({'id': external_id})}"


def person_address(source_system: str, account: object) -> str:
    """Return the address of everything that an account did, by its id."""
    return f"{reverse('admin:timeline')}?{urlencode({'person': f'{source_system}:{account}'})}"


def scope_address(source_system: str, scope: str) -> str:
    """Return the address of everything that happened in a scope, by its external id."""
    return f"{reverse('admin:timeline')}?{urlencode({'source': source_system, 'scope': scope})}"


class TrackerConfig(AppConfig):
    """The app configuration of a tracker.

    A tracker gives its ``source_system`` and the name of its collecting command; everything else has a default, so
    that a new tracker can begin small.
    """

    source_system: str
    """The first word of its external ids and the ``--source`` of the commands, such as ``github``."""
    collect_command: str
    """The management command that collects, such as ``collect_github``."""
    type_names: Mapping[str, str] = {}
    """What activity types are called where the type itself does not say it."""
    passive_types: Collection[str] = frozenset()
    """Activity types that happen to a person, such as being mentioned: no chart and no ranking counts them."""

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

    def notes(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """A few words to show beside an activity on its thread's page, such as "hidden as spam", by external id.

        Called with up to a hundred ids; a constant number of statements is expected.
        """
        del external_ids
        return {}

    def heads(self, threads: Sequence[str]) -> Mapping[str, ThreadHead]:
        """Return what stands above threads, by the external id of the thread; unknown ones are left out.

        Called with up to a hundred ids; a constant number of statements is expected.
        """
        del threads
        return {}

    def lines(self, activities: "Sequence[Activity]") -> Mapping[str, Line]:
        """Return what activities were, in words, by external id; those left out are called by their type.

        Called with up to a hundred; a constant number of statements is expected.
        """
        del activities
        return {}

    def details(self, external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
        """Return what belongs to posts beside their texts, by external id; those without any are left out.

        Called with up to a hundred ids; a constant number of statements is expected.
        """
        del external_ids
        return {}

    def markup(self, texts: Sequence[str], scope: str) -> "Markup":
        """Return how texts of the scope (its external id) are written, with every reference in them looked up.

        A constant number of statements is expected, however many texts there are.
        """
        from core.operations.markdown import PLAIN

        del texts, scope
        return PLAIN

    def bots(self) -> Collection[str]:
        """Return the ids of accounts that are programs."""
        return ()

    def unreadable_scopes(self) -> Collection[str]:
        """Return external ids of scopes that are known and may not be read with the account in use."""
        return ()

    def gaps(self, most: int) -> Sequence[Gap]:
        """What cannot be read for want of a permission, as of the last run; nothing is asked of the source.

        The first ones, at most so many: a page shows no more.
        """
        del most
        return ()


def installed_trackers() -> list[TrackerConfig]:
    """The installed trackers, in the order of ``INSTALLED_APPS``."""
    return [config for config in apps.get_app_configs() if isinstance(config, TrackerConfig)]


def tracker_of(source_system: str) -> TrackerConfig | None:
    """Return the installed tracker of a source, if there is one."""
    return next((tracker for tracker in installed_trackers() if tracker.source_system == source_system), None)


def document_sources(source_system: str | None = None) -> list[DocumentSource]:
    """What can be searched: of every installed tracker, or of one."""
    found = (
        tracker.document_source() for tracker in installed_trackers() if source_system in {None, tracker.source_system}
    )
    return [source for source in found if source is not None]
