"""Preference pairs on their way to a trainer: as token ids for ours, as columns for TRL's."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .feedback.pair_rows import pair_texts
from .feedback.schemas import FeedbackError, Problem
from .policy import Policy

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class EncodedPair:
    """A pair as token ids x, y⁺, y⁻, responses with their EOS; `row` and `prompt`, to speak of it."""

    row: int
    prompt: str  # its beginning, quoted
    ids: tuple[list[int], list[int], list[int]]


def encode_pairs(policy: Policy, pairs: Iterable[dict], drop_bad: bool = False) -> list[EncodedPair]:
    """Rows with prompt, chosen and rejected, as of load_pairs, in token ids.

    FeedbackError names row, field and remedy where a response is empty, the two are the same, or one is too
    long for the context (cutting could make them the same). `drop_bad` leaves such pairs out, with a warning.
    """
    encoded, dropped = [], 0
    for i, row in enumerate(pairs):
        try:
            encoded.append(_encode(policy, row, i))
        except FeedbackError:
            if not drop_bad:
                raise
            dropped += 1
    if dropped:
        warnings.warn(f"{dropped} unusable pairs left out, {len(encoded)} kept", stacklevel=2)
    return encoded


def to_trl(pairs: Iterable[dict]) -> Dataset:
    """Pairs for TRL's DPOTrainer: columns prompt, chosen and rejected, each a list of messages.

    benchmarks/trl_dpo.py is the whole way.
    """
    from datasets import Dataset

    columns: dict[str, list] = {"prompt": [], "chosen": [], "rejected": []}
    for i, row in enumerate(pairs):
        x, plus, minus = _texts(row, i)
        columns["prompt"].append([{"role": "user", "content": x}] if isinstance(x, str) else x)
        columns["chosen"].append([{"role": "assistant", "content": plus}])
        columns["rejected"].append([{"role": "assistant", "content": minus}])
    return Dataset.from_dict(columns)


def _encode(policy: Policy, row: dict, i: int) -> EncodedPair:
    prompt, *texts = _texts(row, i)
    try:
        x = policy.encode_prompt(prompt)
    except ValueError as error:
        raise FeedbackError(
            Problem("prompt", f"a prompt that cannot be encoded ({error})", DROP, i)
        ) from error
    ids = [policy.encode_response(text) for text in texts]
    for side, text, y in zip(("chosen", "rejected"), texts, ids, strict=True):
        if not text.strip():
            raise FeedbackError(Problem(side, "an empty response", DROP, i))
        total, limit = len(x) + len(y), policy.context_length
        if limit and total > limit:
            found = f"{total} tokens, {len(x)} of them prompt; the context of {policy.name!r} holds {limit}"
            raise FeedbackError(Problem(side, found, f"{DROP}, or take a model with a longer context", i))
    if ids[0] == ids[1]:
        found = f"the same response as in chosen, {reprlib.repr(texts[1])}"
        raise FeedbackError(Problem("rejected", found, f"{DROP}: it prefers nothing", i))
    beginning = prompt if isinstance(prompt, str) else prompt[-1]["content"]
    return EncodedPair(i, reprlib.repr(beginning), (x, *ids))


DROP = "leave the pair out (drop_bad=True does)"


def _texts(row: dict, i: int) -> tuple:
    try:
        return pair_texts(row)
    except FeedbackError as error:
        raise FeedbackError(replace(error.problem, row=i)) from None
