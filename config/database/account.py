"""For root: which user runs the server, and how that user reaches files below folders closed to it.

PostgreSQL refuses to run as root. No folder that we did not make is opened or given away: where the user cannot enter
(a project below ``/root``), the server gets one capability instead, or a user namespace.
"""

import contextlib
import ctypes
import os
import pwd
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from config.database.home import Home, SettingsFault

# Nobody's: 65520-65533 are assigned neither by Debian nor by systemd, and fit into a container's 16-bit range.
# https://systemd.io/UIDS-GIDS/ A shared account such as "nobody" would let its other processes at the data.
_SERVER_ID = 65523

_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2  # linux/capability.h
_PR_SET_SECUREBITS, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 28, 38, 47  # linux/prctl.h
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 4
_CAPABILITY_VERSION = 0x20080522
_CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Account:
    """A user, the one capability it keeps, or a user namespace in which root appears as ``uid``."""

    uid: int
    gid: int
    capability: int | None = None
    namespace: bool = False

    def enter(self) -> None:
        """Become this account; for a child between fork and exec."""
        if self.namespace:
            self._enter_namespace()
            return
        if self.capability is not None:
            # Without this bit access(2), by which PostgreSQL checks its own program file, ignores capabilities.
            call_kernel("prctl", _PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if self.capability is not None:
            mask = 1 << self.capability
            call_kernel(
                "capset", struct.pack("<Ii", _CAPABILITY_VERSION, 0), struct.pack("<6I", mask, mask, mask, 0, 0, 0)
            )
            call_kernel("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, self.capability, 0, 0)
        if sys.platform == "linux":
            call_kernel("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    def _enter_namespace(self) -> None:
        with contextlib.suppress(PermissionError):  # where groups may not be dropped there are none worth dropping
            os.setgroups([])
        call_kernel("unshare", _CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{self.uid} 0 1")
        Path("/proc/self/gid_map").write_text(f"{self.gid} 0 1")

    def for_initdb(self) -> "Account":
        """initdb insists on a name in the password database, which a number of our own does not have."""
        return self if self.namespace else replace(self, uid=_uid_with_a_name())

    def give(self, path: Path) -> None:
        """Hand over a file or a folder with all it holds; the top comes last, so a broken hand-over is repeated."""
        uid, gid = (0, 0) if self.namespace else (self.uid, self.gid)
        for folder, names, files in os.walk(path, topdown=False):
            for name in names + files:
                os.lchown(os.path.join(folder, name), uid, gid)  # noqa: PTH118 - a thousand Path objects cost more than the rest
        os.lchown(path, uid, gid)

    def owns(self, path: Path) -> bool:
        return path.stat().st_uid == (0 if self.namespace else self.uid)


def choose_account(home: Home, postgres: Path) -> Account | None:
    """The first way that works here, tried by running ``postgres -V``; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for account in _candidates(home):
        if _works(account, home, postgres):
            return account
    raise SettingsFault(
        "as root, PostgreSQL must run as another user, and none can reach "
        f"{postgres.parent} and {home.path}. Put the project and VAR_DIR into folders others may enter, "
        "run as an ordinary user, or set DATABASE_URL to a PostgreSQL server"
    )


def _candidates(home: Home) -> Iterator[Account]:
    """From least to most power. An ordinary user's data keep their owner, so that both can use them."""
    owner = home.data.stat().st_uid if home.data.exists() else 0
    account = Account(owner or _SERVER_ID, _SERVER_ID)
    yield account
    if sys.platform == "linux":
        yield replace(account, capability=_CAP_DAC_READ_SEARCH)
        yield replace(account, capability=_CAP_DAC_OVERRIDE)  # containers usually withhold the one above
        inside = _uid_with_a_name()
        yield Account(inside, inside, namespace=True)  # where only user 0 exists


def _works(account: Account, home: Home, postgres: Path) -> bool:
    def enter() -> None:
        account.enter()
        os.chdir(home.path)

    try:
        if not account.namespace:
            os.chown(home.path, -1, _SERVER_ID)
            home.path.chmod(0o710)
        subprocess.run([postgres, "-V"], preexec_fn=enter, capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _uid_with_a_name() -> int:
    named = [entry for entry in pwd.getpwall() if entry.pw_uid]
    if not named:
        raise SettingsFault("PostgreSQL needs a user besides root in /etc/passwd. Add one, or set DATABASE_URL")
    return min(named, key=lambda entry: entry.pw_name != "nobody").pw_uid


def call_kernel(name: str, *arguments: int | bytes) -> None:
    wide = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    if getattr(_libc, name)(*wide) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
