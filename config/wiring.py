"""The lines outside its own folder that a tracker needs: where they go, and whether they are there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """``text`` goes right behind what ``behind`` matches first, or to the end of the file."""

    root: Path
    path: str
    where: str
    text: str
    behind: str = ""

    def shown(self) -> str:
        """What people have to write."""
        return self.text.strip("\n")

    def apply(self) -> bool:
        """Write it unless it is there already; whether it was written. ValueError when its place is not found."""
        file = self.root / self.path
        content = file.read_text(encoding="utf-8")
        place = len(content)
        if self.behind:
            found = re.search(self.behind, content, re.DOTALL)
            if found is None:
                raise ValueError(f"{self.path}: no place found for {self.text.strip()!r} ({self.where})")
            place = found.end()
        if content.startswith(self.text, place) or (not self.behind and self.text in content):
            return False
        file.write_text(content[:place] + self.text + content[place:], encoding="utf-8")
        return True


def edits_for(slug: str, root: Path) -> Sequence[Edit]:
    """Every line of one tracker."""
    app, upper = f"{slug}_activity_tracker", slug.upper()

    def edit(path: str, where: str, text: str, behind: str = "") -> Edit:
        return Edit(root=root, path=path, where=where, text=text, behind=behind)

    setting = f'\n{upper}_URL = _text("{upper}_URL").rstrip("/")\n'
    example = f"\n# Where the items of {slug} are. Without it: collect_{slug} has nothing to collect.\n{upper}_URL=\n"
    row = f"| `{app}/` | {slug.capitalize()}: a tracker made by `startcollector` |\n"
    section = r"\[importlinter:contract:{}\][^\[]*?"
    return [
        edit(
            "config/settings.py", "in INSTALLED_APPS", f'    "{app}.apps.{slug.capitalize()}TrackerConfig",\n',
            r'"github_activity_tracker\.apps\.GitHubTrackerConfig",\n',
        ),
        edit("config/settings.py", "at the end", setting),
        edit(".env.example", "at the end", example),
        edit(".importlinter", "in root_packages", f"    {app}\n", r"root_packages =\n"),
        edit(
            ".importlinter", "in the layers of apps, beside the other trackers", f"{app} | ",
            section.format("apps") + r"layers =\n    config\n    ",
        ),
        edit(
            ".importlinter", "in the containers of trackers", f"\n    {app}",
            section.format("trackers") + r"containers =[^\n]*",
        ),
        edit(
            ".importlinter", "in the source_modules of vendors", f"    {app}\n",
            section.format("vendors") + r"source_modules =\n",
        ),
        edit("pyrightconfig.json", "in include", f'"{app}", ', r'"include": \["config", "core", '),
        edit("pyproject.toml", "in testpaths", f'"{app}", ', r'testpaths = \["config", "core", '),
        edit("README.md", "in the table of folders", row, r"\| `github_activity_tracker/`[^\n]*\n"),
    ]  # fmt: skip
