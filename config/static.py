"""Static files: plain names; after collectstatic, names with a hash that browsers cache for ever."""

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Serve files that are missing in the manifest (collectstatic did not run) under their plain names."""

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the URL of a file."""
        known = name is not None and self.clean_name(name) in self.hashed_files
        return super().url(name, force) if known or force else StaticFilesStorage.url(self, name)  # pyright: ignore[reportArgumentType]  # it takes None
