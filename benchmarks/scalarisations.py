"""How often do rival scalarisations of the bundled feedback disagree on the best of four answers?

    python benchmarks/scalarisations.py            # all three splits
    python benchmarks/scalarisations.py test       # one of them

The aspects' ratings give a Pareto order; their mean and the annotator's overall_score are two rewards. The
data are simulated: the counts say what *can* happen and how to measure it, not what UltraFeedback has.
"""

from __future__ import annotations

import sys
from collections import Counter

from pedagogy.feedback import FeedbackError, aspect_scores, load_feedback, overall_scores
from pedagogy.orders import rival_choices, rival_pairs


def report(split: str) -> None:
    rows, skipped = [], 0
    for row in load_feedback(split=split):
        try:
            rows.append((aspect_scores(row), overall_scores(row)))
        except FeedbackError:
            skipped += 1
    choices = [rival_choices(*row) for row in rows]
    left_out = f", {skipped} with a rating that is no number left out" if skipped else ""
    print(f"\n{split}: {len(rows)} prompts{left_out}")
    for question in choices[0]:
        count = sum(choice[question] for choice in choices)
        print(f"  {question:54} {count:5}  {count / len(rows):6.1%}")
    found = Counter((p["aspects"], p["overall_score"]) for row in rows for p in rival_pairs(*row))
    print(f"  pairs of answers: {found.total()}")
    for (aspects, said), count in sorted(found.items(), reverse=True):
        print(f"    aspects {aspects:13} overall_score {said:9} {count:6}  {count / found.total():6.1%}")


def main() -> None:
    for split in sys.argv[1:] or ["train", "test", "test_unseen"]:
        report(split)


if __name__ == "__main__":
    main()
