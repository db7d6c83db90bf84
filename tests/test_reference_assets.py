"""The reference log-probs that the package brings along are those of its reference."""

import pytest
import torch

import pedagogy as pg
from pedagogy.pairs import encode_pairs
from pedagogy.policy import ASSETS
from pedagogy.references import LogprobCache


def test_bundled_pairs_are_scored_already_and_rightly(monkeypatch, tmp_path):
    monkeypatch.setenv("PEDAGOGY_CACHE", str(tmp_path))  # an empty one: only the package's own is there
    policy = pg.load_policy("bundled/reference", device="cpu")
    cache = LogprobCache(policy.model)
    remedy = "run benchmarks/reference_logprobs.py: the reference has changed"
    assert (ASSETS / "logps" / cache.path.name).is_file(), remedy
    for split, numbers in (("train", (0, 1199, 3199)), ("test", (0, 419)), ("test_unseen", (219,))):
        encoded = encode_pairs(policy, pg.load_pairs(split=split).select(numbers))
        with torch.no_grad():
            fresh = pg.pair_logprobs(policy.model, [pair.ids for pair in encoded])
        known = [cache.get(pair.ids) for pair in encoded]
        assert None not in known, remedy
        assert torch.tensor(known).tolist() == [pytest.approx(row, abs=1e-3) for row in fresh.tolist()]
