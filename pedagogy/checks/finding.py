"""What a check answers, and what all checks ask of an answer first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

CLOSE = 0.006  # nats or probability: an answer typed with two decimals counts


@dataclass(frozen=True)
class Finding:
    """What a check found: `mistake` is None where the answer is right, else the name of the mistake."""

    right: bool
    mistake: str | None
    message: str

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.message}"


def unanswered(answer, kind, wanted: str) -> Finding | None:
    """The finding where there is no answer yet, or one of another kind."""
    if answer is None or answer is ...:
        return Finding(False, "no answer", f"No answer yet: put {wanted} in place of None, and run again.")
    if isinstance(answer, bool) or not isinstance(answer, kind) or answer != answer:
        return Finding(False, "type", f"Wanted: {wanted}. This is {answer!r}.")
    return None


def is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
