"""What a check answers, and what all checks ask of an answer first."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from html import escape
from numbers import Real

# What the report on a class reads in executed notebooks: which mistake it is; what points are for.
FINDING = "application/vnd.pedagogy.finding+json"
MARKS = "application/vnd.pedagogy.marks+json"

CLOSE = 0.006  # nats or probability: an answer typed with two decimals counts


@dataclass(frozen=True)
class Finding:
    """What a check found: `mistake` is None where the answer is right, else the name of the mistake.

    `hint` goes further than the message, and unfolds in a notebook; `reread` names a section to read again.
    """

    right: bool
    mistake: str | None
    message: str
    hint: str | None = None
    reread: str | None = None

    def __repr__(self) -> str:
        lines = [f"{'✓' if self.right else '✗'} {self.message}"]
        lines += [f"  Reread: {self.reread}."] if self.reread else []
        lines += ["  There is a hint: see .hint"] if self.hint else []
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_) -> dict:
        return {FINDING: {"right": self.right, "mistake": self.mistake, "message": self.message}}

    def _repr_html_(self) -> str:
        mark, color = ("✓", "#0072b2") if self.right else ("✗", "#d55e00")
        more = f"<div>Reread: <b>{escape(self.reread)}</b>.</div>" if self.reread else ""
        if self.hint:
            more += f"<details><summary>A hint</summary>{escape(self.hint)}</details>"
        return (
            f'<div role="status" style="border-left: 4px solid {color}; padding: 2px 12px; '
            f'overflow-wrap: anywhere"><div><b>{mark}</b> {escape(self.message)}</div>{more}</div>'
        )


def unanswered(answer, kind, wanted: str) -> Finding | None:
    """The finding where there is no answer yet, or one of another kind."""
    if answer is None or answer is ...:
        return Finding(False, "no answer", f"No answer yet: put {wanted} in place of None, and run again.")
    is_nan = isinstance(answer, Real) and answer != answer  # others may compare one element at a time
    if isinstance(answer, bool) or not isinstance(answer, kind) or is_nan:
        return Finding(False, "type", f"Wanted: {wanted}. This is {shown(answer)}.")
    return None


def plain(value):
    """A tensor or an array without dimensions as Python's own number; all else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def shown(value) -> str:
    """As Python writes it, cut to a line; its type where Python cannot."""
    try:
        return f"{value!r:.80}"
    except Exception:  # a whole number of 5000 digits, or a class whose __repr__ fails
        return f"of type {type(value).__name__}"


def is_number(value: object) -> bool:
    """A finite one, which a float can hold."""
    return isinstance(value, Real) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def near(answer: Real, value: Real, **tolerance: float) -> bool:
    """math.isclose; whole numbers that are too large for a float are compared exactly."""
    try:
        return math.isclose(answer, value, **tolerance)
    except OverflowError:
        return answer == value


def hashable(value) -> bool:
    """Can it be in a set? Unlike isinstance(value, Hashable), this looks into a tuple."""
    try:
        hash(value)
    except TypeError:
        return False
    return True
