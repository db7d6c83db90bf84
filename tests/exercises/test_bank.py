"""The bank of answers is clean: `python tests/exercises/bank.py` prints the same as a confusion matrix."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("bank.py")
sys.path.insert(0, str(FILE.parent))
import bank  # noqa: E402

KINDS = {True: "right", False: "wrong"}


@pytest.fixture(scope="module")
def report():
    """All banks tried in a fresh process: it forks, and pytest's own has threads."""
    done = subprocess.run([sys.executable, FILE, "--json"], capture_output=True, text=True, timeout=900)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", [True, False], ids=KINDS.get)
@pytest.mark.parametrize("assignment", bank.assignments())
def test_each_answer_gets_the_points_it_must(report, assignment, kind):
    outcomes = [
        bank.Outcome(bank.Answer(**o.pop("answer")), **o) for o in map(dict, report[assignment]["outcomes"])
    ]
    off = [o for o in outcomes if o.answer.right is kind and not o.clean]
    assert outcomes and not off, bank.matrix(assignment, off, [])


@pytest.mark.parametrize("assignment", bank.assignments())
def test_every_cell_has_its_answers_and_its_model_solution(report, assignment):
    assert report[assignment]["problems"] == []


def test_an_answer_is_everything_up_to_the_next_head():
    one = "def f():\n    # why\n    return 1"
    text = f"# what this is\n# %% f-test | right | one | 4\n{one}\n\n# %% g | wrong | none | 0.5\n"
    assert bank.parse(text) == [
        bank.Answer("f-test", True, "one", 4.0, one),
        bank.Answer("g", False, "none", 0.5, ""),
    ]


@pytest.mark.parametrize(
    "head", ["# %% f | right | one", "# %% f | maybe | one | 1", "# %% f | right | one | all"]
)
def test_a_wrong_head_names_its_line(head):
    with pytest.raises(ValueError, match="line 2"):
        bank.parse(f"\n{head}\n")
