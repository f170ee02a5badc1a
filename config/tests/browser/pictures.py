"""``make pictures``: take the screenshots for ``docs/``. They show the sample community in a temporary database."""

import os
import sys
import tempfile
import threading
from pathlib import Path

PICTURES = Path("docs/pictures")
SHOTS = [
    ("dashboard", "/admin/", "light"),
    ("dashboard-dark", "/admin/", "dark"),
    ("timeline", "/admin/timeline/", "light"),
    ("thread-dark", "", "dark"),
    ("search", "/admin/search/?q=why+does+a+large+import+hang", "light"),
    ("health", "/admin/health/", "light"),
    ("run", "", "light"),
]
HEIGHT = 800


def main() -> None:
    """Collect the sample community, serve it, and take the screenshots."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var:
        os.environ |= {"VAR_DIR": var, "DJANGO_SETTINGS_MODULE": "config.settings", "DJANGO_ALLOW_ASYNC_UNSAFE": "1"}
        import django

        django.setup()
        from django.core.management import call_command
        from django.core.servers.basehttp import ThreadedWSGIServer
        from django.test.testcases import QuietWSGIRequestHandler

        from config.wsgi import application

        call_command("demo")
        with ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler) as server:
            server.set_app(application)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            _take(f"http://127.0.0.1:{server.server_port}")
            server.shutdown()


def _take(home: str) -> None:
    from django.contrib.auth import get_user_model
    from playwright.sync_api import sync_playwright

    from core.models import Activity, CollectorRun
    from tests.support.watched_page import FLAGS

    busiest = Activity.objects.filter(activity_type="github.issue").order_by("-occurred_at").first()
    run = CollectorRun.objects.first()
    assert busiest
    assert run
    places = {
        "thread-dark": f"/admin/timeline/github/thread/?id={busiest.thread}",
        "run": f"/admin/core/collectorrun/{run.pk}/change/",
    }
    get_user_model().objects.create_superuser("keeper", password="keeper")
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, address, scheme in SHOTS:
            context = browser.new_context(
                base_url=home,
                viewport={"width": 1280, "height": HEIGHT},
                color_scheme=scheme,  # pyright: ignore[reportArgumentType]
            )
            page = context.new_page()
            page.goto(f"/admin/login/?next={places.get(name, address)}")
            page.get_by_label("Username").fill("keeper")
            page.get_by_label("Password").fill("keeper")
            page.get_by_role("button", name="Log in").click()
            page.wait_for_load_state("networkidle")
            page.screenshot(path=PICTURES / f"{name}.png")
            sys.stdout.write(f"{name}\n")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
