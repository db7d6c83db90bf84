"""The bank of answers: every right one must get full marks, every wrong one exactly the points stated.

Usage: python tests/exercises/bank.py [--json] [ASSIGNMENT ...]    all, or those with that part in their
name. Prints the confusion matrix and what is off; exits 1 unless it is clean, 2 on a wrong name.

A bank file, bank/<assignment>.py, is a row of cells, each headed

    # %% <grade_id of the test cell> | right or wrong | name | points it must get

and each holding what the student's solution cell holds, entire; an empty one is a deleted cell. An
assignment's notebook is run once with the model solutions; before each solution cell a forked process tries
each answer in its place, up to the test cell, which runs as it does in grading; its points follow nbgrader's
rule.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import linecache
import multiprocessing
import os
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing import connection
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "notebooks" / "exercises" / "source"
BANK = Path(__file__).parent / "bank"
SECONDS = 60  # more for one answer is an endless loop
RIGHT, WRONG = 3, 6  # answers wanted for each graded cell, at least


@dataclass(frozen=True)
class Answer:
    """What a student might write for the test cell `cell`, and the points it must get."""

    cell: str
    right: bool
    name: str
    points: float
    source: str


@dataclass(frozen=True)
class Outcome:
    """One answer tried: its points, of how many, and what the test cell printed or raised."""

    answer: Answer
    got: float
    most: float
    output: str

    @property
    def clean(self) -> bool:
        return self.got == self.answer.points and (self.got == self.most) == self.answer.right


def parse(text: str) -> list[Answer]:
    """The answers of a bank file. ValueError, naming the line, where a head is not as it should be."""
    answers, head, lines = [], None, []

    def close():
        if head is not None:
            answers.append(Answer(*head, "\n".join(lines).strip("\n")))

    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("# %%"):
            lines.append(line)
            continue
        close()
        head, lines = _head(line, number), []
    close()
    return answers


def _head(line: str, number: int) -> tuple[str, bool, str, float]:
    fields = [field.strip() for field in line.removeprefix("# %%").split("|")]
    if len(fields) != 4 or fields[1] not in ("right", "wrong", "deleted") or not all(fields):
        raise ValueError(
            f"line {number}: wanted '# %% grade_id | right or wrong | name | points', not {line!r}"
        )
    try:
        return fields[0], fields[1] == "right", fields[2], float(fields[3])
    except ValueError:
        raise ValueError(f"line {number}: the points are a number, not {fields[3]!r}") from None


class Notebook:
    """A notebook's code cells, run in one namespace of this process, as a kernel would."""

    def __init__(self, path: Path):
        import nbformat
        from IPython.display import display

        cells = nbformat.read(path, as_version=4).cells
        self.cells = [cell for cell in cells if cell.cell_type == "code"]
        self.names = {"__name__": "__main__", "display": display}

    def graded(self) -> list[str]:
        """The grade_ids of the test cells."""
        return [self.id(cell) for cell in self.cells if self.is_test(cell)]

    @staticmethod
    def id(cell) -> str | None:
        return cell.metadata.get("nbgrader", {}).get("grade_id")

    @staticmethod
    def is_test(cell) -> bool:
        meta = cell.metadata.get("nbgrader", {})
        return bool(meta.get("grade")) and not meta.get("solution")

    def solution_of(self, test: str) -> int:
        """The index of the cell a student fills in for it: its name without -test, else the nearest above."""
        ids = [self.id(cell) for cell in self.cells]
        if test.removesuffix("-test") != test and test.removesuffix("-test") in ids:
            return ids.index(test.removesuffix("-test"))
        above = range(ids.index(test), -1, -1)
        return next(i for i in above if self.cells[i].metadata.get("nbgrader", {}).get("solution"))

    def run(self, source: str, name: str) -> tuple[object, str, BaseException | None]:
        """The value of a cell's last expression, what it printed, what it raised."""
        out, value, raised = io.StringIO(), None, None
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                tree = ast.parse(source, name)
                last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
                exec(compile(tree, name, "exec"), self.names)
                if last is not None:
                    value = eval(compile(ast.Expression(last.value), name, "eval"), self.names)
            except BaseException as error:
                raised = error
                out.write("".join(traceback.format_exception_only(error)))
        return value, out.getvalue(), raised

    def points(self, cell) -> tuple[float, str]:
        """Run a test cell: its points by nbgrader's own rule, and what it printed."""
        from nbformat.v4 import new_output
        from nbgrader.utils import determine_grade

        from pedagogy.grading.execute import RESTORE

        self.run(RESTORE, "before a test cell")
        value, printed, raised = self.run(cell.source, self.id(cell))
        if raised is not None:
            cell.outputs = [new_output("error")]
        elif value is not None:
            cell.outputs = [new_output("execute_result", {"text/plain": repr(value)})]
        else:
            cell.outputs = []
        return determine_grade(cell)[0], printed


def tried(notebook: Notebook, answer: Answer) -> Outcome:
    """The answer in place of its solution cell, in a forked process: it reaches no other answer."""
    index, ids = notebook.solution_of(answer.cell), [notebook.id(cell) for cell in notebook.cells]
    test = notebook.cells[ids.index(answer.cell)]

    def work(pipe):
        if answer.source:
            notebook.run(answer.source, answer.name)
        for cell in notebook.cells[index + 1 : ids.index(answer.cell)]:
            notebook.run(
                cell.source, f"cell after {answer.name}"
            )  # a student's run goes on after an error, too
        pipe.send(notebook.points(test))

    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=work, args=(sender,))
    process.start()
    sender.close()
    try:
        got, printed = receiver.recv() if receiver.poll(SECONDS) else (0.0, f"no end within {SECONDS} s")
    except EOFError:
        got, printed = 0.0, "the process died"
    process.kill()
    process.join()
    return Outcome(answer, got, float(test.metadata.nbgrader.points), printed)


