"""The lines outside its own folder that a tracker needs: where they belong, and whether they are there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """``text`` is inserted right behind the first match of ``behind``."""

    root: Path
    path: str
    where: str
    text: str
    behind: str

    def shown(self) -> str:
        """Return the text to insert by hand."""
        return self.text.strip("\n")

    def apply(self) -> bool:
        """Insert the text unless it is there already. Returns whether it was inserted.

        Raises ValueError when nothing matches ``behind``.
        """
        file = self.root / self.path
        content = file.read_text(encoding="utf-8")
        match = re.search(self.behind, content, re.DOTALL)
        if match is None:
            raise ValueError(f"{self.path}: no position found for {self.text.strip()!r} ({self.where})")
        if content.startswith(self.text, match.end()):
            return False
        file.write_text(content[: match.end()] + self.text + content[match.end() :], encoding="utf-8")
        return True


def edits_for(slug: str, root: Path) -> Sequence[Edit]:
    """Return the two lines of one tracker: everything else finds it by the name of its folder."""
    app = f"{slug}_activity_tracker"

    def edit(path: str, where: str, text: str, behind: str) -> Edit:
        return Edit(root=root, path=path, where=where, text=text, behind=behind)

    return [
        edit(
            "config/settings.py", "in INSTALLED_APPS", f'    "{app}.apps.{slug.capitalize()}TrackerConfig",\n',
            r'"github_activity_tracker\.apps\.GitHubTrackerConfig",\n',
        ),
        edit(".importlinter", "in root_packages", f"    {app}\n", r"root_packages =\n"),
    ]  # fmt: skip
