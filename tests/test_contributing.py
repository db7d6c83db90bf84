"""CONTRIBUTING.md leads somewhere: every file, module and make target that it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MADE = ("build/", ".venv/")  # not there in a fresh clone
CODE = re.findall(r"`([^`\n]+)`", TEXT)
PATHS = {word for code in CODE for word in code.split() if re.fullmatch(r"\.?[\w./-]*(/|\.\w{2,5})", word)}


@pytest.mark.parametrize("name", sorted(PATHS))
def test_a_file_that_it_names_exists(name):
    if name.startswith(MADE) or re.search(r"NAME|NN", name):
        return
    found = [(ROOT / name).exists()] if "/" in name else [*ROOT.glob(name), *ROOT.glob(f"[!.]*/**/{name}")]
    assert any(found), name


@pytest.mark.parametrize("target", sorted({code.split()[1] for code in CODE if code.startswith("make ")}))
def test_make_knows_what_it_is_asked_for(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", TEXT))
def test_links_lead_to_files(link):
    assert (ROOT / link).is_file()
