"""Score all bundled pairs under the bundled π_ref, once, into the package: notebook 06 finds them there.

.venv/bin/python benchmarks/reference_logprobs.py     # two minutes; again whenever the reference changed

The file is named after a hash of the model (references.py), so one that has become stale is never read.
"""

from __future__ import annotations

import sys

import pedagogy as pg
from pedagogy.pairs import encode_pairs
from pedagogy.policy import ASSETS
from pedagogy.references import LogprobCache, reference_logprobs


def main() -> int:
    policy = pg.load_policy("bundled/reference", device="cpu")
    splits = [pg.load_pairs(split=split) for split in ("train", "test", "test_unseen")]
    trees = [pair.ids for pairs in splits for pair in encode_pairs(policy, pairs)]
    logps = reference_logprobs(policy.model, trees).tolist()
    cache = LogprobCache(policy.model)
    cache.known.clear()  # what else this machine has scored is no business of the package
    for tree, known in zip(trees, logps, strict=True):
        cache.add(tree, known)
    path = ASSETS / "logps" / cache.path.name
    for old in path.parent.glob("*.npz"):
        old.unlink()
    cache.write(path)
    print(f"{len(trees)} pairs, {path.stat().st_size / 1e3:.0f} kB, in assets/logps/{path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
