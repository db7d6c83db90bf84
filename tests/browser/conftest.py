"""A JupyterLab of its own on loopback, and a real Chromium that opens notebooks in it."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
HERE = re.compile(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:")  # where a page may go


def new_page(browser, width: int = 1280, height: int = 1000):
    """A page, and the list that its console errors and all its requests to other machines go to."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(30_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and errors.append(line.text))
    for kind in ("request", "websocket"):
        page.on(kind, lambda asked: HERE.match(asked.url) or errors.append(f"outside: {asked.url}"))
    return page, errors


def watch(page) -> list[str]:
    """What goes wrong on a page from disk: errors, warnings, requests that fail or go elsewhere."""
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: line.type in ("error", "warning") and troubles.append(line.text))
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    page.on(
        "request",
        lambda r: r.url.startswith(("file:", "data:", "blob:")) or troubles.append(f"outside: {r.url}"),
    )
    return troubles


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def screenshot(page, name: str) -> None:
    """A picture for people to look at, in build/screenshots/."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


class Notebook:
    """A notebook of some cells, open in the lab. `errors`: as in new_page."""

    def __init__(self, lab: "Lab", page, errors: list[str], cells: int):
        self.lab, self.page, self.errors, self.cells = lab, page, errors, cells

    @contextmanager
    def fresh(self, widget: str, ready: str):
        """The page, where every `widget` is made anew and shows what is `ready`; afterwards, all is clean."""
        self.page.evaluate("w => document.querySelectorAll(w).forEach(old => old.dataset.old = 1)", widget)
        self.lab.run_all(self.page)
        self.page.wait_for_selector(f"{widget}:not([data-old]) {ready}", timeout=60_000)
        self.page.wait_for_function("w => !document.querySelector(w + '[data-old]')", arg=widget)
        yield self.page
        self.assert_clean()

    def assert_clean(self) -> None:
        """No error, no request that left, no markup of the data run, no cell cut, moved or added by a key."""
        assert not self.errors and self.page.evaluate("window.hacked") is None
        assert self.page.locator(".jp-Notebook .jp-Cell").count() == self.cells

    def assert_fits(self, widget: str, name: str, widths: tuple[int, ...], height: int) -> None:
        """No `widget` is wider than its place in windows that wide; with a picture of each."""
        before = self.page.viewport_size
        for width in widths:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.wait_for_timeout(300)  # to be laid out anew
            self.page.locator(widget).last.scroll_into_view_if_needed()
            screenshot(self.page, f"{name}_{width}")
            for game in self.page.locator(widget).all():
                assert game.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
        self.page.set_viewport_size(before)


class Lab:
    """A running JupyterLab. `open` makes a notebook of some cells, opens it and runs it in a browser page."""

    def __init__(self, folder: Path, port: int, token: str, browser):
        self.folder, self.url, self.token, self.browser = folder, f"http://127.0.0.1:{port}", token, browser

    def api(self, path: str, method: str = "GET"):
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=5) as reply:
            return json.loads(reply.read() or "null")

    @contextmanager
    def open(self, name: str, *cells: str, ready: str, width: int = 1280, height: int = 1000):
        """A Notebook, running, where what is `ready` is shown; closed in the end, and its kernel with it."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.folder / name)
        page, errors = new_page(self.browser, width, height)
        self.visit(page, name)
        self.run_all(page)
        page.wait_for_selector(ready, timeout=120_000)
        yield Notebook(self, page, errors, len(cells))
        page.close()
        self.end_sessions(name)

    def visit(self, page, name: str) -> None:
        """Go to a notebook, and wait until its kernel is connected."""
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset", timeout=90_000)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.wait_for_kernel(name)
        if page.locator("#filebrowser").is_visible():
            page.keyboard.press("Control+b")  # the file browser away

    def run_all(self, page) -> None:
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def wait_for_kernel(self, name: str) -> None:
        """The page says idle before the kernel of that notebook is connected: ask the server."""

        def ready():
            kernels = [session["kernel"] for session in self.api("sessions") if session["path"] == name]
            return any(k["execution_state"] == "idle" and k["connections"] > 0 for k in kernels)

        wait_until(ready, 60)

    def end_sessions(self, name: str | None = None) -> None:
        """End the kernel of that notebook, or every kernel."""
        for session in self.api("sessions"):
            if name in (None, session["path"]):
                self.api(f"sessions/{session['id']}", "DELETE")


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium of the system's, driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api")
    from pedagogy.publish.slides import BROWSERS

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory, chromium):
    """JupyterLab in an empty folder, with settings, workspaces and runtime files of its own."""
    home, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("lab")
    port = free_port()
    lab = Lab(folder, port, secrets.token_hex(16), chromium)
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={port}", "--no-browser"]
    command += ["--allow-root", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    command += [f"--IdentityProvider.token={lab.token}"]
    with open(home / "log.txt", "wb") as log:
        server = subprocess.Popen(command, env=server_environment(home), stdout=log, stderr=log)
        try:
            _wait_for_server(lab, server, home / "log.txt")
            yield lab
            lab.end_sessions()
        finally:
            server.terminate()
            server.wait(20)


def server_environment(home: Path) -> dict[str, str]:
    """Jupyter's folders inside `home`; one core; no pop-up that asks about news."""
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    places |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    quiet = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    own = {name: str(home / place) for name, place in places.items()}
    return os.environ | own | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def _wait_for_server(lab: Lab, server: subprocess.Popen, log: Path) -> None:
    def up():
        if server.poll() is not None:
            raise RuntimeError("JupyterLab did not start:\n" + log.read_text()[-3000:])
        try:
            return lab.api("status")
        except OSError:
            return None

    wait_until(up, 60)


@pytest.fixture(scope="module")
def lab(lab_server):
    """The same JupyterLab for every module, without the sessions of the modules before."""
    lab_server.end_sessions()
    return lab_server
