"""Creates and checks the data folder, and starts the server process.

The supervisor uses this module and runs without site-packages, so this module imports only the standard library.
"""

import contextlib
import locale
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from embedded_postgres.cluster_paths import (
    FULL_DISK,
    NEEDED,
    SOCKET_NAME,
    SOCKET_PATH_BYTES,
    ClusterPaths,
    SettingsError,
    StartError,
)
from embedded_postgres.os_user import OsUser

MAJOR = "18"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C"}  # no other variables, which may contain tokens
_PR_SET_PDEATHSIG = 1

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": "activity_trackers",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "384MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    # Most containers limit /dev/shm to 64 MB. Segments in /dev/shm or System V shared memory remain after a SIGKILL.
    # With mmap, the segments are files in the data folder, and the next start removes them.
    "dynamic_shared_memory_type": "mmap",
    "huge_pages": "off",
    "jit": "off",
    "wal_level": "minimal",  # enough without replicas; bulk loads write only half as much
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    # After each checkpoint, every changed page is written to the log as a whole. With 512 MB and ten million messages,
    # this made a collection a quarter slower. A large collection may use 2 GB of disk for the log.
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements may contain private messages
    "log_error_verbosity": "terse",
}
"""Settings of the server. They are passed on the command line, so each start uses the settings of the current code.

fsync and synchronous_commit keep their default, on. The sizes suit a machine with 2 cores and 2 GB of memory. Shared
buffers use memory only as they fill.
"""


def prepare_data(paths: ClusterPaths, programs: Path, user: OsUser | None, lock: int) -> None:
    """Create the cluster if there is none, and make ``user`` its owner.

    Raises SettingsError if the data folder is not a cluster of this PostgreSQL version, and StartError if the cluster
    cannot be created.
    """
    for leftover in paths.path.glob("data.new-*"):
        shutil.rmtree(leftover)
    with contextlib.suppress(OSError):
        paths.data.rmdir()  # an empty folder is not a cluster
    if not paths.data.exists():
        _initialise(paths, programs, user, lock)
    try:
        version = (paths.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise SettingsError(
            f"{paths.data} is not a PostgreSQL data folder. Move it away, or set VAR_DIR to another folder"
        ) from None
    if version != MAJOR:
        raise SettingsError(
            f"{paths.data} was created by PostgreSQL {version[:10]}, but PostgreSQL {MAJOR} is needed. Move the folder "
            f"away to collect again, transfer the data with pg_dump of version {version[:10]}, or set DATABASE_URL"
        )
    if user is not None and not user.owns(paths.data):
        user.give(paths.data)


def _initialise(paths: ClusterPaths, programs: Path, user: OsUser | None, lock: int) -> None:
    """Run initdb in a temporary folder, then rename this folder to ``data``.

    Therefore ``data`` is complete or does not exist. Raises StartError if initdb fails.
    """
    new_data = Path(tempfile.mkdtemp(prefix="data.new-", dir=paths.path))
    initdb_user = user.for_initdb() if user is not None else None
    if initdb_user is not None:
        initdb_user.give(new_data)
    # Sorting and case conversion use PostgreSQL's own tables, so they are the same on every machine. Only full-text
    # search uses the character types of the system. With the locale "C", it would treat quotes and dashes beyond ASCII
    # as parts of words.
    locale_options = ["--encoding=UTF8", "--locale=C", f"--lc-ctype={_character_types()}"]
    locale_options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # The permissions of the socket's folder decide who can connect, so the server trusts every connection.
    result = subprocess.run(
        [
            programs / "initdb",
            "-D",
            new_data,
            "--username=postgres",
            "--auth-local=trust",
            "--auth-host=reject",
            *locale_options,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_ENVIRONMENT,
        cwd="/",
        pass_fds=[lock],
        preexec_fn=_before_exec(initdb_user),
        check=False,
    )
    if result.returncode != 0:
        shutil.rmtree(new_data, ignore_errors=True)
        raise StartError(f"the database could not be created in {paths.path}: {_reason(result.stderr, paths)}")
    if user is not None:
        user.give(new_data)
    new_data.rename(paths.data)
    folder = os.open(paths.path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _character_types() -> str:
    for name in ("C.UTF-8", "en_US.UTF-8"):
        with contextlib.suppress(locale.Error):
            return locale.setlocale(locale.LC_CTYPE, name)
    return "C"


def make_socket_folder(paths: ClusterPaths, user: OsUser | None) -> Path:
    """Create and return a private folder for the socket.

    The folder is ``paths.socket``. If this path is too long for a socket, the folder is in ``/tmp``, and
    ``paths.socket`` is a link to it.
    """
    remove_socket_folder(paths, paths.address())
    folder = paths.socket
    if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_BYTES:
        # TMPDIR is not used, because its path may be too long and other clients may have another value.
        folder = Path(tempfile.mkdtemp(prefix="activity-trackers-", dir="/tmp"))
        paths.socket.symlink_to(folder)
    else:
        folder.mkdir(0o700)
    if user is not None:
        user.give(folder)
    return folder


def remove_socket_folder(paths: ClusterPaths, folder: str | None) -> None:
    """Remove the socket's folder and the link to it.

    ``folder`` must come from ``address`` or ``make_socket_folder``, so that no other user's folder is removed.
    """
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        paths.socket.unlink()


def start_postmaster(
    paths: ClusterPaths, programs: Path, user: OsUser | None, folder: Path, inherited: list[int]
) -> subprocess.Popen[bytes]:
    """Start the server process and return it without waiting until it is ready.

    On Linux, the server stops when the calling process ends.
    """
    # This process holds server.lock, so no server runs and the process id in the file belongs to another program.
    for stale in ("postmaster.pid", "postmaster.opts"):
        (paths.data / stale).unlink(missing_ok=True)
    quoted = '"' + str(folder).replace('"', '""') + '"'
    settings = SETTINGS | {"unix_socket_directories": quoted}
    log = paths.open_file(paths.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        return subprocess.Popen(
            [programs / "postgres", "-D", paths.data, *(f"--{name}={value}" for name, value in settings.items())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_ENVIRONMENT,
            cwd="/",
            pass_fds=inherited,
            preexec_fn=_before_exec(user),
        )
    finally:
        os.close(log)


def failure_reason(paths: ClusterPaths, begin: int) -> str:
    """Return the reason why a start failed. Reads the server's log after position ``begin`` (in bytes)."""
    with paths.log.open("rb") as log:
        log.seek(begin)
        return f"{_reason(log.read(), paths)} (see {paths.log})"


def _reason(output: bytes, paths: ClusterPaths) -> str:
    """Return the most informative line of a program's output.

    A full disk is reported first, because it causes other errors.
    """
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    if full := [line for line in lines if FULL_DISK in line]:
        return full[0]
    if shutil.disk_usage(paths.path).free < NEEDED:
        return FULL_DISK
    errors = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:"))]
    if errors or lines:
        return (errors or lines)[-1 if "FATAL:" in "".join(errors) else 0]
    return "the program printed no output"


def _before_exec(user: OsUser | None) -> Callable[[], None]:
    """Return the function that a child process runs before it executes a PostgreSQL program."""
    supervisor = os.getpid()

    def enter() -> None:
        os.umask(0o077)
        if user is not None:
            user.enter()
        if sys.platform == "linux":
            from embedded_postgres.os_user import call_kernel

            # When the supervisor ends, the kernel sends SIGINT, and PostgreSQL does a fast shutdown.
            call_kernel("prctl", _PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != supervisor:
                os._exit(1)

    return enter
