"""How good is a DPO run of notebook 06, and how much of that is luck? Three seeds, whole test splits.

.venv/bin/python benchmarks/dpo_seeds.py     # some 10 minutes on two cores

The seed decides the order of the pairs. Accuracy on labels, beside the ceiling that their noise allows; then
the true worth of one sampled answer to each of the first 96 test prompts, which no label shows.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

import pedagogy as pg
from pedagogy.howto.biases import pair_worth
from pedagogy.howto.judge import judge
from pedagogy.pairs import encode_pairs
from pedagogy.references import reference_logprobs

SEEDS = (0, 1, 2)
PROMPTS, TOKENS = 96, 320


def clear_pairs(n: int, margin: float):
    """The first n pairs of train whose scores are at least `margin` apart."""
    train = pg.load_pairs(split="train")
    apart = np.subtract(train["score_chosen"], train["score_rejected"]) >= margin
    return train.select(np.flatnonzero(apart)[:n])


@torch.no_grad()
def margins(policy, reference, rows) -> np.ndarray:
    """(N,) log-ratio of y⁺ less that of y⁻, nats."""
    trees = [pair.ids for pair in encode_pairs(reference, rows)]
    now, before = pg.pair_logprobs(policy.model, trees), reference_logprobs(reference.model, trees)
    return ((now - before) @ torch.tensor([1.0, -1.0])).numpy()


def accuracies(policy, reference, split: str) -> dict[str, float]:
    rows = pg.load_pairs(split=split)
    worth = np.array(pair_worth(rows))  # (N, 2), true utilities of chosen and rejected
    agrees, tie = worth[:, 0] > worth[:, 1], worth[:, 0] == worth[:, 1]
    right, ceiling = margins(policy, reference, rows) > 0, np.mean(agrees + tie / 2)
    return {
        f"accuracy, {split}": right.mean(),
        f"its share of the ceiling, {split}": right.mean() / ceiling,
        f"accuracy where the label agrees with the truth, {split}": right[agrees].mean(),
    }


def answers(policy, prompts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """True utility and tokens of one sampled answer to each prompt."""
    said = policy.generate_many(prompts, TOKENS, temperature=1.0, seed=1)
    tokens = [len(policy.encode_response(y)) for y in said]
    return np.array([judge(x, y).utility for x, y in zip(prompts, said, strict=True)]), np.array(tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--pairs", type=int, default=1500)
    add("--margin", type=float, default=2.0, help="least difference of a pair's scores")
    add("--lr", type=float, default=2e-4)
    add("--beta", type=float, default=0.1)
    add("--epochs", type=float, default=1.0)
    given = parser.parse_args()
    pairs, reference = (
        clear_pairs(given.pairs, given.margin),
        pg.load_policy("bundled/reference", device="cpu"),
    )
    prompts = pg.load_pairs(split="test")["prompt"][:PROMPTS]
    old_worth, old_tokens = answers(reference, prompts)
    print(f"{len(pairs)} pairs; π_ref: true utility {old_worth.mean():.2f}, {old_tokens.mean():.0f} tokens")
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        policy, began = pg.load_policy("bundled/reference", device="cpu"), time.perf_counter()
        recipe = {"beta": given.beta, "lr": given.lr, "epochs": given.epochs, "seed": seed}
        pg.train_dpo(policy, pairs, **recipe, fresh=True)
        seconds, (worth, tokens) = time.perf_counter() - began, answers(policy, prompts)
        numbers = accuracies(policy, reference, "test") | accuracies(policy, reference, "test_unseen")
        numbers |= {"true utility of samples": worth.mean(), "tokens": tokens.mean()}
        numbers |= {"win rate by the truth": np.mean(worth > old_worth) + np.mean(worth == old_worth) / 2}
        numbers |= {"cut off": np.mean(tokens > TOKENS), "seconds": seconds}
        for name, value in numbers.items():
            found.setdefault(name, []).append(float(value))
    print("| | " + " | ".join(f"seed {s}" for s in SEEDS) + " | mean ± standard deviation |")
    print("|---" * (len(SEEDS) + 2) + "|")
    for name, values in found.items():
        each = " | ".join(f"{v:.3f}" for v in values)
        print(f"| {name} | {each} | {statistics.mean(values):.3f} ± {statistics.stdev(values):.3f} |")


if __name__ == "__main__":
    main()
