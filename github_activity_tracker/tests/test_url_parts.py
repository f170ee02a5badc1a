"""Tests of repository names in URLs. No name can change the route, the query or the server of a request."""

import sys
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.operations.github_ops.git import repository_url
from core.operations.github_ops.links import link_targets, repository_path
from github_activity_tracker.collector.run import full_name
from github_activity_tracker.fetch.rest import count_items
from tests.support.scripted_server import ScriptedServer

HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(HOSTILE.filter(lambda name: "/" not in name), HOSTILE)
def test_a_repository_is_two_parts_of_the_path(owner: str, name: str) -> None:
    parts = urlsplit(f"https://api.example{repository_path(f'{owner}/{name}')}/issues")
    assert (parts.query, parts.fragment, parts.netloc) == ("", "", "api.example")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "repos", owner, name, "issues"]


@pytest.mark.parametrize("name", ["a/b?x=1", "a/b#c", "a/b/../../user", "a b/c", "ä/ö", "a/%2e%2e"])
def test_odd_names_reach_no_other_route(name: str) -> None:
    with ScriptedServer() as script:
        count_items(script.client(), name, "issues")
    [path] = script.paths
    assert path.startswith(f"{repository_path(name)}/issues?")
    assert path.count("/") == 4
    assert path.count("?") == 1


def test_git_gets_the_escaped_address_and_folders_their_own_name() -> None:
    assert repository_url("https://git.example", "a/b?x") == "https://git.example/a/b%3Fx.git"
    assert repository_url("https://git.example", "owner/na-me.x_y") == "https://git.example/owner/na-me.x_y.git"
    assert repository_url("file:///nowhere/git", "a/b c") == "file:///nowhere/git/a/b c"


@pytest.mark.parametrize("name", ["a/..", "a/.", "https://github.com/a/.."])
def test_a_name_that_is_a_step_in_a_path_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        full_name(name)


@given(st.lists(st.tuples(HOSTILE, st.sampled_from(["next", "prev", "last", "first"])), max_size=5))
def test_link_headers_give_back_what_was_written(links: list[tuple[str, str]]) -> None:
    clean = [(target.replace("<", "").replace(">", ""), relation) for target, relation in links]
    header = ", ".join(f'<{target}>; rel="{relation}"' for target, relation in clean)
    expected: dict[str, str] = {}
    for target, relation in clean:
        expected.setdefault(relation, target)
    assert link_targets(header) == expected


@given(st.text(alphabet='<>;,=" rel', min_size=1, max_size=6))
def test_a_link_header_of_any_repeated_pattern_is_read_in_linear_time(pattern: str) -> None:
    """Count function calls instead of seconds, because seconds depend on the machine."""
    small, large = (calls(pattern * (size // len(pattern))) for size in (2_000, 8_000))
    assert large <= 5 * small + 100


def calls(header: str) -> int:
    """Return the number of function calls that parsing a header takes."""
    count = 0

    def profile(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(profile)
    try:
        link_targets(header)
    finally:
        sys.setprofile(None)
    return count
