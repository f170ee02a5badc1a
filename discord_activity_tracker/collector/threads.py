"""List the active threads of a guild and the archived threads of each channel.

A thread can move between lists while they are read. If any list contained a new or changed thread, the active threads
are therefore listed again at the end. A thread that is in no list any more is requested by id. After a channel was
switched between text and announcement, its lists omit the older threads. The thread search finds these threads.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from core.errors import CollectorError, NotFound, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.ingest.skips import clear_skips, record_skip
from core.operations.discord_ops import DiscordRefused, Gathering
from core.operations.output import number_of
from discord_activity_tracker.collector.run import COLLECTOR, DAY, Failure, GuildRun, Inventory, Step
from discord_activity_tracker.convert.guilds import SWITCHABLE, TEXT, Permissions, convert_threads, usable_channels
from discord_activity_tracker.fetch.guilds import list_active_threads
from discord_activity_tracker.fetch.session import WIDTH
from discord_activity_tracker.fetch.threads import (
    Listing,
    ThreadPage,
    archive_time,
    list_archived_threads,
    search_archived_threads,
)
from discord_activity_tracker.payloads import Channel
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import load_states, save_state
from discord_activity_tracker.store.guilds import (
    count_archived_threads,
    count_unlisted_threads,
    live_channels,
    store_listed_threads,
)

PRIVATE = 12
"""The channel type of a private thread."""
ThreadList = tuple[int, Listing]
"""A channel id and the name of one of its lists."""
SEARCH_FAILED = (NotFound, DiscordRefused, SourceUnavailable, SourceTimeout, UnexpectedAnswer)
"""Errors that end the thread search of one channel. They do not make the run partial."""


class ThreadLister:
    """Lists and stores the threads of one guild in one run."""

    def __init__(
        self, run: GuildRun, inventory: Inventory, permissions: Permissions, channels: Sequence[Channel],
        access: Mapping[int, str],
    ) -> None:  # fmt: skip
        self._run, self._inventory, self._permissions, self._access = run, inventory, permissions, access
        self._channels = [
            channel
            for channel in channels
            if permissions.lists_threads(channel) and run.options.channel in {None, int(channel["id"])}
        ]
        self._names = {int(channel["id"]): channel.get("name") or channel["id"] for channel in channels}
        self._states = load_states([int(channel["id"]) for channel in self._channels])
        self._newest: dict[ThreadList, datetime] = {}
        self._totals: dict[int, int] = {}
        self._unfinished: set[ThreadList] = set()
        self._listed: set[int] = set()
        self._parents: dict[int, int | None] = {}
        self._changed = 0

    def collect(self, active: Collection[int] | None) -> Iterator[Step]:
        """Read all lists that are due, and store their threads.

        ``active`` contains the ids of the active threads, which are already stored. It is ``None`` if Discord did not
        list the active threads.
        """
        self._listed.update(active or ())
        stored = live_channels(self._run.guild_id).filter(is_thread=True, archived=False).exclude(pk__in=self._listed)
        rows = [] if active is None else list(stored.values_list("pk", "type", "parent_id"))
        self._parents = {pk: parent for pk, _, parent in rows if self._is_visible(parent)}
        private = {self._parents[pk] for pk, kind, _ in rows if kind == PRIVATE and pk in self._parents}
        yield from self._read(list(self._due_lists(private)))
        if self._changed:
            yield from self._list_active_again()
        yield from self._search()

    def unlisted(self) -> Iterator[tuple[int, str]]:
        """Yield the id of each thread that was active before and is now in no list, with the access to its channel."""
        for thread_id in self._parents.keys() - self._listed:
            yield thread_id, self._access.get(self._parents[thread_id] or 0, "no_view")

    def _is_visible(self, parent: int | None) -> bool:
        """Return whether the threads of a channel can be requested. Hidden and missing channels are excluded."""
        return self._access.get(parent or 0, "no_view") != "no_view" and parent not in self._inventory.unreadable

    def _list_active_again(self) -> Iterator[Step]:
        try:
            threads = self._run.request(list_active_threads(self._run.client, self._run.guild_id))
        except CollectorError as error:
            yield Step(failure=Failure(scope=str(self._run.guild_id), stream="active_threads", error=error))
            return
        usable, _ = usable_channels(threads)
        by_parent = defaultdict[int, list[Channel]](list)
        for thread in usable:
            by_parent[int(thread.get("parent_id") or 0)].append(thread)
        for parent, children in by_parent.items():
            malformed = self._store(children, self._access.get(parent, "no_view"), parent)
            yield Step(counts={"threads_malformed": malformed})

    def _due_lists(self, private: set[int | None]) -> Iterator[ThreadList]:
        """Yield the lists to read in this run.

        Public lists are read in every run. A private list is read once a day, in a sweep, in a full run, and when a
        private thread of the channel is no longer active. ``private`` contains the channels of such threads. In
        addition, each run reads one private list, in rotation over the channels that are known to have private threads.
        """
        stored = live_channels(self._run.guild_id).filter(type=PRIVATE).values_list("parent_id", flat=True)
        with_private = set(stored.order_by().distinct())
        rested: list[tuple[str, ThreadList]] = []
        for channel in self._channels:
            channel_id = int(channel["id"])
            if not self._is_waiting((channel_id, "public")):
                yield channel_id, "public"
            if channel["type"] != TEXT:
                continue
            key: ThreadList = (channel_id, self._private_listing(channel))
            if self._is_waiting(key):
                continue
            if channel_id in private or self._is_due(key):
                yield key
            elif channel_id in with_private:
                rested.append((self._read_at(key), key))
        if rested:
            yield min(rested)[1]

    def _private_listing(self, channel: Channel) -> Listing:
        """Return the name of the list to read for a channel's private threads.

        This is ``private`` (all private threads) if the bot may read this list, or else ``joined`` (the private threads
        that the bot joined).
        """
        allowed = self._permissions.lists_private_threads(channel)
        return "private" if allowed and not self._is_waiting((int(channel["id"]), "private")) else "joined"

    def _state(self, key: ThreadList) -> DiscordState:
        return self._states.get(key[0], {}).get(f"archived_{key[1]}") or DiscordState()

    def _read_at(self, key: ThreadList) -> str:
        """Return the ISO time at which a list (except public lists) was last requested, or an empty string."""
        return str(self._state(key).extras.get("asked", ""))

    def _is_due(self, key: ThreadList) -> bool:
        """Return whether a list that is read once a day is due in this run."""
        options = self._run.options
        return options.full or options.sweep or self._read_at(key) < (self._run.started - DAY).isoformat()

    def _is_waiting(self, key: ThreadList) -> bool:
        """Return whether Discord refused this list so recently that it is not requested again yet."""
        return self._inventory.is_waiting(self._run, key[0], self._state(key))

    def _read(self, lists: Sequence[ThreadList]) -> Iterator[Step]:
        gathering = Gathering[ThreadList, ThreadPage](self._run.session.background, WIDTH)
        for key in lists:
            token = self._state(key).checkpoint_token
            down_to = datetime.fromisoformat(token) if token and not self._run.options.full else None
            gathering.add(key, list_archived_threads(self._run.client, key[0], key[1], down_to))
        for key, page in gathering:
            if page is None:
                yield self._finish(key)
            elif isinstance(page, DiscordRefused):
                self._save_refusal(key, page)
                if key[1] == "private":  # without MANAGE_THREADS Discord still lists the threads that the bot joined
                    gathering.add((key[0], "joined"), list_archived_threads(self._run.client, key[0], "joined", None))
                yield Step(notes=[f"#{self._name(key[0])}: Discord lists no archived {key[1]} threads: {page}"])
            elif isinstance(page, CollectorError):
                yield Step(failure=self._failure(key, page))
            elif isinstance(page, Exception):
                raise page
            else:
                yield from self._store_page(key, page)

    def _search(self) -> Iterator[Step]:
        """Search text and announcement channels for archived threads, once a day, and store missing threads."""
        channels = [int(c["id"]) for c in self._channels if c["type"] in SWITCHABLE]
        due = [channel_id for channel_id in channels if self._is_due((channel_id, "search"))]
        failed = [channel_id for channel_id in due if self._is_waiting((channel_id, "search"))]
        due = [channel_id for channel_id in due if channel_id not in failed]
        known = count_archived_threads(due)
        gathering = Gathering[ThreadList, ThreadPage](self._run.session.background, WIDTH)
        for channel_id in due:
            search = search_archived_threads(self._run.client, channel_id, known.get(channel_id, 0))
            gathering.add((channel_id, "search"), search)
        for key, page in gathering:
            if page is None:
                yield self._finish(key)
            elif isinstance(page, SEARCH_FAILED):
                failed.append(key[0])
                if isinstance(page, NotFound | DiscordRefused):
                    self._save_refusal(key, page)
            elif isinstance(page, CollectorError):
                yield Step(failure=self._failure(key, page))
            elif isinstance(page, Exception):
                raise page
            else:
                self._totals[key[0]] = page.total or 0
                yield from self._store_page(key, page)
        yield from self._report_missing(failed)

    def _report_missing(self, failed: Sequence[int]) -> Iterator[Step]:
        """Report the number of archived threads that exist but could not be listed."""
        stored = count_archived_threads(self._totals)
        missing = {pk: total - stored.get(pk, 0) for pk, total in self._totals.items() if total > stored.get(pk, 0)}
        missing |= count_unlisted_threads(failed)
        for channel_id in {*self._totals, *failed}:
            scope = self._run.scope(channel_id)
            if channel_id not in missing:
                if channel_id in self._totals:
                    clear_skips(collector=COLLECTOR, scope=scope, stream="archived_search")
                continue
            detail = f"Discord does not list {number_of(missing[channel_id], 'archived thread')}"
            record_skip(
                collector=COLLECTOR, scope=scope, stream="archived_search", external_id=str(channel_id),
                reason="threads_not_listed", detail=detail,
            )  # fmt: skip
            counts = {"threads_not_listed": missing[channel_id]}
            yield Step(counts=counts, notes=[f"#{self._name(channel_id)}: {detail}"])

    def _store_page(self, key: ThreadList, page: ThreadPage) -> Iterator[Step]:
        if page.lost:
            self._unfinished.add(key)
            error = UnexpectedAnswer(
                "some archived threads cannot be listed: a whole page has the same archive time or none"
            )
            yield Step(failure=self._failure(key, error))
        if page.doubtful:
            self._unfinished.add(key)
            note = f"#{self._name(key[0])}: Discord reports more archived {key[1]} threads but returns none"
            yield Step(notes=[note])
        malformed = self._store(page.threads, self._access[key[0]], key[0])
        for moment in filter(None, map(archive_time, page.threads)):
            self._newest[key] = max(moment, self._newest.get(key, moment))
        threads = len(page.threads) if key[1] != "search" else 0
        yield Step(counts={"threads": threads, "threads_malformed": malformed}, advanced=len(page.threads))

    def _store(self, threads: Iterable[object], access: str, parent: int) -> int:
        """Store threads of one channel, and return the number of malformed threads."""
        rows = convert_threads(threads, self._run.guild_id, access)
        self._listed.update({*(row["id"] for row in rows.rows), *rows.set_aside})
        self._changed += store_listed_threads(rows, self._run.scope(parent), self._run.started)
        return len(rows.malformed)

    def _finish(self, key: ThreadList) -> Step:
        """Save that a list was read completely, with its newest archive time. The next run reads down to this time."""
        step = Step(complete=[(self._run.scope(key[0]), f"archived_{key[1]}")])
        if key in self._unfinished:
            return step
        state = self._state(key)
        newest = self._newest.get(key) if key[1] != "search" else None
        token = max(newest.astimezone(UTC).isoformat() if newest else "", state.checkpoint_token)
        extras = {"asked": self._run.started.isoformat()} if key[1] != "public" else dict[str, object]()
        if token != state.checkpoint_token or extras or state.extras:
            save_state(key[0], f"archived_{key[1]}", DiscordState(checkpoint_token=token, extras=extras))
        return step

    def _save_refusal(self, key: ThreadList, error: CollectorError) -> None:
        """Save that Discord refuses a list, so that it is not requested again too soon.

        Refused requests count towards a ban of the machine's IP address.
        """
        state = self._state(key)
        extras = self._inventory.refusal(self._run, key[0], state, error) | {"asked": self._run.started.isoformat()}
        refused = DiscordState(
            checkpoint_token=state.checkpoint_token, human_readable_marker=str(error)[:200], extras=extras
        )
        save_state(key[0], f"archived_{key[1]}", refused)

    def _failure(self, key: ThreadList, error: CollectorError) -> Failure:
        return Failure(scope=self._run.scope(key[0]), stream=f"archived_{key[1]}", error=error)

    def _name(self, channel_id: int) -> object:
        return self._names.get(channel_id, channel_id)
