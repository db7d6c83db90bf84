"""Which recovers the true ranking with fewer judgements, ratings or comparisons? The same raters, both ways.

    python benchmarks/ratings_vs_comparisons.py [--seeds 20]

Kendall's τ between the true ranking of 12 answers and the recovered one, against the number of judgements:
mean over seeds, and the middle 80 % of them. Notebook 01 shows the same numbers.
"""

from __future__ import annotations

import argparse

import pedagogy as pg
from pedagogy.howto.judgements import CROWDS, METHODS, lead, needed, recovery, summary


def fit(pairs: list) -> dict[str, float]:
    """The prior keeps rewards finite while an answer has won or lost every comparison."""
    return pg.fit_bradley_terry(pairs, prior=0.2).rewards


def tau(truth: dict, rewards: dict) -> float:
    return pg.kendall_tau(*map(pg.PreferenceOrder.from_rewards, (truth, rewards)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    for name, crowd in CROWDS.items():
        found = recovery(crowd, fit, tau, seeds=seeds)
        budgets = sorted({n for _, n in found})
        print(f"\n{name}\n{'judgements':24}" + "".join(f"{n:>18}" for n in budgets))
        for method in METHODS:
            cells = [summary(found[method, n]) for n in budgets]
            row = "".join(f"{m:8.2f} ({a:.2f}–{b:.2f})" for m, a, b in cells)
            print(f"{method:24}{row}   τ ≥ 0.8 with {needed(found, method, 0.8)}")
        rated, compared = METHODS[0], METHODS[2]
        for what, n in (("judgements", 96), ("answers read", 48)):
            mean, error = lead(found[compared, n], found[rated, 96])
            print(f"comparisons − averaged ratings, 96 {what}: {mean:+.2f} ± {error:.2f} (standard error)")


if __name__ == "__main__":
    main()