def run_assignment(name: str) -> tuple[list[Outcome], list[str]]:
    """Its answers tried, and what else is amiss: too few of them, a model solution that fails."""
    notebook = Notebook(SOURCE / name / f"{name}.ipynb")
    file = BANK / f"{name}.py"
    answers = parse(file.read_text(encoding="utf-8")) if file.is_file() else []
    problems = [
        f"{cell}: no such test cell" for cell in {a.cell for a in answers} if cell not in notebook.graded()
    ]
    for cell in notebook.graded():
        right = [answer.right for answer in answers if answer.cell == cell]
        if sum(right) < RIGHT or len(right) - sum(right) < WRONG:
            problems.append(
                f"{cell}: {sum(right)} right and {len(right) - sum(right)} wrong, not {RIGHT} and {WRONG}"
            )
    names = Counter((answer.cell, answer.name) for answer in answers)
    problems += [f"{cell}: two answers named {name!r}" for (cell, name), count in names.items() if count > 1]
    due = {}
    for answer in answers:
        if answer.cell in notebook.graded():
            due.setdefault(notebook.solution_of(answer.cell), []).append(answer)
    outcomes = []
    for index, cell in enumerate(notebook.cells):
        outcomes += [tried(notebook, answer) for answer in due.get(index, [])]
        if Notebook.is_test(cell):
            got, printed = notebook.points(cell)
            if got != float(cell.metadata.nbgrader.points):
                problems.append(f"{notebook.id(cell)}: the model solution gets {got:g}: {printed}")
            continue
        _, printed, raised = notebook.run(cell.source, notebook.id(cell) or f"cell {index}")
        if raised is not None:
            problems.append(f"{notebook.id(cell) or index}: raises with the model solutions: {printed}")
    return outcomes, problems


def matrix(name: str, outcomes: list[Outcome], problems: list[str]) -> str:
    """The confusion matrix of one assignment, and below it whatever is not on its diagonal."""
    width = max([len(o.answer.cell) for o in outcomes] + [10])
    head = f"{'test cell':{width}}  {'right: full marks':>17}  {'right: not':>10}"
    lines = [name, f"{head}  {'wrong: the points stated':>24}  {'wrong: others':>13}"]
    for cell in dict.fromkeys(o.answer.cell for o in outcomes):
        here = Counter((o.answer.right, o.clean) for o in outcomes if o.answer.cell == cell)
        good, bad = here[True, True], here[True, False]
        lines.append(f"{cell:{width}}  {good:17}  {bad:10}  {here[False, True]:24}  {here[False, False]:13}")
    for o in outcomes:
        if not o.clean:
            kind = "right" if o.answer.right else "wrong"
            wanted = f"{o.got:g} of {o.most:g} points, wanted {o.answer.points:g}"
            lines += [f"  ✗ {o.answer.cell} | {kind} | {o.answer.name}: {wanted}", _indent(o.output)]
    return "\n".join(lines + [f"  ✗ {problem}" for problem in problems])


def _indent(text: str) -> str:
    return "\n".join(f"      {line[:160]}" for line in text.strip().splitlines()[-12:])


def assignments(parts: list[str] = ()) -> list[str]:
    """The assignments, in order, or those with one of `parts` in their name; ValueError for none."""
    there = sorted(path.parent.name for path in SOURCE.glob("*/*.ipynb") if path.stem == path.parent.name)
    for part in parts:
        if not any(part in name for name in there):
            raise ValueError(f"no assignment {part!r}; there are: {', '.join(there)}")
    return [name for name in there if not parts or any(part in name for part in parts)]


def prepare() -> None:
    """Import once what every notebook imports, with one thread: what is forked may not have more."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    sys.path.insert(0, str(ROOT))
    import matplotlib

    matplotlib.use("agg")
    import torch
    import transformers  # noqa: F401

    import pedagogy.exercises
    import pedagogy.grading.execute  # noqa: F401

    torch.set_num_threads(1)
    # A forked process makes torch's thread pool anew: at once, or the threads that load a model race for it.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def in_processes(names: list[str]) -> Iterator[tuple[str, list[Outcome], list[str]]]:
    """run_assignment in forked processes, two at a time: what a notebook changes reaches no other."""
    fork = multiprocessing.get_context("fork")
    waiting, running = list(names), {}
    while waiting or running:
        while waiting and len(running) < 2:
            receiver, sender = fork.Pipe(duplex=False)
            process = fork.Process(target=_send, args=(sender, waiting[0]))
            process.start()
            sender.close()
            running[receiver] = waiting.pop(0), process
        for receiver in connection.wait(running):
            name, process = running.pop(receiver)
            try:
                yield name, *receiver.recv()
            except EOFError:
                yield name, [], ["the notebook's own process died"]
            process.join()


def _send(pipe, name: str) -> None:
    pipe.send(_or_problem(name))


def _or_problem(name: str) -> tuple[list[Outcome], list[str]]:
    try:
        return run_assignment(name)
    except Exception:
        return [], [traceback.format_exc()]


def main(arguments: list[str]) -> int:
    """Try the assignments and print; the exit status."""
    as_json = "--json" in arguments
    try:
        names = assignments([part for part in arguments if part != "--json"])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    prepare()
    clean, report = True, {}
    for name, outcomes, problems in in_processes(names):
        clean = clean and not problems and all(o.clean for o in outcomes)
        report[name] = {"outcomes": [asdict(o) for o in outcomes], "problems": problems}
        if not as_json:
            print(matrix(name, outcomes, problems), end="\n\n", flush=True)
    print(json.dumps(report) if as_json else "clean" if clean else "NOT clean")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
