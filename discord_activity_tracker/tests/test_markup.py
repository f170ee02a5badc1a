"""Tests of rendering messages as Discord does.

https://discord.com/developers/docs/reference#message-formatting
https://support.discord.com/hc/en-us/articles/210298617-Markdown-Text-101-Chat-Formatting-Bold-Italic-Underline
https://support.discord.com/hc/en-us/articles/360022320632-Spoiler-Tags
"""

import re
from typing import Any

import pytest

from core.operations.markdown import excerpt, safe_html
from discord_activity_tracker.documents.markup import markup
from discord_activity_tracker.models import Account, Channel, Role
from tests.support.discord_fixtures import CHANNEL, GUILD, PEOPLE, THREAD, make_guild

pytestmark = pytest.mark.django_db
ROLE = 4_100_000_000_000_005_001
BODIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "spoiler": ("the end: ||it floats **well**||", ('<span class="spoiler"', "<strong>well</strong></span>")),
    "two spoilers": ("||a|| b ||c||", ("a</span> b <span", "c</span>")),
    "lone bars": ("a || b", ("a || b",)),
    "underline": ("__under__ and **bold**", ("<u>under</u>", "<strong>bold</strong>")),
    "struck": ("~~gone~~", ("<s>gone</s>",)),
    "quote ends with its line": ("> quoted\nanswer", ("<p>quoted</p>\n</blockquote>\n<p>answer</p>",)),
    "quote with crlf": ("> quoted\r\nanswer", ("</blockquote>\n<p>answer</p>",)),
    "quote of all that follows": (">>> one\n\ntwo", ("<p>one</p>\n<p>two</p>\n</blockquote>",)),
    "small print": ("-# small\nnormal", ("<small>small</small>", "normal")),
    "code in a line": ("so `<@1>`", ("<code>&lt;@1&gt;</code>",)),
    "fence in the middle of a line": ("look ```py\nx = 1\n``` so", ("<code>x = 1\n</code>", "<p>so</p>")),
    "fence with crlf": ("```\r\nx\r\n```\r\nafter", ("<code>x\n</code>", "<p>after</p>")),
    "html is text": ("<b>x</b> &amp; <script>alert(1)</script>", ("&lt;b&gt;x&lt;/b&gt; &amp;amp;", "&lt;script&gt;")),
    "tables are text": ("| a |\n|---|\n| 1 |", ("|---|",)),
    "pictures are text": ("![a](https://example.org/x.png)", ('href="https://example.org/x.png"',)),
    "three levels of headings": ("# one\n#### four", ("<h4>one</h4>", "#### four")),
    "masked link": ("[here](https://example.org)", ('href="https://example.org"',)),
    "address without preview": ("<https://example.org>", ('href="https://example.org"',)),
    "bare host is text": ("www.example.org", ("<p>www.example.org</p>",)),
    "person": (f"<@{PEOPLE['ann']}> and <@!{PEOPLE['ann']}>", ("@Ann</a> and <a", f"discord%3A{PEOPLE['ann']}")),
    "unknown person": ("<@17>", ("@unknown-user",)),
    "channel": (f"see <#{CHANNEL}>", ("#harbour</a>", f"scope={GUILD}%2F{CHANNEL}")),
    "thread": (f"see <#{THREAD}>", ("#Gauge files</a>", f"scope={GUILD}%2F{CHANNEL}")),
    "unknown channel": ("<#17>", ("#unknown",)),
    "role": (f"<@&{ROLE}>", ("@Pilots",)),
    "unknown role": ("<@&17>", ("@unknown-role",)),
    "everyone": ("@everyone look", ('<span class="reference">@everyone</span>',)),
    "no mention in a mail address": ("me@here.example", ("me@here.example",)),
    "custom emoji": ("<:gauge_up:4100000000000006001> <a:wave:4100000000000006002>", (":gauge_up:", ":wave:")),
    "time": ("<t:1740816000>", ("01 March 2025 08:00 UTC",)),
    "relative time": ("<t:1740816000:R>", ("01 March 2025 08:00 UTC", 'title="2025-03-01 08:00:00 UTC"')),
    "day": ("<t:1740816000:d>", ("2025-03-01",)),
    "impossible time": ("<t:99999999999999999>", ("&lt;t:99999999999999999&gt;",)),
    "command": ("</tide now:4100000000000007001>", ("/tide now",)),
    "guide": ("<id:customize>", ("Channels &amp; Roles",)),
    "task lists are text": ("- [x] done", ("<li>[x] done</li>",)),
    "suggestions are code": ("```suggestion\nx\n```", ("<pre><code>x\n</code></pre>",)),
    "details are text": ("<details><summary>a</summary>b</details>", ("&lt;details&gt;&lt;summary&gt;a",)),
    "comments are text": ("<!-- seen -->", ("&lt;!-- seen --&gt;",)),
    "person in a quote with crlf": (f"> ask <@{PEOPLE['ann']}>\r\nso?", ("@Ann</a></p>\n</blockquote>\n<p>so?</p>",)),
    "spoiler with an emoji and a person": (
        f"||<:gauge:41> <@{PEOPLE['ann']}>||",
        ('class="spoiler"', ":gauge:", "@Ann"),
    ),
    "time in bold": ("**<t:1740816000:t>**", ("<strong>", "08:00 UTC")),
    "hostile link": ("[a](javascript:alert(1)) <javascript:alert(1)>", ("a",)),
    "hostile spoiler": ("||<img src=x onerror=alert(1)>||", ("&lt;img src=x onerror=alert(1)&gt;",)),
    "issue reference is text": ("see #12", ("<p>see #12</p>",)),
    "escaped": ("\\*not\\* \\||not||", ("*not*",)),
    "other scripts": ("潮位 **表示** مرسى", ("<strong>表示</strong>",)),
}


@pytest.fixture(autouse=True)
def known() -> None:
    make_guild()
    Account.objects.create(id=PEOPLE["ann"], username="ann", global_name="Ann")
    Role.objects.create(id=ROLE, name="Pilots", guild_id=GUILD)
    assert Channel.objects.count() == 2


@pytest.mark.parametrize("name", BODIES)
def test_message_is_shown_as_in_discord(name: str) -> None:
    body, seen = BODIES[name]
    html = safe_html(body, markup([body]))
    assert [part for part in seen if part not in html] == [], html
    assert "\r" not in html
    assert not re.search(r"<(?:script|img|details|input)\b|href=.javascript", html)


def test_an_excerpt_names_mentions_and_hides_spoilers() -> None:
    body = f"> earlier\nhey <@{PEOPLE['ann']}>, see <#{CHANNEL}> ||secret|| <:gauge:1>"
    assert excerpt(body, markup([body])) == "hey @Ann, see #harbour (spoiler) :gauge:"


def test_mentions_need_three_statements(django_assert_num_queries: Any) -> None:
    texts = [f"<@{PEOPLE['ann']}> <@{n}> <#{CHANNEL}> <#{n}> <@&{ROLE}>" for n in range(50)]
    with django_assert_num_queries(3):
        markup(texts)
