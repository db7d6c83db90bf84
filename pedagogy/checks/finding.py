"""What a check answers, and what all checks ask of an answer first."""

from __future__ import annotations

import math
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
    if isinstance(answer, bool) or not isinstance(answer, kind) or answer != answer:
        return Finding(False, "type", f"Wanted: {wanted}. This is {answer!r}.")
    return None


def is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
