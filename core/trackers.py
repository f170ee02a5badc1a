"""The plug-in point: what a tracker app may define for core, and which trackers are installed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage
from django.urls import reverse

from core.search.documents import DocumentSource

if TYPE_CHECKING:  # models cannot be imported while apps are loaded; the Markdown parser would slow down every command
    from core.models import Activity
    from core.operations.markdown import Markup


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierText:
    """A text before an edit. Times are UTC, ``None`` where they are unknown."""

    text: str
    written_at: datetime | None = None
    replaced_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Data that the configured account may not read, and how to get access."""

    scope: str
    missing: str
    what_to_do: str
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadHead:
    """The heading of a thread's page."""

    title: str
    kind: str = ""
    """What the thread is, such as ``pull request``."""
    number: str = ""
    """As the source writes it, such as ``#12``."""
    state: str = ""
    """One word, such as ``merged``; empty for threads without a state."""
    tone: str = ""
    """Colour of the state: ``good``, ``bad``, ``waits`` or empty."""
    labels: Sequence[str] = ()
    place: str = ""
    """Location, such as a channel, where the name of the scope does not say it."""
    url: str = ""

    @property
    def label(self) -> str:
        """Return the number and the title."""
        return f"{self.number} {self.title}".strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One activity as a sentence without its actor: ``did``, then the subject, then ``after``.

    Examples: ``commented on`` #12 Title; ``renamed`` #12 Title ``from "Old title"``.
    """

    did: str
    after: str = ""
    subject: str = ""
    """Shown instead of the thread's number and title; empty: show those."""
    excerpt: str = ""
    """The first words of the text, without markup; empty for activities without a text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PostDetails:
    """The parts of a post besides its text."""

    badge: str = ""
    """One or two words, such as ``approved``, ``pinned`` or ``answer``."""
    reactions: Sequence[tuple[str, int]] = ()
    """Pairs of emoji and count."""
    reply_to: str = ""
    """External id of the post that this post replies to."""
    reply_words: str = ""
    """Author and first words of that post."""
    file: str = ""
    """File and line of a review comment."""
    hunk: str = ""
    """The diff up to that line, in the unified format."""
    parts: Sequence[str] = ()
    """Attachments: names of files, titles of previews, options of a poll."""


def thread_address(source_system: str, thread: str) -> str:
    """Return the address of a thread's page."""
    return f"{reverse('admin:thread', args=[source_system])}?{urlencode({'id': thread})}"


def activity_address(source_system: str, external_id: str) -> str:
    """Return the address of an activity on its thread's page."""
    return f"{reverse('admin:find', args=[source_system])}?{urlencode({'id': external_id})}"


def person_address(source_system: str, account: object) -> str:
    """Return the address of an account's timeline."""
    return f"{reverse('admin:timeline')}?{urlencode({'person': f'{source_system}:{account}'})}"


def scope_address(source_system: str, scope: str) -> str:
    """Return the address of a scope's timeline. ``scope`` is the external id."""
    return f"{reverse('admin:timeline')}?{urlencode({'source': source_system, 'scope': scope})}"


class TrackerConfig(AppConfig):
    """The app configuration of a tracker.

    Only ``source_system`` and ``collect_command`` are required. Methods that take ids or activities must run a constant
    number of database statements, because pages call them for every list.
    """

    source_system: str
    """First part of external ids and value of ``--source``, such as ``github``."""
    collect_command: str
    """Name of the management command that collects, such as ``collect_github``."""
    setting_names: Collection[str] = ()
    """Settings that the tracker reads. ``manage.py check`` reports a missing one; core reads none of them."""
    secret_settings: Collection[str] = ()
    """Settings that hold secrets, texts or lists of texts. Their values never appear in logs and messages."""
    type_names: Mapping[str, str] = {}
    """Labels of activity types where the type itself is not a good label."""
    passive_types: Collection[str] = frozenset()
    """Activity types without an act of the person, such as being mentioned. Charts and rankings leave them out."""

    def is_set_up(self) -> bool:
        """Return whether ``collect_all`` runs this tracker; False where it has no account to collect with."""
        return True

    def checks(self) -> Sequence[CheckMessage]:
        """Return messages for ``manage.py check``, such as settings that contradict each other."""
        return ()

    def deployment_checks(self) -> Sequence[CheckMessage]:
        """Return messages for ``manage.py check --deploy``, such as a missing token."""
        return ()

    def document_source(self) -> DocumentSource | None:
        """Return the source of this tracker's documents for the search index; ``None``: nothing to search."""
        return None

    def watched_scopes(self) -> Collection[str] | None:
        """Return external ids of the scopes that a run without arguments collects; ``None``: every known scope.

        Only these scopes can become stale and raise alerts.
        """
        return None

    def configured_names(self) -> Collection[str]:
        """Return the names that the settings list for a run without arguments, as run reports show them.

        Alerts about these names stay open even when nothing of them was ever stored.
        """
        return ()

    def bodies(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the full texts of activities by external id; activities without a text are left out.

        Called with a few thousand ids at a time.
        """
        del external_ids
        return {}

    def revisions(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
        """Return earlier texts of activities by external id, newest first; unedited activities are left out.

        Called with up to 100 ids.
        """
        del external_ids
        return {}

    def notes(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Return short remarks for activities on a thread's page, such as "hidden as spam", by external id.

        Called with up to 100 ids.
        """
        del external_ids
        return {}

    def heads(self, threads: Sequence[str]) -> Mapping[str, ThreadHead]:
        """Return the headings of threads by the thread's external id; unknown threads are left out.

        Called with up to 100 ids.
        """
        del threads
        return {}

    def lines(self, activities: "Sequence[Activity]") -> Mapping[str, Line]:
        """Return activities as sentences by external id. An activity that is left out is shown by its type.

        Called with up to 100 activities.
        """
        del activities
        return {}

    def details(self, external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
        """Return the parts of posts besides their texts, by external id; posts without any are left out.

        Called with up to 100 ids.
        """
        del external_ids
        return {}

    def markup(self, texts: Sequence[str], scope: str) -> "Markup":
        """Return the flavour of Markdown of these texts, with every reference in them resolved.

        ``scope`` is the external id of the scope that the texts belong to.
        """
        from core.operations.markdown import PLAIN

        del texts, scope
        return PLAIN

    def bots(self) -> Collection[str]:
        """Return the ids of accounts that are bots."""
        return ()

    def unreadable_scopes(self) -> Collection[str]:
        """Return external ids of known scopes that the configured account may not read."""
        return ()

    def gaps(self, most: int) -> Sequence[Gap]:
        """Return at most ``most`` gaps that missing permissions cause, as of the last run, without a request."""
        del most
        return ()


def installed_trackers() -> list[TrackerConfig]:
    """Return the installed trackers in the order of ``INSTALLED_APPS``."""
    return [config for config in apps.get_app_configs() if isinstance(config, TrackerConfig)]


def tracker_of(source_system: str) -> TrackerConfig | None:
    """Return the installed tracker of a source, or ``None``."""
    return next((tracker for tracker in installed_trackers() if tracker.source_system == source_system), None)


def document_sources(source_system: str | None = None) -> list[DocumentSource]:
    """Return the document sources of every installed tracker, or of one source."""
    sources = (
        tracker.document_source() for tracker in installed_trackers() if source_system in {None, tracker.source_system}
    )
    return [source for source in sources if source is not None]
