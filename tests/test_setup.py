"""The set-up holds together: every dependency pinned, the same on every path, on every platform."""

import importlib.metadata
import itertools
import re
import tomllib
from pathlib import Path

import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
MACOS = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
WINDOWS = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def pins() -> dict[str, str]:
    """constraints.txt as {canonical name: version}; every line must be an exact pin."""
    text = (ROOT / "constraints.txt").read_text()
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    matches = {line: re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines if line}
    loose = [line for line, match in matches.items() if not match]
    assert not loose, f"not exact pins: {loose}"
    return {canonicalize_name(match[1]): match[2] for match in matches.values()}


def requirements() -> list[str]:
    """The project's own requirements, extras included."""
    project = PYPROJECT["project"]
    return project["dependencies"] + sum(project["optional-dependencies"].values(), [])


def needed(environment: dict[str, str]) -> set[str]:
    """Canonical names of all that the project needs there, through the metadata of what is installed here."""
    found, todo = set(), [(Requirement(r), "") for r in requirements()]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate(environment | {"extra": extra}):
            continue
        for extra in {"", *requirement.extras}:
            key = (canonicalize_name(requirement.name), extra)
            if key in found:
                continue
            found.add(key)
            try:
                children = importlib.metadata.requires(requirement.name) or []
            except importlib.metadata.PackageNotFoundError:  # belongs to another platform: a leaf
                children = []
            todo += [(Requirement(child), extra) for child in children]
    return {name for name, _ in found}


def environments() -> list[dict[str, str]]:
    """The marker environments of every platform and Python that the course supports."""
    return [
        default_environment() | platform | {"python_version": python, "python_full_version": f"{python}.0"}
        for platform, python in itertools.product([LINUX, MACOS, WINDOWS], PYTHONS)
    ]


def test_exactly_what_some_platform_needs_is_pinned():
    everything = set().union(*map(needed, environments()))
    cuda = {name for name in everything if name.startswith(("nvidia-", "cuda-", "triton"))}
    assert everything - cuda == pins().keys()  # only the GPU build of torch needs those


def test_what_is_installed_is_what_is_pinned():
    distributions = reversed([*importlib.metadata.distributions()])  # the first one counts, as for import:
    # setuptools, once imported, puts copies of its own at the end of the path
    installed = {canonicalize_name(d.name): d.version.split("+")[0] for d in distributions}
    here = needed(default_environment()) & pins().keys()
    wrong = {
        name: (installed.get(name), pins()[name]) for name in here if installed.get(name) != pins()[name]
    }
    assert not wrong, f"(installed, pinned): {wrong}; run `make clean` and then `make test`"


def test_torch_is_the_same_on_every_path():
    torch = f"torch=={pins()['torch']}"
    assert torch == "torch==2.13.0"
    assert torch in PYPROJECT["project"]["dependencies"]  # pip install . without constraints.txt
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][-1]["pip"]
    assert "--constraint constraints.txt" in conda
    assert "-c constraints.txt" in (ROOT / "README.md").read_text()  # Windows without make
