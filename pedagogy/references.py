"""log π_ref(y|x) of preference pairs: scored once, then read from disk while π_ref and the texts stay."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .packing import pair_logprobs
from .policy import ASSETS
from .trees import Tree

IGNORED = ("transformers_version", "_name_or_path", "dtype", "use_cache")  # they change no log-prob
CHUNK = 64  # pairs between two looks at the progress bar


@torch.no_grad()
def reference_logprobs(
    model, trees: Sequence[Tree], score: Callable | None = None, accelerator=None, bar=None
) -> Tensor:
    """log π_ref of y⁺ and y⁻ of each pair, in nats: (N, 2), float32 on the CPU.

    `score`, from pairs to (n, 2), is pair_logprobs of `model` unless given. The processes of an accelerator
    share the work; `bar` is a tqdm that counts pairs.
    """
    score = score or (lambda some: pair_logprobs(model, some))
    rank, world = (accelerator.process_index, accelerator.num_processes) if accelerator else (0, 1)
    cache = LogprobCache(model, accelerator.mixed_precision if accelerator else "no")
    missing = [i for i, tree in enumerate(trees) if cache.get(tree) is None]
    mine, scored = missing[rank::world], []
    for start in range(0, len(mine), CHUNK):
        chunk = mine[start : start + CHUNK]
        scored += zip(chunk, score([trees[i] for i in chunk]).tolist(), strict=True)
        if bar is not None:
            bar.update(len(chunk) * world)
    for i, logps in gather(scored) if missing else []:
        cache.add(trees[i], logps)
    if missing and rank == 0:
        cache.write()
    return torch.tensor([cache.get(tree) for tree in trees])


class LogprobCache:
    """log π(y|x) of responses under one model, in a file named after a hash of that model.

    A key is a hash of the token ids of x and y: another text or tokenizer is another entry, and a pair with
    its labels swapped is not. Entries that the package brings along are found, too.
    """

    def __init__(self, model, precision: str = "no"):
        self.path = cache_dir() / "logps" / f"{fingerprint(model)}-{precision}.npz"
        self.known = _read(ASSETS / "logps" / self.path.name) | _read(self.path)

    def get(self, tree: Tree) -> list[float] | None:
        """log π(y|x) of every response of a tree; None if one is not known."""
        logps = [self.known.get(key) for key in _keys(tree)]
        return None if None in logps else logps

    def add(self, tree: Tree, logps: Sequence[float]) -> None:
        self.known.update(zip(_keys(tree), logps, strict=True))

    def write(self, path: Path | None = None) -> None:
        """To disk, whole or not at all. A disk that cannot be written to costs time, not the run."""
        path = path or self.path
        new = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("wb") as file:
                np.savez_compressed(file, keys=list(self.known), logps=np.float32(list(self.known.values())))
            new.replace(path)
        except OSError as error:
            warnings.warn(f"reference log-probs are not kept: cannot write {path} ({error})", stacklevel=2)


def _read(path: Path) -> dict[str, float]:
    try:
        with np.load(path) as file:
            return dict(zip(file["keys"].tolist(), file["logps"].tolist(), strict=True))
    except Exception:  # none yet, or damaged, which shows in many ways: they are made again
        return {}


def _keys(tree: Tree) -> list[str]:
    x, *responses = tree
    return [hashlib.sha256(json.dumps([x, y]).encode()).hexdigest()[:24] for y in responses]


def fingerprint(model) -> str:
    """A hash of a model's weights and configuration: 16 hex digits that change when either does."""
    config = {key: value for key, value in model.config.to_diff_dict().items() if key not in IGNORED}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for name, weight in model.state_dict().items():
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def cache_dir() -> Path:
    """$PEDAGOGY_CACHE, or the folder pedagogy in the user's cache: log-probs, and interrupted runs."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("PEDAGOGY_CACHE") or home / "pedagogy")


def gather(items: list) -> list:
    """The lists of all processes, joined."""
    from accelerate.utils import gather_object

    return gather_object(items)
