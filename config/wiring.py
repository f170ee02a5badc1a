"""The lines that a tracker needs in files outside its own folder, and the code that inserts them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A text to insert into the file ``path``, directly after the first match of the regular expression ``behind``.

    ``where`` describes the position in words.
    """

    root: Path
    path: str
    where: str
    text: str
    behind: str

    def shown(self) -> str:
        """Return the text as it is printed for people who insert it by hand."""
        return self.text.strip("\n")

    def apply(self) -> bool:
        """Insert the text, unless the file already has it. Returns whether the text was inserted.

        Raises ValueError if the file has no match for ``behind``.
        """
        file = self.root / self.path
        content = file.read_text(encoding="utf-8")
        match = re.search(self.behind, content, re.DOTALL)
        if match is None:
            raise ValueError(f"{self.path}: found no place for {self.text.strip()!r}; insert it by hand ({self.where})")
        if content.startswith(self.text, match.end()):
            return False
        file.write_text(content[: match.end()] + self.text + content[match.end() :], encoding="utf-8")
        return True


def edits_for(slug: str, root: Path) -> Sequence[Edit]:
    """Return the two edits that register a tracker. All other code finds the tracker by the name of its folder."""
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
