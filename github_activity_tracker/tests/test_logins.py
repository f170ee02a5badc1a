"""Tests of accounts with one login, several logins or a new login, and of accounts in no-reply addresses."""

import pytest

from github_activity_tracker.convert.accounts import Logins, observe_login
from github_activity_tracker.convert.commits import account_of_address

OBSERVED = tuple[str, str]
"""A source, and the login that it reports."""


def observe(kind: str, *observed: OBSERVED) -> tuple[str, list[str]]:
    """Report logins one after another. Return the login to display at the end, and the logins that were replaced."""
    known: Logins | None = None
    replaced: list[str] = []
    for source, login in observed:
        after = observe_login(known, kind=kind, source=source, login=login)
        replaced += [after.replaced] if after.replaced else []
        known = Logins(login=after.login, by_source=after.by_source, former=list(replaced))
    assert known is not None
    return known.login, replaced


@pytest.mark.parametrize("kind", ["Bot", "Mannequin", "Organization", "User"])
def test_a_login_that_stays_is_no_rename(kind: str) -> None:
    assert observe(kind, ("issues", "ada"), ("graphql", "ada"), ("issues", "ada")) == ("ada", [])


@pytest.mark.parametrize(
    ("one", "other"),
    [("Copilot", "copilot-pull-request-reviewer[bot]"), ("Helper", "helper-app[bot]")],
)
def test_two_logins_of_two_sources_are_no_rename_however_often_they_alternate(one: str, other: str) -> None:
    turns = [("review_comments", one), ("graphql", other)] * 4
    assert observe("Bot", *turns) == (one, [])
    assert observe("Bot", *reversed(turns)) == (other, [])


def test_two_logins_mixed_in_one_source_are_one_rename_at_most() -> None:
    login, replaced = observe("Bot", *[("issues", "Helper"), ("issues", "helper-app[bot]")] * 4)
    assert (login, replaced) == ("helper-app[bot]", ["Helper"])


def test_a_person_is_renamed_by_whichever_source_shows_the_new_login_first() -> None:
    login, replaced = observe(
        "User", ("issues", "ada"), ("graphql", "lovelace"), ("issues", "ada"), ("issues", "lovelace")
    )
    assert (login, replaced) == ("lovelace", ["ada"])


def test_a_person_may_take_an_old_login_again() -> None:
    assert observe("User", ("issues", "ada"), ("issues", "lovelace"), ("issues", "ada")) == ("ada", ["ada", "lovelace"])


def test_a_bot_is_renamed_when_the_same_source_shows_a_login_that_is_new() -> None:
    login, replaced = observe("Bot", ("graphql", "old[bot]"), ("issues", "Old"), ("graphql", "new[bot]"))
    assert (login, replaced) == ("new[bot]", ["old[bot]"])


def test_a_rename_in_a_source_whose_login_is_not_shown_changes_nothing_that_is_shown() -> None:
    login, replaced = observe("Bot", ("issues", "Old"), ("graphql", "old[bot]"), ("graphql", "new[bot]"))
    assert (login, replaced) == ("Old", ["old[bot]"])


def test_a_login_stored_before_sources_were_is_replaced_by_the_first_that_differs() -> None:
    known = Logins(login="before", by_source={})
    assert observe_login(known, kind="Bot", source="issues", login="after").login == "after"


@pytest.mark.parametrize(
    ("email", "host", "account"),
    [
        ("12345+ada@users.noreply.github.com", "github.com", (12345, "ada")),
        ("12345+anna_acme@users.noreply.github.com", "github.com", (12345, "anna_acme")),
        ("7+bert_some-firm@users.noreply.github.com", "github.com", (7, "bert_some-firm")),
        ("49699333+dependabot[bot]@users.noreply.github.com", "github.com", (49699333, "dependabot[bot]")),
        ("ada@users.noreply.github.com", "github.com", (None, "ada")),
        ("carl_acme@users.noreply.github.com", "github.com", (None, "carl_acme")),
        ("5+dora@users.noreply.git.firm.example", "git.firm.example", (5, "dora")),
        ("5+dora@users.noreply.Git.Firm.Example", "git.firm.example", (5, "dora")),
        ("5+dora@users.noreply.github.com", "git.firm.example", None),
        ("5+dora@users.noreply.git.firm.example", "github.com", None),
        ("noreply@github.com", "github.com", None),
        ("1234567890123456789+x@users.noreply.github.com", "github.com", None),
        ("٣+ada@users.noreply.github.com", "github.com", None),
        ("12+ada@users.noreply.github.com.evil.example", "github.com", None),
        ("", "github.com", None),
    ],
)
def test_a_noreply_address_names_its_account(email: str, host: str, account: tuple[int | None, str] | None) -> None:
    found = account_of_address(email, host)
    assert ((found.id, found.login) if found else None) == account
