"""What could not be read before is tried again, one by one; it is cleared when it works or is gone."""

import logging

from django.utils import timezone

from core.errors import NotFound, SliceRefused, UnexpectedAnswer
from core.models import SkippedItem
from core.runs import clear_skips, skips_to_retry, still_skipped
from github_activity_tracker import convert, fetch, store
from github_activity_tracker.collector.failures import UNFORESEEN, Failure
from github_activity_tracker.collector.streams import DISCUSSIONS, LISTS, THREADS, Run

logger = logging.getLogger(__name__)
COLLECTOR = "github"
TALK = (*THREADS, DISCUSSIONS)
AT_ONCE = 20
"""Items that a run tries again when nobody asked for more, those that waited longest first."""


def retry_skipped(run: Run) -> None:
    """Try again what was malformed or refused; whole streams try themselves."""
    streams = [*LISTS, *(TALK if run.node_id else ())]
    waiting = skips_to_retry(
        collector=COLLECTOR, scope=run.scope.external_id, streams=streams, reasons=("malformed", "refused"),
        at_once=AT_ONCE,
    )  # fmt: skip
    for item in waiting:
        try:
            good = _list_item(run, item) if item.stream in LISTS else _talk(run, item)
        except NotFound:
            good = True  # what is gone need not be read
        except SliceRefused:
            good = False
        except (UnexpectedAnswer, *UNFORESEEN) as error:  # one odd answer keeps no other item waiting
            Failure.of(error, where=f"{item.stream} {item.external_id} of {run.scope.name}")
            good = False
        if good:
            clear_skips(collector=COLLECTOR, scope=item.scope, stream=item.stream, external_id=item.external_id)
            run.counts["skips_cleared"] += 1
        else:
            still_skipped(item)


def _list_item(run: Run, item: SkippedItem) -> bool:
    """One issue or comment over REST."""
    payload = fetch.one_item(run.client, run.scope.name, item.stream, item.external_id, item.payload)
    of = LISTS[item.stream]
    page = of.convert([payload], run.repository_id)
    run.count(item.stream, store.store_page(of.model, page, scope=run.scope, stream=item.stream, state=None))
    return not page.malformed


def _talk(run: Run, item: SkippedItem) -> bool:
    """One pull request, issue timeline or discussion over GraphQL."""
    payload, now = (
        fetch.one_thread(run.client, run.node_id, item.stream, item.external_id, run.scope.name),
        timezone.now(),
    )
    if item.stream == DISCUSSIONS:
        talk = convert.convert_discussions([payload], run.repository_id)
        stored = store.store_discussions(talk, scope=run.scope, stream=item.stream, state=None, now=now)
        run.count(item.stream, stored)
        return not talk.malformed
    page = convert.convert_threads([payload], run.repository_id, THREADS[item.stream])
    for name, of in store.store_threads(page, scope=run.scope, stream=item.stream, state=None, now=now).items():
        run.count(name, of)
    return not page.malformed
