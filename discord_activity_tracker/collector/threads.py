"""Which threads there are: the active ones of the guild, and the archived ones of each channel.

A thread may move between the lists while they are read. So when any list brought something new, the active ones are
asked for once more at the end; and a thread that is in no list is asked for by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from core.errors import CollectorError
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector.containers import DAY
from discord_activity_tracker.collector.run import Run
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
        self._states = store.all_states([int(channel["id"]) for channel in self._channels])
        self._newest: dict[List, datetime] = {}
        self._seen: set[int] = set()
        self._changed = 0

    def collect(self, active: Sequence[Channel]) -> None:
        """Keep them all; ``active`` are stored already."""
        self._seen.update(int(thread["id"]) for thread in active)
        kept = store.alive(self._run.guild_id).filter(is_thread=True, archived=False)
        vanished = dict(kept.exclude(pk__in=self._seen).values_list("pk", "type"))
        parents = dict(kept.exclude(pk__in=self._seen).values_list("pk", "parent_id"))
        private = {parents[pk] for pk, kind in vanished.items() if kind == PRIVATE}
        self._read(list(self._wanted(private)))
        if self._changed:
            again = self._run.session.run(fetch.active_threads(self._run.client, self._run.guild_id))
            for thread in again:
                self._store([thread], self._access.get(int(thread.get("parent_id") or 0), "no_view"))
        for pk in vanished.keys() - self._seen:
            ask_for_one(self._run, pk, self._access.get(parents[pk] or 0, "no_view"))

    def _wanted(self, private: set[int | None]) -> Iterator[List]:
        """Public lists always. Private ones once a day, in a sweep, and when a private thread is no longer active.

        One more in each run, in turn, of those channels that are known to have private threads.
        """
        found = store.alive(self._run.guild_id).filter(type=PRIVATE).values_list("parent_id", flat=True)
        yesterday, options = (self._run.started - DAY).isoformat(), self._run.options
        rested: list[tuple[str, List]] = []
        having = set(found.order_by().distinct())
        for channel in self._channels:
            pk = int(channel["id"])
            yield pk, "public"
            if channel["type"] != convert.TEXT:
                continue
            listing: fetch.Listing = "private" if self._permissions.lists_private_threads(channel) else "joined"
            asked = str(self._state((pk, listing)).extras.get("asked", ""))
            if pk in private or options.full or options.sweep or asked < yesterday:
                yield pk, listing
            elif pk in having:
                rested.append((asked, (pk, listing)))
        if rested:
            yield min(rested)[1]

    def _state(self, key: List) -> DiscordState:
        return self._states.get(key[0], {}).get(f"archived_{key[1]}") or DiscordState()

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
                self._refused(key, page)
            elif isinstance(page, Exception):
                raise page
            else:
                self._store_page(key, page)

    def _store_page(self, key: List, page: fetch.ThreadPage) -> None:
        if page.lost:
            self._run.failed.append(f"{self._run.guild_id}/{key[0]}: more threads share one moment than a page holds")
        self._store(page.threads, self._access[key[0]])
        for thread in page.threads:
            moment = fetch.archived_at(thread)
            self._newest[key] = max(moment, self._newest.get(key, moment))
        self._run.counts["threads"] += len(page.threads)
        self._run.progress.advance(len(page.threads))

    def _store(self, threads: Sequence[Channel], access: str) -> None:
        rows = convert.convert_threads(threads, self._run.guild_id, access)
        self._seen.update(row["id"] for row in rows)
        self._changed += store.store_threads(rows, self._run.started)

    def _finish(self, key: List) -> None:
        """Remember down to where a list is known, once all of it has been stored."""
        state = self._state(key)
        newest = self._newest.get(key)
        token = max(newest.astimezone(UTC).isoformat() if newest else "", state.checkpoint_token)
        extras = {"asked": self._run.started.isoformat()} if key[1] != "public" else dict[str, object]()
        if token != state.checkpoint_token or extras:
            store.save_state(key[0], f"archived_{key[1]}", DiscordState(checkpoint_token=token, extras=extras))

    def _refused(self, key: List, error: CollectorError) -> None:
        if isinstance(error, fetch.DiscordRefused):
            name = next((channel.get("name") for channel in self._channels if int(channel["id"]) == key[0]), key[0])
            self._run.notes.append(f"#{name} does not list its archived {key[1]} threads: {error}")
        else:
            self._run.note_failure(f"{self._run.guild_id}/{key[0]}", f"archived_{key[1]}", error)


def ask_for_one(run: Run, channel_id: int, access: str) -> None:
    """Keep a channel or thread as it is, or bury it. What the bot may not see is left as it was."""
    try:
        found = run.session.run(fetch.read_channel(run.client, channel_id))
    except fetch.DiscordRefused:
        return
    if found is None:
        run.counts["channels_deleted"] += 1
        run.counts["deleted"] += store.bury_channels([channel_id], run.started)
    else:
        store.store_threads(convert.convert_threads([found], run.guild_id, access), run.started)
