"""The floor plan in the package's docstring has every room, and no module imports from a floor above it."""

import ast
import re
from pathlib import Path

import pytest

import pedagogy

PACKAGE = Path(pedagogy.__file__).parent
ROOMS = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
ROOMS = (ROOMS | {"assets"}) - {"__init__"}


def floors() -> dict[str, int]:
    """room -> the line of the floor plan that names it first."""
    found = {}
    for number, line in enumerate(re.findall("^ {4}.*", pedagogy.__doc__, re.MULTILINE)):
        for word in re.findall(r"\w+", line):
            found.setdefault(word, number)
    return {room: found[room] for room in ROOMS if room in found}


def rooms_imported_by(path: Path) -> set[str]:
    """The rooms that a module imports from, wherever in it; the package itself is none."""
    inside, found = ["pedagogy", *path.relative_to(PACKAGE).with_suffix("").parts], set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            start = inside[: -node.level] if node.level else []
            module = [*start, *(node.module or "").split(".")] if node.module else start
            found |= {tuple([*module, alias.name][:2]) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")[:2]) for alias in node.names}
    return {name[1] for name in found if name[0] == "pedagogy" and name[1:] and name[1] in ROOMS}


def test_every_room_is_on_the_plan():
    assert ROOMS == floors().keys()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_imports_only_go_down(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room != "__init__":
        above = {other for other in rooms_imported_by(path) if floors()[other] > floors()[room]}
        assert not above, f"{room} imports from {above}, on a floor above its own"


def test_imports_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    (tmp_path / "widgets").mkdir()
    path = tmp_path / "widgets" / "one.py"
    path.write_text(
        "from ..dpo import x\nfrom .. import plots\nfrom .two import y\nimport pedagogy.mdp, json\n"
    )
    assert rooms_imported_by(path) == {"dpo", "plots", "widgets", "mdp"}
