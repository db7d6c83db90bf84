"""What slides and book are shown with, from npm at the versions that slides/package-lock.json pins."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from .execute import ROOT

FOLDER = ROOT / "slides"
MODULES = FOLDER / "node_modules"


class CannotBuild(Exception):
    """What is missing, and how to get it."""


def modules(*files: str) -> list[Path]:
    """Where these files of npm packages lie, fetched first where one is missing. Raises CannotBuild."""
    found = [MODULES / file for file in files]
    if not all(path.is_file() for path in found):
        if not shutil.which("npm"):
            raise CannotBuild("npm is needed, for MathJax and reveal.js (Debian/Ubuntu: apt install npm)")
        command = ["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"]
        if subprocess.run(command, cwd=FOLDER, stdout=sys.stderr).returncode:
            raise CannotBuild("npm could not fetch reveal.js and MathJax; the first time it needs a network")
    return found
