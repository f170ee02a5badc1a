"""Create bodies of issues that are too long or too unusual for the TOML files of the sample data."""


def harmonic_fit_log() -> str:
    """Return an issue body of about 60,000 characters, which consists mainly of a log."""
    lines = [
        "The harmonic fit stops with `LinAlgError` on a year of six-minute readings. The whole log:",
        "",
        "```text",
    ]
    size, step = sum(map(len, lines)) + len(lines), 0
    names = ("M2", "S2", "N2", "K1", "O1", "K2", "P1", "Q1", "MF", "MM", "SSA", "M4", "MS4", "MN4", "2N2", "NU2")
    while size < 59_800:
        step += 1
        name = names[step % len(names)]
        residual = (step * 7919) % 10_000 / 100_000
        line = (
            f"step={step:04d} constituent={name:<4} amplitude={(step * 31) % 400 / 100:.2f} m residual={residual:.5f}"
        )
        lines.append(line)
        size += len(line) + 1
    return "\n".join([*lines, "LinAlgError: singular matrix at constituent SA", "```"])


def odd_characters() -> str:
    """Return a body with characters that are legal in JSON but often cause errors. The first of them is U+0000."""
    rows = (
        ("NUL inside a word", "har\x00bour"),
        ("other control characters", "\x01\x08\x0b\x1b[31mred\x7f"),
        ("a family that is one emoji (ZWJ)", "👩‍👩‍👧‍👦"),
        ("a rainbow flag and a skin tone", "🏳️‍🌈 👋🏽"),
        ("right-to-left override", "harbour\u202etxt.exe\u202c"),
        ("isolates", "\u2067مرسى\u2069"),
        ("combining marks", "Z̷̢a̶l̸g̵o̴ e\u0301 ≠ \u00e9"),
        ("zero width", "tide\u200bwatch tide\u2060watch\ufeff"),
        ("line and paragraph separators", "one\u2028two\u2029three\x85four"),
        ("non-characters and private use", "\ufffe\uffff\U0010ffff\ue000"),
        ("beyond the basic plane", "𝒯𝒾𝒹ℯ 𓆟 𠮷"),
        ("tag characters", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"),
    )
    return "Names that once broke the station list:\n\n" + "\n".join(f"- {what}: {text}" for what, text in rows)
