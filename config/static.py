"""Static files: under plain names, or after collectstatic under hashed names, which browsers can cache for ever."""

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Use plain names for files that are not in the manifest, because collectstatic has not been run."""

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the URL of a file."""
        known = name is not None and self.clean_name(name) in self.hashed_files
        return super().url(name, force) if known or force else StaticFilesStorage.url(self, name)  # pyright: ignore[reportArgumentType]  # it takes None
