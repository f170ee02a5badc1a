"""Chooses the user that runs the server if the caller is root, and gives this user access to the files it needs.

PostgreSQL refuses to run as root. This package does not change the permissions or owners of folders that it did
not create. If the user cannot enter such a folder (for example a project in ``/root``), the server gets one capability
or a user namespace instead.
This module imports only the standard library, because the supervisor runs without site-packages.
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

from embedded_postgres.cluster_paths import ClusterPaths, SettingsError

_SERVER_ID = 65523
"""User and group id of the server.

Debian and systemd assign no ids from 65520 to 65533, and containers usually map ids up to 65535. With a shared account
such as "nobody", other processes of this account would have access to the data.
https://systemd.io/UIDS-GIDS/
"""

_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2  # linux/capability.h
_PR_SET_SECUREBITS, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 28, 38, 47  # linux/prctl.h
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 4
_CAPABILITY_VERSION = 0x20080522
_CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class OsUser:
    """The user that runs the server.

    This user has at most one capability. With ``namespace``, root runs the server in a user namespace. In this
    namespace, the id of the user is ``uid``.
    """

    uid: int
    gid: int
    capability: int | None = None
    namespace: bool = False

    def enter(self) -> None:
        """Switch the process to this user. Call this method in a child process between fork and exec."""
        if self.namespace:
            self._enter_namespace()
            return
        if self.capability is not None:
            # PostgreSQL checks its program file with access(2), which ignores capabilities unless this bit is set.
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
        with contextlib.suppress(PermissionError):  # some containers forbid this, but there root has no other groups
            os.setgroups([])
        call_kernel("unshare", _CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{self.uid} 0 1")
        Path("/proc/self/gid_map").write_text(f"{self.gid} 0 1")

    def for_initdb(self) -> "OsUser":
        """Return the user for initdb, which needs a name in the password database. ``_SERVER_ID`` has no name."""
        return self if self.namespace else replace(self, uid=_uid_with_a_name())

    def give(self, path: Path) -> None:
        """Make this user the owner of a file, or of a folder and its content.

        The owner of the folder itself changes last, so that the next start repeats an interrupted change.
        """
        uid, gid = (0, 0) if self.namespace else (self.uid, self.gid)
        for folder, names, files in os.walk(path, topdown=False):
            for name in names + files:
                os.lchown(os.path.join(folder, name), uid, gid)  # noqa: PTH118 - a data folder has a thousand files, and Path objects would take most of the time
        os.lchown(path, uid, gid)

    def owns(self, path: Path) -> bool:
        return path.stat().st_uid == (0 if self.namespace else self.uid)


def choose_os_user(paths: ClusterPaths, postgres: Path) -> OsUser | None:
    """Return the first user that can run ``postgres -V`` in the folder, or None if the caller is not root.

    Raises SettingsError if no user can run it.
    """
    if os.geteuid() != 0:
        return None
    for user in _candidates(paths):
        if _works(user, paths, postgres):
            return user
    raise SettingsError(
        "root cannot run PostgreSQL, and no other user can reach "
        f"{postgres.parent} and {paths.path}. Put the project and VAR_DIR into folders that other users may enter, "
        "run as an ordinary user, or set DATABASE_URL to a PostgreSQL server"
    )


def _candidates(paths: ClusterPaths) -> Iterator[OsUser]:
    """Yield the users that may be able to run the server. Users with fewer rights come first.

    If an ordinary user owns the data folder, all candidates without a namespace have this user's id, so that both root
    and this user can run the server.
    """
    owner = paths.data.stat().st_uid if paths.data.exists() else 0
    user = OsUser(owner or _SERVER_ID, _SERVER_ID)
    yield user
    if sys.platform == "linux":
        yield replace(user, capability=_CAP_DAC_READ_SEARCH)
        yield replace(user, capability=_CAP_DAC_OVERRIDE)  # most containers lack CAP_DAC_READ_SEARCH
        inside = _uid_with_a_name()
        yield OsUser(inside, inside, namespace=True)  # for containers in which only user 0 exists


def _works(user: OsUser, paths: ClusterPaths, postgres: Path) -> bool:
    def enter() -> None:
        user.enter()
        os.chdir(paths.path)

    try:
        if not user.namespace:
            os.chown(paths.path, -1, _SERVER_ID)
            paths.path.chmod(0o710)
        subprocess.run([postgres, "-V"], preexec_fn=enter, capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _uid_with_a_name() -> int:
    entries = [entry for entry in pwd.getpwall() if entry.pw_uid]
    if not entries:
        raise SettingsError("PostgreSQL needs a user other than root in /etc/passwd. Add a user, or set DATABASE_URL")
    return min(entries, key=lambda entry: entry.pw_name != "nobody").pw_uid


def call_kernel(name: str, *arguments: int | bytes) -> None:
    """Call a function of the C library. Raises OSError with the function's errno if the result is not 0."""
    wide = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    if getattr(_libc, name)(*wide) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
