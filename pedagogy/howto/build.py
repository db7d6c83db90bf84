"""Build the bundled preference data set: prompts, four simulated answers each, one simulated annotator.

The rows have UltraFeedback's raw schema, field for field. `prompts` says what the three splits show,
`pipeline` how a prompt becomes a row.

    python -m pedagogy.howto.build [--seed 0] [--out pedagogy/assets/data]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from pedagogy.howto.annotator import Annotator
from pedagogy.howto.assistants import ASSISTANTS
from pedagogy.howto.pipeline import PER_PROMPT, annotated, answered, ask, find_assistant, guided
from pedagogy.howto.prompts import draw_prompt
from pedagogy.howto.world import HERE

SIZES = {"train": 3200, "test": 420, "test_unseen": 220}
OUT = HERE.parent / "assets" / "data"
FIRST_ROW = ("sim-mentor", "sim-sprint", "sim-shrug", "sim-jumble")  # complete, brief, evasive, out of order
FIRST_DRAW = 362  # a draw in which each of the four is at its most typical


def rows(split: str, n: int, seed: int, annotator: Annotator | None = None) -> Iterator[dict]:
    """`n` rows of UltraFeedback's raw schema with distinct prompts, the same for the same seed."""
    annotator = annotator or Annotator()
    rng, seen = random.Random(f"{split}-{seed}"), set()
    if split == "train":  # the course's own question opens the data set, with four telling answers
        prompt = "How do I change a tire?"
        seen.add(prompt)
        first = [find_assistant(name) for name in FIRST_ROW]
        yield _row(prompt, first, annotator, random.Random(f"first-{FIRST_DRAW + seed}"))
    while len(seen) < n:
        _, prompt = draw_prompt(split, rng)
        if prompt not in seen:
            seen.add(prompt)
            yield _row(prompt, rng.sample(ASSISTANTS, PER_PROMPT), annotator, rng)


def _row(prompt: str, who: list, annotator: Annotator, rng: random.Random) -> dict:
    """All stages of the pipeline on one prompt, drawn from one stream."""
    return guided(annotated(answered(ask(prompt), who, rng), annotator, rng), rng)


def main() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from tqdm.auto import tqdm

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for split, n in SIZES.items():
        made = list(tqdm(rows(split, n, arguments.seed), total=n, desc=split))
        path = arguments.out / f"{split}.parquet"
        pq.write_table(pa.Table.from_pylist(made), path, compression="zstd", compression_level=19)
        print(f"{path}: {n} prompts, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
