"""A JupyterLab of its own on loopback, and a real Chromium that opens notebooks in it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"


class Lab:
    """A running JupyterLab. `open` makes a notebook of some cells, opens it and runs it in a browser page."""

    def __init__(self, folder: Path, port: int, token: str, browser):
        self.folder, self.url, self.token, self.browser = folder, f"http://127.0.0.1:{port}", token, browser

    def api(self, path: str, method: str = "GET"):
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=5) as reply:
            return json.loads(reply.read() or "null")

    def open(self, name: str, *cells: str, width: int = 1280, height: int = 1000):
        """The page with the notebook running, and the list that its console errors go to."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.folder / name)
        page = self.browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(30_000)
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.wait_for_kernel()
        page.keyboard.press("Control+b")  # the file browser away
        self.run_all(page)
        return page, errors

    def run_all(self, page) -> None:
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def wait_for_kernel(self) -> None:
        """The page says idle before its kernel is connected: ask the server."""

        def ready():
            kernels = [session["kernel"] for session in self.api("sessions")]
            return any(k["execution_state"] == "idle" and k["connections"] > 0 for k in kernels)

        self.wait_until(ready, 60)

    def wait_until(self, true, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)

    def screenshot(self, page, name: str) -> None:
        """A picture for people to look at, in build/screenshots/."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def end_sessions(self) -> None:
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium of the system's, driven by Playwright."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = Lab(folder, port, secrets.token_hex(16), chromium)
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={port}", "--no-browser"]
    command += ["--allow-root", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    command += [f"--IdentityProvider.token={lab.token}"]
    with open(home / "log.txt", "wb") as log:
        server = subprocess.Popen(command, env=_environment(home), stdout=log, stderr=log)
        try:
            _wait_for_server(lab, server, home / "log.txt")
            yield lab
            lab.end_sessions()
        finally:
            server.terminate()
            server.wait(20)


def _environment(home: Path) -> dict[str, str]:
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

    lab.wait_until(up, 60)


@pytest.fixture(scope="module")
def lab(lab_server):
    """The same JupyterLab for every module, without the sessions of the modules before."""
    lab_server.end_sessions()
    return lab_server
