"""What axe-core and html-validate, from npm, say of a page."""

import json
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RUN = """() => axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations
    .filter(rule => ["serious", "critical"].includes(rule.impact))
    .flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary.split("\\n").slice(1).join(";")}`)))"""


@lru_cache
def tools() -> Path:
    """The folder with both, at the versions of package-lock.json; without npm the test is skipped."""
    folder = HERE / "node_modules"
    if not (folder / "axe-core").is_dir():
        if not shutil.which("npm"):
            pytest.skip("Node.js with npm is not on this machine: accessibility and HTML go unchecked")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    return folder


def violations(page) -> list[str]:
    """Serious and critical ones on a page of Playwright's, as it is shown now: rule, where, why."""
    page.evaluate((tools() / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    return page.evaluate(RUN)


def invalid(files: list[Path], rules: dict[str, str] | None = None) -> list[str]:
    """Where HTML files break the standard, as file:line: what; `rules` turns single ones on or off."""
    config = tools() / "rules.json"
    command = [tools() / ".bin" / "html-validate", "--config", config, "--formatter", "json", *files]
    config.write_text(json.dumps({"root": True, "extends": ["html-validate:standard"], "rules": rules or {}}))
    with tempfile.TemporaryFile() as report:  # into a pipe it writes only the beginning of a long one
        done = subprocess.run(command, stdout=report, stderr=subprocess.PIPE, encoding="utf-8")
        assert done.returncode in (0, 1), done.stderr
        report.seek(0)
        found = json.load(report)
    return [
        f"{Path(file['filePath']).name}:{message['line']}: {message['message']} ({message['ruleId']})"
        for file in found
        for message in file["messages"]
    ]
