"""The three forms in which preference data comes, and what is wrong with a row of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from .pair_rows import SIDES, strict_pair_problems
from .schemas import RAW, Problem, find_problems, strict
from .strategies import unrated
from .transcripts import is_transcript, transcript_problems

FEEDBACK, PAIRS, TRANSCRIPTS = "raw feedback", "pairs", "transcripts"
SEARCH = 100  # rows among which one must show its form


def form_of(row) -> str | None:
    """The form of one row, by its fields; None where it has none of them."""
    if not isinstance(row, dict):
        return None
    if is_transcript(row):
        return TRANSCRIPTS
    if "completions" in row:
        return FEEDBACK
    if any(side in row for side in SIDES):
        return PAIRS
    return FEEDBACK if "instruction" in row else None


def find_form(rows: Iterable) -> str:
    """The form of the first row that shows one; pairs where none does."""
    forms = (form_of(row) for row in islice(rows, SEARCH))
    return next(filter(None, forms), PAIRS)


def problems(row, form: str) -> Iterator[Problem]:
    """Everything wrong with a row: what loading refuses, and what a trainer would stumble over."""
    return {FEEDBACK: _feedback_problems, PAIRS: strict_pair_problems, TRANSCRIPTS: transcript_problems}[
        form
    ](row)


_STRICT = strict(RAW)


def _feedback_problems(row) -> Iterator[Problem]:
    found = list(find_problems(row, _STRICT))
    yield from found
    completions, models = (
        row.get(key) if isinstance(row, dict) else None for key in ("completions", "models")
    )
    if not isinstance(completions, list):
        return
    if len(completions) == 1:
        yield Problem("completions", "1 completion", "give at least 2 to choose from, or leave the row out")
    if isinstance(models, list) and completions and len(models) != len(completions):
        remedy = "name the model of every completion, in their order"
        yield Problem("models", f"{len(models)} models for {len(completions)} completions", remedy)
    if not found:
        yield from unrated(completions)
