"""Static files: names with a hash, kept for good by browsers, once collectstatic has run; plain ones before."""

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """A file that the manifest does not know (nothing was collected, or an upgrade forgot to) is served as it is."""

    def url(self, name: str | None, force: bool = False) -> str:
        """The address of a file."""
        known = name is not None and self.clean_name(name) in self.hashed_files
        return super().url(name, force) if known or force else StaticFilesStorage.url(self, name)  # pyright: ignore[reportArgumentType]  # it takes None
