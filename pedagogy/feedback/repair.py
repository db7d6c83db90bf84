"""UltraFeedback's scoring bug, and the repair that its authors published (December 2023).

A score of 1 was stored as 10. The overall_score and the ratings of the aspects come from two different passes
of the annotator, so the one can be checked against the other. Source: the repository OpenBMB/UltraFeedback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING

from . import no_traces, one_split
from .schemas import NUMBER, FeedbackError, Problem, find_problems
from .strategies import mean_of_aspects

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset
    from pandas import DataFrame

COLUMNS = ["row", "completion", "model", "mean_of_aspects", "overall_score", "repaired", "verdict"]
SUSPECT, LOWEST = 10.0, 1.0
BAD, GOOD = 2, 4  # means of the aspects, on their scale 1 to 5
FLIP, KEEP, AGAIN = "set to 1", "kept", "annotate again"
SCORED = {"completions": [{"overall_score": NUMBER}]}


def verdict(completion: dict) -> str | None:
    """What the published rule says of an overall_score of 10; None for any other score.

    Mean of the aspects ≤ 2: it was a 1. Above 4: it is a 10. Between, or without a rating: ask again.
    """
    if completion.get("overall_score") != SUSPECT:
        return None
    mean = mean_of_aspects(completion)
    if mean is None or BAD < mean <= GOOD:
        return AGAIN
    return FLIP if mean <= BAD else KEEP


def repair_tens(
    feedback: Dataset | IterableDataset, annotate: Callable[[dict, int], float] | None = None
) -> tuple[Dataset | IterableDataset, DataFrame]:
    """The feedback with its false tens repaired, and a table of every 10 that it had.

        repaired, table = repair_tens(feedback)
        table["verdict"].value_counts()

    Only overall_score changes. A 10 is set to 1 where the rule says so, kept where it says so, and where it
    says "annotate again" it *stays 10* until somebody does: the table lists these. `annotate(row, i)` may do
    it, and gives the new overall_score of completion number i (the authors asked GPT-4). A streamed data set
    is read once for the table, and gives a stream.
    """
    from pandas import DataFrame

    rows = one_split(feedback).with_format(None)
    tens = [ten for i, row in enumerate(rows) for ten in _tens(row, i, annotate)]
    changes = {(ten["row"], ten["completion"]): ten["repaired"] for ten in tens}

    def repair(row: dict, n: int) -> dict:
        for i, completion in enumerate(row["completions"]):
            completion["overall_score"] = changes.get((n, i), completion["overall_score"])
        return {"completions": row["completions"]}

    with no_traces(bar=False):
        repaired = rows.map(repair, with_indices=True, features=feedback.features)
    return repaired, DataFrame(tens, columns=COLUMNS)


def _tens(row: dict, n: int, annotate: Callable | None) -> Iterator[dict]:
    """The tens of one row, as rows of the table."""
    for problem in find_problems(row, SCORED):
        raise FeedbackError(replace(problem, row=n))
    for i, completion in enumerate(row["completions"]):
        said = verdict(completion)
        if said is None:
            continue
        score = LOWEST if said == FLIP else completion["overall_score"]
        if said == AGAIN and annotate is not None:
            score = annotate(row, i)
            if not isinstance(score, Real):
                remedy = "annotate(row, i) must return the new overall_score"
                raise FeedbackError(Problem(f"completions[{i}].overall_score", f"{score!r}", remedy, n))
            score = float(score)
        values = n, i, completion.get("model"), mean_of_aspects(completion), SUSPECT, score, said
        yield dict(zip(COLUMNS, values, strict=True))
