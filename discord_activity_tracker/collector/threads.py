"""Which threads there are: the active ones of the guild, and the archived ones of each channel.

A thread may move between the lists while they are read. So when any list brought something new, the active ones are
asked for once more at the end; and a thread that is in no list is asked for by itself. The lists of a channel that was
switched between text and announcement leave out the threads from before; the thread search names them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from core.errors import CollectorError, NotFound, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.ingest.skips import clear_skips, record_skip
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector import access_errors
from discord_activity_tracker.collector.containers import DAY
from discord_activity_tracker.collector.run import COLLECTOR, Run
from discord_activity_tracker.fetch.session import WIDTH
from discord_activity_tracker.payloads import Channel
from discord_activity_tracker.protocol_impl import DiscordState

PRIVATE = 12
List = tuple[int, fetch.Listing]


class Threads:
    """The threads of one guild, in one run."""

    def __init__(
        self, run: Run, permissions: convert.Permissions, channels: Sequence[Channel], access: Mapping[int, str]
    ) -> None:
        self._run, self._permissions, self._access = run, permissions, access
        self._channels = [
            channel
            for channel in channels
            if permissions.lists_threads(channel) and run.options.channel in {None, int(channel["id"])}
        ]
        self._names = {int(channel["id"]): channel.get("name") or channel["id"] for channel in channels}
        self._states = store.all_states([int(channel["id"]) for channel in self._channels])
        self._newest: dict[List, datetime] = {}
        self._totals: dict[int, int] = {}
        self._unfinished: set[List] = set()
        self._seen: set[int] = set()
        self._changed = 0

    def collect(self, active: Collection[int] | None) -> None:
        """Keep them all; ``active`` are stored already, ``None`` when Discord did not list them."""
        self._seen.update(active or ())
        kept = store.alive(self._run.guild_id).filter(is_thread=True, archived=False).exclude(pk__in=self._seen)
        rows = [] if active is None else list(kept.values_list("pk", "type", "parent_id"))
        parents = {pk: parent for pk, _, parent in rows if self._is_visible(parent)}
        private = {parents[pk] for pk, kind, _ in rows if kind == PRIVATE and pk in parents}
        self._read(list(self._wanted(private)))
        if self._changed:
            self._list_active_again()
        self._search()
        for pk in parents.keys() - self._seen:
            access_errors.ask_for_one(self._run, pk, self._access.get(parents[pk] or 0, "no_view"))

    def _is_visible(self, parent: int | None) -> bool:
        """Whether the threads of a channel can be asked for: not under one that is hidden or has disappeared."""
        return self._access.get(parent or 0, "no_view") != "no_view" and parent not in self._run.unreadable

    def _list_active_again(self) -> None:
        try:
            again = self._run.session.run(fetch.active_threads(self._run.client, self._run.guild_id))
        except CollectorError as error:
            self._run.note_failure(str(self._run.guild_id), "active_threads", error)
            return
        usable, _ = convert.usable_channels(again)
        for thread in usable:
            parent = int(thread.get("parent_id") or 0)
            self._store([thread], self._access.get(parent, "no_view"), parent)

    def _wanted(self, private: set[int | None]) -> Iterator[List]:
        """Public lists always. Private ones once a day, in a sweep, and when a private thread is no longer active.

        One more in each run, in turn, of those channels that are known to have private threads.
        """
        found = store.alive(self._run.guild_id).filter(type=PRIVATE).values_list("parent_id", flat=True)
        rested: list[tuple[str, List]] = []
        having = set(found.order_by().distinct())
        for channel in self._channels:
            pk = int(channel["id"])
            if not self._rests((pk, "public")):
                yield pk, "public"
            if channel["type"] != convert.TEXT:
                continue
            listing = self._private_listing(channel)
            if self._rests((pk, listing)):
                continue
            if pk in private or self._is_due((pk, listing)):
                yield pk, listing
            elif pk in having:
                rested.append((self._asked((pk, listing)), (pk, listing)))
        if rested:
            yield min(rested)[1]

    def _private_listing(self, channel: Channel) -> fetch.Listing:
        """All private threads where the bot may list them, else those that it joined."""
        may = self._permissions.lists_private_threads(channel) and not self._rests((int(channel["id"]), "private"))
        return "private" if may else "joined"

    def _state(self, key: List) -> DiscordState:
        return self._states.get(key[0], {}).get(f"archived_{key[1]}") or DiscordState()

    def _asked(self, key: List) -> str:
        return str(self._state(key).extras.get("asked", ""))

    def _is_due(self, key: List) -> bool:
        """Whether a list that is read once a day is to be read now."""
        options = self._run.options
        return options.full or options.sweep or self._asked(key) < (self._run.started - DAY).isoformat()

    def _rests(self, key: List) -> bool:
        """Whether Discord refused this list lately."""
        return access_errors.rests(self._run, key[0], self._state(key))

    def _read(self, lists: Sequence[List]) -> None:
        gathering = fetch.Gathering[List, fetch.ThreadPage](self._run.session.background, WIDTH)
        for key in lists:
            token = self._state(key).checkpoint_token
            down_to = datetime.fromisoformat(token) if token and not self._run.options.full else None
            gathering.add(key, fetch.archived(self._run.client, key[0], key[1], down_to))
        self._run.progress.expect(self._run.name, "threads", None)
        for key, page in gathering:
            if page is None:
                self._finish(key)
            elif isinstance(page, CollectorError):
                self._refused(key, page, gathering)
            elif isinstance(page, Exception):
                raise page
            else:
                self._store_page(key, page)

    def _search(self) -> None:
        """Ask the thread search of channels that can be switched, once a day, how many archived threads there are."""
        channels = [int(c["id"]) for c in self._channels if c["type"] in convert.SWITCHABLE]
        due = [pk for pk in channels if self._is_due((pk, "search"))]
        failed = [pk for pk in due if self._rests((pk, "search"))]
        due = [pk for pk in due if pk not in failed]
        known = store.archived_threads(due)
        gathering = fetch.Gathering[List, fetch.ThreadPage](self._run.session.background, WIDTH)
        for pk in due:
            gathering.add((pk, "search"), fetch.search_archived(self._run.client, pk, known.get(pk, 0)))
        for key, page in gathering:
            if page is None:
                self._finish(key)
            elif isinstance(page, (NotFound, fetch.DiscordRefused, SourceUnavailable, SourceTimeout, UnexpectedAnswer)):
                failed.append(key[0])
                if isinstance(page, (NotFound, fetch.DiscordRefused)):
                    self._remember(key, page)
            elif isinstance(page, CollectorError):
                self._run.note_failure(f"{self._run.guild_id}/{key[0]}", "archived_search", page)
            elif isinstance(page, Exception):
                raise page
            else:
                self._totals[key[0]] = page.total or 0
                self._store_page(key, page)
        self._report_missing(failed)

    def _report_missing(self, failed: Sequence[int]) -> None:
        """Report archived threads that exist and could not be listed, with their number."""
        stored = store.archived_threads(self._totals)
        missing = {pk: total - stored.get(pk, 0) for pk, total in self._totals.items() if total > stored.get(pk, 0)}
        missing |= store.unlisted_threads(failed)
        for pk in {*self._totals, *failed}:
            scope = f"{self._run.guild_id}/{pk}"
            if pk not in missing:
                if pk in self._totals:
                    clear_skips(collector=COLLECTOR, scope=scope, stream="archived_search")
                continue
            what = f"{missing[pk]} archived threads exist that Discord does not list"
            self._run.notes.append(f"#{self._names.get(pk, pk)}: {what}")
            self._run.counts["threads_not_listed"] += missing[pk]
            record_skip(
                collector=COLLECTOR, scope=scope, stream="archived_search", external_id=str(pk),
                reason="threads_not_listed", detail=what,
            )  # fmt: skip

    def _store_page(self, key: List, page: fetch.ThreadPage) -> None:
        if page.lost:
            self._unfinished.add(key)
            error = UnexpectedAnswer("more archived threads share one moment, or have none, than a page holds")
            self._run.note_failure(f"{self._run.guild_id}/{key[0]}", f"archived_{key[1]}", error)
        if page.doubtful:
            self._unfinished.add(key)
            name = self._names.get(key[0], key[0])
            self._run.notes.append(f"#{name}: Discord says that there are archived {key[1]} threads but sends none")
        self._store(page.threads, self._access[key[0]], key[0])
        for moment in filter(None, map(fetch.archived_at, page.threads)):
            self._newest[key] = max(moment, self._newest.get(key, moment))
        if key[1] != "search":
            self._run.counts["threads"] += len(page.threads)
        self._run.progress.advance(len(page.threads))

    def _store(self, threads: Iterable[object], access: str, parent: int) -> None:
        rows = convert.convert_threads(threads, self._run.guild_id, access)
        self._run.counts["threads_malformed"] += len(rows.malformed)
        self._seen.update({*(row["id"] for row in rows.rows), *rows.set_aside})
        self._changed += store.store_listed_threads(rows, f"{self._run.guild_id}/{parent}", self._run.started)

    def _finish(self, key: List) -> None:
        """Remember down to where a list is known, once all of it has been stored."""
        self._run.note_success(f"{self._run.guild_id}/{key[0]}", f"archived_{key[1]}")
        if key in self._unfinished:
            return
        state = self._state(key)
        newest = self._newest.get(key) if key[1] != "search" else None
        token = max(newest.astimezone(UTC).isoformat() if newest else "", state.checkpoint_token)
        extras = {"asked": self._run.started.isoformat()} if key[1] != "public" else dict[str, object]()
        if token != state.checkpoint_token or extras or state.extras:
            store.save_state(key[0], f"archived_{key[1]}", DiscordState(checkpoint_token=token, extras=extras))

    def _refused(self, key: List, error: CollectorError, gathering: fetch.Gathering[List, fetch.ThreadPage]) -> None:
        if not isinstance(error, fetch.DiscordRefused):
            self._run.note_failure(f"{self._run.guild_id}/{key[0]}", f"archived_{key[1]}", error)
            return
        self._run.notes.append(
            f"#{self._names.get(key[0], key[0])} does not list its archived {key[1]} threads: {error}"
        )
        self._remember(key, error)
        if key[1] == "private":  # those that the bot joined are listed without MANAGE_THREADS
            gathering.add((key[0], "joined"), fetch.archived(self._run.client, key[0], "joined", None))

    def _remember(self, key: List, error: CollectorError) -> None:
        """Remember that Discord refuses a list, which counts towards a ban of the address."""
        state = self._state(key)
        extras = access_errors.refusal(self._run, key[0], state, error) | {"asked": self._run.started.isoformat()}
        refused = DiscordState(
            checkpoint_token=state.checkpoint_token, human_readable_marker=str(error)[:200], extras=extras
        )
        store.save_state(key[0], f"archived_{key[1]}", refused)
