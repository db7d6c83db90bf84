"""What graded notebooks call: predictions committed before the reveal, strict comparison, marks by property.

`commit` and `reveal` are for exercises that ask for a prediction; `agrees` and `mark` are for the tests,
which give part of a cell's points for each property that an answer has. Nothing here knows of any one
exercise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
from IPython.display import display

from .checks.finding import MARKS

_committed: dict[str, object] = {}  # question -> answer, as long as the kernel lives
_revealed: set[str] = set()


def commit(question: str, answer: object, among: Collection | None = None) -> None:
    """Keep a prediction, before its reveal; the same call again is fine.

    ValueError where there is no answer (None or ...), or one that is not `among` the choices; RuntimeError
    where the question is revealed already and this is another answer.
    """
    if answer is None or answer is ...:
        raise ValueError(
            f"{question}: no answer yet. Put your prediction in its place, and run this cell again."
        )
    if among is not None and not any(agrees(answer, choice) for choice in among):
        raise ValueError(f"{question}: {answer!r} is not among {', '.join(map(repr, among))}.")
    if question in _revealed and not agrees(answer, _committed[question]):
        raise RuntimeError(
            f"{question}: revealed already, and you had committed {_committed[question]!r}. "
            "A prediction counts as it was made; a wrong one costs nothing."
        )
    _committed[question] = answer
    print(f"Committed {question}: {answer}.")


def reveal(question: str) -> object:
    """The committed answer, which from now on stands. RuntimeError where nothing was committed."""
    if question not in _committed:
        raise RuntimeError(
            f"{question}: nothing committed yet. Put your prediction into the cell with "
            f"commit({question!r}, …), and run it first."
        )
    _revealed.add(question)
    return _committed[question]


def agrees(value: object, expected: object, tol: float = 1e-6) -> bool:
    """Is `value` of the very same type as `expected`, and equal to it, numbers within `tol`?

    The difference may be `tol`, or `tol` times the expected number. A bool is no int, a numpy scalar or a
    subclass no float; tensors and arrays must have the same shape and dtype too. Containers are compared
    element by element. NaN agrees with nothing.
    """
    if type(value) is not type(expected):
        return False
    if isinstance(expected, torch.Tensor):
        return _close(_array(value), _array(expected), tol) and value.dtype == expected.dtype
    if isinstance(expected, np.ndarray):
        return _close(value, expected, tol)
    if isinstance(expected, (float, complex, np.inexact)):
        return _close(np.asarray(value), np.asarray(expected), tol)
    if isinstance(expected, Mapping):
        same_keys = agrees(set(value), set(expected), tol=0)
        return same_keys and all(agrees(value[key], expected[key], tol) for key in expected)
    if isinstance(expected, (list, tuple)):
        pairs = zip(value, expected, strict=False)
        return len(value) == len(expected) and all(agrees(one, other, tol) for one, other in pairs)
    if isinstance(expected, (set, frozenset)):
        found = (any(agrees(one, other, tol) for one in value) for other in expected)
        return len(value) == len(expected) and all(found)
    return bool(value == expected)


def _array(tensor: torch.Tensor) -> np.ndarray:
    """Its numbers; those of bfloat16, which numpy has not, in float32."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _close(value: np.ndarray, expected: np.ndarray, tol: float) -> bool:
    if value.shape != expected.shape or value.dtype != expected.dtype:
        return False
    if expected.dtype.kind not in "fc":
        return bool(np.all(value == expected))
    with np.errstate(invalid="ignore"):  # inf - inf
        far = np.abs(value - expected) > tol * np.maximum(1.0, np.abs(expected))
    return bool(np.all((value == expected) | (~far & np.isfinite(value) & np.isfinite(expected))))


@dataclass(frozen=True)
class _Line:
    """One property: what it asks, the points it earned, of how many, and the error where it raised one."""

    earned: float
    points: float
    asks: str
    raised: str | None = None

    def __str__(self) -> str:
        sign = "✓" if self.earned == self.points else "✗"
        why = f" {self.raised}" if self.raised else ""
        return f"{sign} {self.earned:g} of {self.points:g}: {self.asks}.{why}"


class _Marks:
    """The lines of one test cell, for the eye and for the class report."""

    def __init__(self, lines: list[_Line]):
        self.lines = lines

    def __repr__(self) -> str:
        return "\n".join(map(str, self.lines))

    def _repr_mimebundle_(self, **_) -> dict:
        html = "".join(f"<div>{escape(str(line))}</div>" for line in self.lines)
        return {
            "text/plain": repr(self),
            "text/html": f'<div role="status" style="overflow-wrap: anywhere">{html}</div>',
            MARKS: {"lines": [vars(line) for line in self.lines]},
        }


def mark(*properties: tuple[float, str, Callable[[], bool]]) -> float:
    """The points earned, of properties (points, "what it asks", function -> bool), each tried by itself.

    One that gives False, or raises, loses its own points and no others; a line says so. As the last
    expression of a test cell the result is nbgrader's partial credit: exactly a float. TypeError or
    ValueError for what is no such triple.
    """
    lines = []
    for points, asks, holds in properties:
        if not callable(holds) or not isinstance(asks, str):
            raise TypeError(f"a property is (points, what it asks, function): {(points, asks, holds)!r}")
        if not (isinstance(points, (int, float)) and points > 0 and math.isfinite(points)):
            raise ValueError(f"{asks!r}: the points are a number above 0, not {points!r}")
        lines.append(_try(float(points), asks.rstrip("."), holds))
    display(_Marks(lines))
    return math.fsum(line.earned for line in lines)


def _try(points: float, asks: str, holds: Callable[[], bool]) -> _Line:
    """A function's KeyboardInterrupt is the grader's time limit, and is let through."""
    try:
        result = holds()
    except (Exception, SystemExit) as error:
        return _Line(0.0, points, asks, f"Raised {type(error).__name__}: {_shown(error)}")
    if result is not True and result is not False:  # an answer's own class may compare as it likes
        return _Line(0.0, points, asks, f"Wanted True or False, this is a {type(result).__name__}.")
    return _Line(points if result else 0.0, points, asks)


def _shown(error: BaseException) -> str:
    """The first line of its message, cut; an error of a student's own making may not even have one."""
    try:
        text = str(error)
    except Exception:
        text = "(no message)"
    line = text.strip().partition("\n")[0] or "(no message)"
    return line if len(line) <= 200 else line[:200] + " …"
