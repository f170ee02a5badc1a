"""Tests of URLs in GitHub's responses. The client uses only the part below the API's root, so the host may differ."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnexpectedAnswer
from core.operations.github_ops.links import below_root, link_targets
from tests.support.scripted_server import JSON, Reply, ScriptedServer

PAGE = "/repositories/1/issues?page=2&after=A%3D"


@pytest.mark.parametrize(
    "api",
    [
        "https://api.github.com", "https://api.github.com:443", "https://ghe.example/api/v3", "http://proxy:8080/github",
        "http://127.0.0.1:9000",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "address",
    [
        "https://api.github.com", "https://api.github.com:443", "https://ghe.example/api/v3", "http://proxy:8080/github",
        "http://localhost:9000", "http://proxy:8080/github/api/v3", "//api.github.com", "https://U@API.github.com", "",
    ],
)  # fmt: skip
def test_an_address_under_another_name_of_the_server_is_the_same_address(api: str, address: str) -> None:
    assert below_root(address + PAGE, api) == PAGE


def test_the_root_itself_is_a_slash() -> None:
    assert below_root("https://ghe.example/api/v3", "https://ghe.example/api/v3") == "/"


@pytest.mark.parametrize("address", ["https://elsewhere.example/x", "http://[broken/repos/1", "https://h:port/repos/1"])
def test_an_address_that_is_not_of_the_api_is_refused(address: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        below_root(address, "https://api.github.com")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('<https://h/a?page=2>; rel="next", <https://h/a?page=9>; rel="last"', {"next": "?page=2", "last": "?page=9"}),
        ("<https://h/a?x=1,2>;rel=next", {"next": "?x=1,2"}),
        ('<https://h/a?p=2>; title="a, b"; rel="next last"', {"next": "?p=2", "last": "?p=2"}),
        ('<https://h/a?p=2>; REL="Next"', {"next": "?p=2"}),
        ('<https://h/a?p=1>; rel="prev"', {"prev": "?p=1"}),
        ("", {}),
        ("<unclosed", {}),
        ('; rel="next"', {}),
    ],
)
def test_link_headers_are_read_in_every_form(header: str, expected: dict[str, str]) -> None:
    assert link_targets(header) == {name: f"https://h/a{query}" for name, query in expected.items()}


@pytest.mark.parametrize("header", ["<" * 200_000, "<a>;" * 50_000, "<a>" + ";,rel=" * 50_000, "<a>; " * 50_000 + "x"])
def test_a_hostile_link_header_takes_no_time(header: str) -> None:
    began = time.process_time()
    link_targets(header)
    assert time.process_time() - began < 1


@given(st.text(alphabet='<>;,=" relnxta', max_size=80))
def test_no_link_header_causes_an_error(header: str) -> None:
    assert all(isinstance(target, str) for target in link_targets(header).values())


def test_links_and_redirects_to_another_name_are_followed_at_the_configured_one(script: ScriptedServer) -> None:
    script.replies = [
        Reply(301, {"Location": "https://api.github.com:443/repositories/1/labels?per_page=1"}, b""),
        Reply(headers=JSON | {"Link": '<https://other.example/api/v3/repositories/1/labels?page=2>; rel="next"'}),
        Reply(),
    ]
    first, last = script.client("ghp_alice_secret").pages("/repos/a/b/labels")
    assert script.paths == [
        "/repos/a/b/labels", "/repositories/1/labels?per_page=1", "/repositories/1/labels?page=2"
    ]  # fmt: skip
    assert (first.url, last.url) == (script.paths[1], script.paths[2])


def test_a_stored_address_with_the_old_host_is_valid(script: ScriptedServer) -> None:
    script.replies = [Reply(304, {}, b"")]
    assert script.client().get("https://api.github.com/repositories/1/labels?per_page=100", etag='W/"1"').unchanged
    assert script.paths == ["/repositories/1/labels?per_page=100"]
