"""Tests of server and channel ids on the command line that none of several bots can see."""

from types import SimpleNamespace

import pytest

from core.errors import ConfigurationError
from core.models import CollectorRun
from discord_activity_tracker.models import Guild
from discord_activity_tracker.tests.test_several_bots import FIRST, collect, ids
from discord_activity_tracker.tests.test_several_bots import bots as bots
from discord_activity_tracker.tests.test_several_bots import running as running
from tests.support.discord_twin import Twin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]
UNKNOWN = "123456789012345678"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a terminal for the commands of this test."""
    stream = SimpleNamespace(closed=False, isatty=lambda: True)
    monkeypatch.setattr("core.operations.output.sys", SimpleNamespace(stdin=stream, stderr=stream))


@pytest.mark.usefixtures("terminal")
def test_unknown_id_at_a_terminal_changes_nothing(bots: Twin) -> None:
    _, one, _, three = ids(bots)
    for arguments in ([UNKNOWN], [str(one), UNKNOWN], [str(three), "--channel", UNKNOWN]):
        with pytest.raises(ConfigurationError, match=UNKNOWN):
            collect(*arguments)
    assert not CollectorRun.objects.exists()
    assert not Guild.objects.exists()


@pytest.mark.usefixtures("terminal")
def test_a_server_of_the_second_bot_is_known(bots: Twin) -> None:
    _, _, _, three = ids(bots)
    assert collect(str(three))["outcome"] == "succeeded"


@pytest.mark.usefixtures("terminal")
def test_server_of_a_refused_bot_is_not_unknown(bots: Twin) -> None:
    _, one, _, _ = ids(bots)
    bots.mutate(op="revoke", bot=FIRST)
    assert collect(str(one))["outcome"] == "failed"
    assert CollectorRun.objects.get().outcome == "failed"


def test_unknown_id_under_cron_stops_no_other_server(bots: Twin) -> None:
    _, one, _, _ = ids(bots)
    result = collect(UNKNOWN, str(one))
    assert result["outcome"] == "partial"
    assert {scope["scope"]: scope["outcome"] for scope in result["scopes"]}[UNKNOWN] == "failed"
    with pytest.raises(ConfigurationError, match="No bot is in the server"):
        collect(UNKNOWN)
