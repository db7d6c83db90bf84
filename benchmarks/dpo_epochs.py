"""What do more epochs of DPO do to accuracy on labels, and what to the true worth of sampled answers?

OMP_NUM_THREADS=2 .venv/bin/python benchmarks/dpo_epochs.py     # writes benchmarks/dpo_epochs.csv as it goes

The table that notebook 06 shows. Nothing here sees the test pairs: held out are other pairs of `train`.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from statistics import fmean

import pedagogy as pg
from pedagogy.howto.judge import judge

MEASURES = ("loss", "accuracy", "margin", "chosen_logp", "rejected_logp", "kl")
TOKENS = 320  # few bundled answers are longer


def sampled(policy: pg.Policy, prompts: list[str]) -> dict[str, float]:
    """One answer to each prompt at temperature 1: its true worth, length, and whether it came to an end."""
    answers = policy.generate_many(prompts, TOKENS, temperature=1.0, seed=0)
    lengths = [len(policy.encode_response(answer)) for answer in answers]
    return {
        "utility": fmean(judge(x, y).utility for x, y in zip(prompts, answers, strict=True)),
        "tokens": fmean(lengths),
        "never_stopped": fmean(n > TOKENS for n in lengths),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--pairs", type=int, default=960)
    add("--held-out", type=int, default=64)
    add("--epochs", type=float, default=3.0)
    add("--every", type=int, default=30, help="steps between two rows")
    add("--beta", type=float, default=0.1)
    add("--lr", type=float, default=2e-4)
    add("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    add("--folder", type=Path, help="where the trained policy is saved")
    given = parser.parse_args()
    train = pg.load_pairs()
    pairs = train.select(range(given.pairs))
    held_out = train.select(range(len(train) - given.held_out, len(train)))
    policy = pg.load_policy("bundled/reference", device="cpu")
    rows: list[dict] = []

    def note(row: dict) -> None:
        if row["split"] != "held-out":
            return
        found = {"step": row["step"], "epoch": row["step"] * 16 / given.pairs}
        found |= {name: row[name] for name in MEASURES} | sampled(policy, list(held_out["prompt"]))
        rows.append({name: round(value, 4) for name, value in found.items()})
        with given.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        print(rows[-1], flush=True)

    recipe = {"beta": given.beta, "lr": given.lr, "epochs": given.epochs, "folder": given.folder}
    pg.train_dpo(policy, pairs, held_out, eval_every=given.every, on_step=note, fresh=True, **recipe)
    return 0


if __name__ == "__main__":
    sys.exit(main())
