"""The interface between core and trackers: what a tracker app can define, and which trackers are installed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage
from django.urls import reverse

from core.search.documents import DocumentSource
from core.search.query.references import Reference, ReferencedDocument, ReferencePattern

if TYPE_CHECKING:  # models cannot be imported while apps load, and the Markdown parser would slow down every command
    from typing import Any

    from django.contrib.postgres.search import SearchQuery
    from django.db.models import QuerySet

    from core.models import Activity
    from core.operations.markdown import Markup


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierText:
    """An earlier text of an edited item. Times are UTC, and ``None`` if they are unknown."""

    text: str
    written_at: datetime | None = None
    replaced_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Data that the configured account cannot read, and how to get access."""

    scope: str
    missing: str
    what_to_do: str
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadHead:
    """The heading of a thread's page."""

    title: str
    kind: str = ""
    """Kind of thread, such as ``pull request``."""
    number: str = ""
    """Number in the source's notation, such as ``#12``."""
    state: str = ""
    """One word, such as ``merged``. Empty for threads without a state."""
    tone: str = ""
    """Name of the colour of the state: ``good`` (green), ``bad`` (red), ``waits`` (amber) or empty (no colour)."""
    labels: Sequence[str] = ()
    place: str = ""
    """Location of the thread within its scope, such as ``#general``. Empty if the scope itself is the location."""
    url: str = ""

    @property
    def label(self) -> str:
        """Return the number and the title, or only the title if there is no number."""
        return f"{self.number} {self.title}".strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One activity as a sentence without its actor. The sentence consists of ``did``, the subject and ``after``.

    Examples: ``commented on`` #12 Title; ``renamed`` #12 Title ``from "Old title"``.
    """

    did: str
    after: str = ""
    subject: str = ""
    """Subject of the sentence. If it is empty, the page shows the thread's number and title instead."""
    excerpt: str = ""
    """The first words of the text, without markup. Empty for activities without a text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PostDetails:
    """Details that a page shows together with the text of a post."""

    badge: str = ""
    """One or two words, such as ``approved``, ``pinned`` or ``answer``."""
    reactions: Sequence[tuple[str, int]] = ()
    """Pairs of an emoji and its count."""
    reply_to: str = ""
    """External id of the post that this post replies to."""
    reply_words: str = ""
    """Author and first words of the post that this post replies to."""
    file: str = ""
    """File and line of a review comment."""
    hunk: str = ""
    """The diff up to the line of a review comment, in the unified format."""
    parts: Sequence[str] = ()
    """Attachments as text: names of files, titles of previews, options of a poll."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityTexts:
    """The texts of an activity that a tracker computes from its own tables. The timeline need not store them."""

    actor_name: str = ""
    source_url: str = ""
    summary: str = ""


def thread_address(source_system: str, thread: str) -> str:
    """Return the URL of a thread's page."""
    return f"{reverse('admin:thread', args=[source_system])}?{urlencode({'id': thread})}"


def activity_address(source_system: str, external_id: str) -> str:
    """Return the URL of an activity on its thread's page."""
    return f"{reverse('admin:find', args=[source_system])}?{urlencode({'id': external_id})}"


def person_address(source_system: str, account: object) -> str:
    """Return the URL of the timeline, filtered by an account."""
    return f"{reverse('admin:timeline')}?{urlencode({'person': f'{source_system}:{account}'})}"


def scope_address(source_system: str, scope: str) -> str:
    """Return the URL of the timeline, filtered by a scope. ``scope`` is the external id."""
    return f"{reverse('admin:timeline')}?{urlencode({'source': source_system, 'scope': scope})}"


