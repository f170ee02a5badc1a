"""The first start of an installation: full disks, the secret key, and simultaneous processes."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_SPACE = (0, 0)


def environment(var: Path) -> dict[str, str]:
    """Return this process's environment with ``var`` as VAR_DIR, without settings module, secret key and database."""
    names = ("SECRET_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in names} | {"VAR_DIR": str(var)}


def key_of(var: Path, *, full_disk: bool = False) -> "subprocess.CompletedProcess[str]":
    """Start Django in a process that prints its secret key. With ``full_disk``, no file can grow."""
    program = "import django; from django.conf import settings; print(settings.SECRET_KEY)"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=environment(var) | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, NO_SPACE)) if full_disk else None,
    )  # fmt: skip


def test_a_full_disk_at_the_first_start_leaves_no_empty_key(tmp_path: Path) -> None:
    failed = key_of(tmp_path, full_disk=True)
    assert "cannot be written" in failed.stderr
    assert list(tmp_path.iterdir()) == []
    assert key_of(tmp_path).stdout.strip() == key_of(tmp_path).stdout.strip() != ""


@pytest.mark.parametrize("command", ["check", "migrate", "collect_github"])
def test_a_full_disk_is_one_line_and_exit_code_2(tmp_path: Path, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=environment(tmp_path), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, NO_SPACE),
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_key_of_an_earlier_start_is_replaced_and_then_stays(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret_key").write_text(content)
    first = key_of(tmp_path).stdout.strip()
    assert len(first) > 40
    assert key_of(tmp_path).stdout.strip() == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_ten_migrations_at_once_all_succeed(tmp_path: Path) -> None:
    commands = [
        subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT, env=environment(tmp_path), stderr=subprocess.PIPE, text=True,
        )
        for _ in range(10)
    ]  # fmt: skip
    errors = [command.communicate(timeout=300)[1] for command in commands]
    subprocess.run([sys.executable, "-m", "embedded_postgres", "stop"], cwd=ROOT, env=environment(tmp_path), check=True)
    assert [command.returncode for command in commands] == [0] * 10, errors


@pytest.mark.slow
def test_the_embedded_server_is_found_through_the_dotenv_file(tmp_path: Path) -> None:
    """``python -m embedded_postgres`` reads VAR_DIR from ``.env``, like all commands."""
    copy, var = tmp_path / "project", tmp_path / "elsewhere"
    shutil.copytree(ROOT / "embedded_postgres", copy / "embedded_postgres")
    (copy / ".env").write_text(f"VAR_DIR={var}\n")
    env = {name: value for name, value in environment(var).items() if name != "VAR_DIR"}
    command = [sys.executable, "-m", "embedded_postgres"]
    asked = subprocess.run([*command, "url"], cwd=copy, env=env, capture_output=True, text=True, check=False)
    subprocess.run([*command, "stop"], cwd=copy, env=env, check=True)
    assert (var / "postgres" / "data").is_dir(), (
        asked.stderr
    )  # the socket may be in another folder, because its path must be short
