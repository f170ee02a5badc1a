"""Names of static files. After collectstatic, names contain a hash, so that browsers can cache the files for ever."""

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """A storage that uses the plain name of a file that is not in the manifest, which collectstatic writes."""

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the URL of a file, with the hashed name if there is one."""
        known = name is not None and self.clean_name(name) in self.hashed_files
        return super().url(name, force) if known or force else StaticFilesStorage.url(self, name)  # pyright: ignore[reportArgumentType]  # it accepts None