class TrackerConfig(AppConfig):
    """The app configuration of a tracker.

    Only ``source_system`` and ``collect_command`` are required. Pages pass all ids or activities of a page in one call.
    Therefore, the number of SQL statements in such a method must not depend on the number of ids or activities.
    """

    source_system: str
    """Name of the source, such as ``github``. It is the first part of external ids and the value of ``--source``."""
    collect_command: str
    """Name of the management command that collects, such as ``collect_github``."""
    setting_names: Collection[str] = ()
    """Names of the settings that only this tracker reads. ``manage.py check`` reports missing settings."""
    secret_settings: Collection[str] = ()
    """Names of settings with secrets. Each value is a string or a list of strings. The values never appear in logs."""
    type_names: Mapping[str, str] = {}
    """Labels by activity type. Any other type is shown as its own words: ``issue comment`` for ``x.issue_comment``."""
    passive_types: Collection[str] = frozenset()
    """Activity types that do not require the person to act, such as being mentioned. Charts and rankings omit them."""

    common_types: Collection[str] = frozenset()
    """Types of most of the source's activities, such as messages. They are left out of the index by type.

    The activities of these types have ``common`` set.
    """

    def is_set_up(self) -> bool:
        """Return whether ``collect_all`` runs this tracker: False if no account is configured for it."""
        return True

    def checks(self) -> Sequence[CheckMessage]:
        """Return messages for ``manage.py check``, such as settings that contradict each other."""
        return ()

    def deployment_checks(self) -> Sequence[CheckMessage]:
        """Return messages for ``manage.py check --deploy``, such as a missing token."""
        return ()

    def document_source(self) -> DocumentSource | None:
        """Return the source of this tracker's documents for the search index, or ``None`` if it has no documents."""
        return None

    def watched_scopes(self) -> Collection[str] | None:
        """Return the external ids of the scopes that a run without arguments collects; ``None`` means all known scopes.

        Only these scopes can become stale and raise alerts.
        """
        return None

    def configured_names(self) -> Collection[str]:
        """Return the names of the scopes that are listed in the settings, as run reports show them.

        Alerts about these scopes stay open even if no data of the scope was ever stored.
        """
        return ()

    def bodies(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the full texts of activities by external id. Activities without a text are omitted.

        Called with at most a few thousand ids at a time.
        """
        del external_ids
        return {}

    def revisions(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
        """Return the earlier texts of activities by external id, newest first. Unedited activities are omitted.

        Called with up to 100 ids.
        """
        del external_ids
        return {}

    def activity_texts(self, activities: "Sequence[Activity]") -> Mapping[str, ActivityTexts]:
        """Return texts by external id that the timeline does not store, because they can be computed.

        Called with a few thousand activities at a time.
        """
        del activities
        return {}

    def account_names(self, accounts: Sequence[str]) -> Mapping[str, str]:
        """Return the names of accounts by id. For omitted accounts, pages show the name in the latest activity."""
        del accounts
        return {}

    def accounts_named(self, name: str) -> Collection[str]:
        """Return the ids of at most 1,000 accounts with this name, ignoring case, if the timeline stores no names."""
        del name
        return ()

    def numbers_with_words(self, query: "SearchQuery") -> "QuerySet[Any] | None":
        """Return a query for the numbers of the activities with these words, or ``None``.

        Only for activities without a stored summary. A number is the last part of an external id.
        """
        del query
        return None

    def notes(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Return short remarks about activities, such as "hidden as spam", by external id. A thread's page shows them.

        Called with up to 100 ids.
        """
        del external_ids
        return {}

    def heads(self, threads: Sequence[str]) -> Mapping[str, ThreadHead]:
        """Return the headings of threads by the thread's external id. Unknown threads are omitted.

        Called with up to 100 ids.
        """
        del threads
        return {}

    def lines(self, activities: "Sequence[Activity]") -> Mapping[str, Line]:
        """Return activities as sentences by external id. For an omitted activity, pages show its type and its summary.

        Called with up to 100 activities.
        """
        del activities
        return {}

    def details(self, external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
        """Return the details of posts by external id. Posts without details are omitted.

        Called with up to 100 ids.
        """
        del external_ids
        return {}

    def markup(self, texts: Sequence[str], scope: str) -> "Markup":
        """Return the Markdown flavour of these texts, together with the targets of the references in the texts.

        ``scope`` is the external id of the scope that contains the texts.
        """
        from core.operations.markdown import PLAIN

        del texts, scope
        return PLAIN

    def reference_patterns(self) -> Sequence[ReferencePattern]:
        """Return the patterns of references that only this source has, such as the numbers of its items.

        Core recognises URLs, hashes, paths, names of branches and tags, versions and people in every query.
        """
        return ()

    def find_references(self, references: Sequence[Reference]) -> Mapping[Reference, Sequence[ReferencedDocument]]:
        """Return the documents that references of a query mean, the most recently changed first.

        ``references`` are those of this tracker's patterns and those that core recognises. Unknown references are
        omitted. Return at most 1,000 documents for a reference, and use indexes: a search calls this method.
        """
        del references
        return {}

    def bots(self) -> Collection[str]:
        """Return the ids of accounts that are bots."""
        return ()

    def unreadable_scopes(self) -> Collection[str]:
        """Return the external ids of known scopes that the configured account has no permission to read."""
        return ()

    def gaps(self, most: int) -> Sequence[Gap]:
        """Return at most ``most`` gaps, as stored by the last run. This method must not send requests."""
        del most
        return ()


def installed_trackers() -> list[TrackerConfig]:
    """Return the installed trackers in the order of ``INSTALLED_APPS``."""
    return [config for config in apps.get_app_configs() if isinstance(config, TrackerConfig)]


def tracker_of(source_system: str) -> TrackerConfig | None:
    """Return the installed tracker of a source, or ``None`` if no installed tracker collects the source."""
    return next((tracker for tracker in installed_trackers() if tracker.source_system == source_system), None)


def document_sources(source_system: str | None = None) -> list[DocumentSource]:
    """Return the document sources of all installed trackers, or only the one of ``source_system`` if it is given."""
    sources = (
        tracker.document_source() for tracker in installed_trackers() if source_system in {None, tracker.source_system}
    )
    return [source for source in sources if source is not None]
