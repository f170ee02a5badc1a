"""The cluster on disk: how it is made, checked and served. Used by the keeper, standard library only."""

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

from config.database.account import Account
from config.database.disk import FULL_DISK, NEEDED
from config.database.home import SOCKET_NAME, SOCKET_PATH_BYTES, Home, SettingsFault, StartFailed

MAJOR = "18"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C"}  # ours may hold tokens
_PR_SET_PDEATHSIG = 1

# On the command line, so that every start uses what this version of the project says. fsync and synchronous_commit keep
# their default: on. Sizes suit a machine with 2 cores and 2 GB; the buffers take memory only as they fill.
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
    # /dev/shm has 64 MB in most containers, and segments there or in System V outlive a SIGKILL; files in the data do
    # not.
    "dynamic_shared_memory_type": "mmap",
    "huge_pages": "off",
    "jit": "off",
    "wal_level": "minimal",  # nobody replicates from here; bulk loads write half as much
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements and details hold what people wrote
    "log_error_verbosity": "terse",
}


def prepare_data(home: Home, programs: Path, account: Account | None, lock: int) -> None:
    """Make the cluster where there is none, and refuse one that this PostgreSQL cannot serve."""
    for leftover in home.path.glob("data.new-*"):
        shutil.rmtree(leftover)
    with contextlib.suppress(OSError):
        home.data.rmdir()  # an empty folder is no cluster
    if not home.data.exists():
        _initialise(home, programs, account, lock)
    try:
        version = (home.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise SettingsFault(f"{home.data} is not a PostgreSQL data folder. Move it away, or set VAR_DIR") from None
    if version != MAJOR:
        raise SettingsFault(
            f"{home.data} was made by PostgreSQL {version[:10]}, and this is PostgreSQL {MAJOR}. Move it away to "
            f"collect afresh, carry the data over with pg_dump of version {version[:10]}, or set DATABASE_URL"
        )
    if account is not None and not account.owns(home.data):
        account.give(home.data)


def _initialise(home: Home, programs: Path, account: Account | None, lock: int) -> None:
    """initdb beside the final place, then rename: the folder is complete and on disk, or it is not there."""
    fresh = Path(tempfile.mkdtemp(prefix="data.new-", dir=home.path))
    maker = account.for_initdb() if account is not None else None
    if maker is not None:
        maker.give(fresh)
    # Sorting and case come from PostgreSQL's own tables, the same on every machine. Only what full text search takes
    # for
    # a letter comes from the system: with "C", quotes and dashes beyond ASCII would become parts of words.
    where = ["--encoding=UTF8", "--locale=C", f"--lc-ctype={_character_types()}"]
    where += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Only who may enter the socket's folder can connect, so the server itself trusts every connection.
    made = subprocess.run(
        [programs / "initdb", "-D", fresh, "--username=postgres", "--auth-local=trust", "--auth-host=reject", *where],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_ENVIRONMENT,
        cwd="/",
        pass_fds=[lock],
        preexec_fn=_entry(maker),
        check=False,
    )
    if made.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StartFailed(f"the database could not be made in {home.path}: {_reason(made.stderr, home)}")
    if account is not None:
        account.give(fresh)
    fresh.rename(home.data)
    folder = os.open(home.path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _character_types() -> str:
    for name in ("C.UTF-8", "en_US.UTF-8"):
        with contextlib.suppress(locale.Error):
            return locale.setlocale(locale.LC_CTYPE, name)
    return "C"


def make_socket_folder(home: Home, account: Account | None) -> Path:
    """A private folder with a short path and without stale sockets, reached through ``home.socket``."""
    remove_socket_folder(home, home.address())
    folder = home.socket
    if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_BYTES:
        # Not TMPDIR: it may be as deep, and other clients may have another.
        folder = Path(tempfile.mkdtemp(prefix="activity-trackers-", dir="/tmp"))
        home.socket.symlink_to(folder)
    else:
        folder.mkdir(0o700)
    if account is not None:
        account.give(folder)
    return folder


def remove_socket_folder(home: Home, folder: str | None) -> None:
    """Remove the folder, where it is known to be ours, and the link to it."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        home.socket.unlink()


def start_postmaster(
    home: Home, programs: Path, account: Account | None, folder: Path, inherited: list[int]
) -> subprocess.Popen[bytes]:
    """Start the server process; it may not be ready yet. It ends by itself when this process does."""
    for stale in ("postmaster.pid", "postmaster.opts"):
        (home.data / stale).unlink(missing_ok=True)  # we hold server.lock, so the number in it is another program's
    quoted = '"' + str(folder).replace('"', '""') + '"'
    settings = SETTINGS | {"unix_socket_directories": quoted}
    log = home.open_file(home.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        return subprocess.Popen(
            [programs / "postgres", "-D", home.data, *(f"--{name}={value}" for name, value in settings.items())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_ENVIRONMENT,
            cwd="/",
            pass_fds=inherited,
            preexec_fn=_entry(account),
        )
    finally:
        os.close(log)


def failure_reason(home: Home, begin: int) -> str:
    """What the server wrote into its log behind ``begin`` about why it ended."""
    with home.log.open("rb") as log:
        log.seek(begin)
        return f"{_reason(log.read(), home)} (see {home.log})"


def _reason(output: bytes, home: Home) -> str:
    """The line that tells most in what a PostgreSQL program wrote; a full disk explains all others."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    if full := [line for line in lines if FULL_DISK in line]:
        return full[0]
    if shutil.disk_usage(home.path).free < NEEDED:
        return FULL_DISK
    told = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:"))]
    if told or lines:
        return (told or lines)[-1 if "FATAL:" in "".join(told) else 0]
    return "it said nothing"


def _entry(account: Account | None) -> Callable[[], None]:
    """What the child does before it becomes a PostgreSQL program."""
    keeper = os.getpid()

    def enter() -> None:
        os.umask(0o077)
        if account is not None:
            account.enter()
        if sys.platform == "linux":
            from config.database.account import call_kernel

            # The kernel sends SIGINT, which asks PostgreSQL for a fast and clean stop, when the keeper dies.
            call_kernel("prctl", _PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(1)

    return enter
