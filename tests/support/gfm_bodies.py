"""Markdown texts as people write them on code hosts, each with the pieces of HTML or text that a page must contain.

Names that begin with ``github:`` are constructs that are not in the specification of GitHub Flavored Markdown.
``SOURCES`` contains the URLs of the pages that document these constructs.
"""

NOTE = "https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax"
"""URL of GitHub's documentation of alerts, emoji, footnotes and task lists."""
SUGGESTION = "https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/commenting-on-a-pull-request"

BODIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "crlf paragraphs": ("one\r\ntwo\r\n\r\nthree", ("<p>one<br>", "two</p>", "<p>three</p>")),
    "crlf fence": ("```python\r\nx = 1\r\n```\r\nafter", ("<pre><code>x = 1\n</code></pre>", "<p>after</p>")),
    "crlf quote and answer": ("> asked\r\n\r\nanswered", ("<p>asked</p>\n</blockquote>\n<p>answered</p>",)),
    "crlf list": ("- a\r\n- b\r\n", ("<li>a</li>", "<li>b</li>")),
    "crlf table": ("|a|b|\r\n|-|-|\r\n|1|2|\r\n", ("<th>a</th>", "<td>2</td>")),
    "crlf heading": ("# Title\r\ntext", ("<h4>Title</h4>", "<p>text</p>")),
    "crlf task list": ("- [x] done\r\n- [ ] open\r\n", ('checked=""', "done</li>")),
    "crlf html comment": ("<!-- hidden\r\nwords -->\r\n\r\nseen", ("<p>seen</p>",)),
    "lone cr": ("one\rtwo\r\rthree", ("<p>one<br>", "<p>three</p>")),
    "mixed line ends": ("one\r\ntwo\nthree\rfour", ("one<br>\ntwo<br>\nthree<br>\nfour",)),
    "nested quotes": ("> > deep\n>\n> shallow\n\nout", ("<blockquote>\n<blockquote>\n<p>deep</p>", "<p>out</p>")),
    "quote with lazy continuation": ("> quoted\nstill quoted", ("quoted<br>\nstill quoted",)),
    "quote with a list": ("> - a\n> - b\n\nanswer", ("<li>b</li>", "<p>answer</p>")),
    "quote with a fence": ("> ```\n> code\n> ```\n\nanswer", ("<code>code\n</code>", "<p>answer</p>")),
    "fence with tildes": ("~~~\ncode\n~~~", ("<code>code\n</code>",)),
    "fence that holds backticks": ("````\n```\ninner\n```\n````", ("```\ninner\n```",)),
    "fence that never ends": ("```\ncode\n\nmore", ("<code>code\n\nmore</code>",)),
    "indented code": ("text\n\n    code\n", ("<code>code\n</code>",)),
    "code span with html": ("use `<b>` and `a && b`", ("<code>&lt;b&gt;</code>", "<code>a &amp;&amp; b</code>")),
    "task list in a numbered list": ("1. [x] one\n2. [ ] two\n", ("<ol", 'type="checkbox"')),
    "nested task list": ("- [ ] outer\n  - [x] inner\n", ("outer", "inner", 'checked=""')),
    "no task without a blank": ("- [x]done", ("[x]done",)),
    "no task in a paragraph": ("[x] done", ("[x] done",)),
    "table with alignment": ("| l | r | c |\n|:--|--:|:-:|\n| 1 | 2 | 3 |", ('class="right"', 'class="center"')),
    "table with a pipe in code": ("| a |\n|---|\n| `x \\| y` |", ("<code>x | y</code>",)),
    "table after a paragraph": ("words\n| a |\n|---|\n| 1 |", ("words", "<td>1</td>")),
    "strikethrough": ("~~gone~~ and ~gone too~", ("<s>gone</s>", "<s>gone too</s>")),
    "bare address": ("see https://example.org/a_b_c?x=1&y=2.", ('href="https://example.org/a_b_c?x=1&amp;y=2"',)),
    "bare address in brackets": ("(https://example.org/a)", ('href="https://example.org/a"', ")</p>")),
    "bare www": ("www.example.org", ('href="http://www.example.org"',)),
    "bare mail": ("write to ann@example.org", ('href="mailto:ann@example.org"',)),
    "angle address": ("<https://example.org>", ('href="https://example.org"',)),
    "reference link": ("[here][1]\n\n[1]: https://example.org", ('href="https://example.org"', "here</a>")),
    "emphasis inside words": ("snake_case_name and 2*3*4", ("snake_case_name", "2<em>3</em>4")),
    "html details": (
        "<details>\n<summary>Log</summary>\n\n- one\n\n</details>\n\nafter",
        ("<details>", "<summary>Log</summary>", "<li>one</li>", "</details>\n<p>after</p>"),
    ),
    "html details with crlf": (
        "<details>\r\n<summary>Log</summary>\r\n\r\n```\r\nx\r\n```\r\n\r\n</details>\r\n",
        ("<summary>Log</summary>", "<code>x\n</code>", "</details>"),
    ),
    "html comment in a line": ("a <!-- hidden --> b", ("a  b",)),
    "html comment over lines": ("<!--\nPlease fill in\n-->\nSeen", ("Seen",)),
    "html inline tags": ("press <kbd>Ctrl</kbd> H<sub>2</sub>O x<sup>2</sup>", ("<kbd>Ctrl</kbd>", "<sub>2</sub>")),
    "html line break": ("one<br>two<br/>three", ("one<br>two<br>three",)),
    "html link": ('<a href="https://example.org">here</a>', ('href="https://example.org"',)),
    "html picture": ('<img src="https://example.org/a.png" alt="A gauge" width="300">', ("[A gauge]",)),
    "picture": ("![A gauge](https://example.org/a.png)", ('href="https://example.org/a.png"', "[A gauge]")),
    "script shown as text": ("a <script>alert(1)</script> b", ("&lt;script&gt;alert(1)&lt;/script&gt;",)),
    "headings": ("# one\n## two\n### three", ("<h4>one</h4>", "<h5>two</h5>", "<h6>three</h6>")),
    "underlined heading": ("Title\n=====\ntext", ("<h4>Title</h4>",)),
    "rule": ("a\n\n---\n\nb", ("<hr>",)),
    "numbered from seven": ("7. seven\n8. eight", ('<ol start="7">',)),
    "loose list": ("- a\n\n- b", ("<li>\n<p>a</p>",)),
    "entities": ("&lt;b&gt; &amp; &copy;", ("&lt;b&gt; &amp; ©",)),
    "escapes": ("\\*not\\* \\`code\\`", ("*not* `code`",)),
    "diff fence": ("```diff\n-old\n+new\n```", ("-old\n+new",)),
    "other scripts": ("潮位 **表示** مرسى", ("<strong>表示</strong>",)),
    "crlf nested quotes": (
        "> > deep\r\n> > deeper\r\n>\r\n> shallow\r\n\r\nanswer",
        ("<p>deep<br>", "</blockquote>\n<p>shallow</p>", "<p>answer</p>"),
    ),
    "three levels of quotes": ("> > > three\n> > two\n\nout", ("<p>three<br>", "<p>out</p>")),
    "crlf fence in a list": (
        "1. one\r\n\r\n   ```\r\n   x\r\n   ```\r\n2. two\r\n",
        ("<code>x\n</code>", "<p>two</p>"),
    ),
    "crlf table with alignment": (
        "| l | r |\r\n|:--|--:|\r\n| 1 | **2** |\r\n",
        ('class="right"', "<strong>2</strong>"),
    ),
    "table without rows": ("| a |\n|---|", ("<th>a</th>",)),
    "fence with words after the language": ("```python title=x\nx = 1\n```", ("<code>x = 1\n</code>",)),
    "html comment between paragraphs": ("one\n\n<!-- hidden\n\nstill hidden -->\n\ntwo", ("<p>one</p>", "<p>two</p>")),
    "html details that are open": (
        "<details open><summary>Log</summary>\n\n| a |\n|---|\n| 1 |\n\n</details>",
        ("<details open", "<td>1</td>"),
    ),
    "mention and reference of nothing known": ("@nobody-here asked in #4711", ("<p>@nobody-here asked in #4711</p>",)),
    "footnote": ("text[^1]\n\n[^1]: the note", ("[1]", "the note")),
    "github: alert": ("> [!NOTE]\r\n> Read this", ("markdown-alert-note", "Note</p>", "Read this")),
    "github: alert of a warning": ("> [!WARNING]\n> Mind the gap", ("markdown-alert-warning", "Mind the gap")),
    "github: suggestion": ("```suggestion\r\nx = a < b\r\n```", ("Suggested change", "x = a &lt; b")),
    "github: suggestion of several lines": (
        "```suggestion\n<b>one</b>\n\ntwo\n```",
        ("&lt;b&gt;one&lt;/b&gt;\n\ntwo",),
    ),
    "github: emoji": ("done :tada: :+1: and 12:30:45 :no_such_one:", ("🎉 👍 and 12:30:45 :no_such_one:",)),
    "github: emoji not in code": ("`:tada:`", ("<code>:tada:</code>",)),
}
SOURCES = {
    "github: alert": NOTE, "github: alert of a warning": NOTE, "github: suggestion": SUGGESTION, "github: emoji": NOTE,
    "github: emoji not in code": NOTE, "github: suggestion of several lines": SUGGESTION,
}  # fmt: skip
NOT_COMPARED = {
    **SOURCES,
    "html picture": "pictures become links, so that no page sends requests to another host",
    "script shown as text": "unsafe tags are shown as typed text; GitHub removes them",
    "footnote": "footnotes have no anchors, because the anchors would be the same in every post on a page",
}
"""Bodies that the reference parser renders differently, by name. The values are documentation URLs or reasons."""
