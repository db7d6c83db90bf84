"""Two binarisations of the same feedback, side by side: which pairs are the same, and which are not?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from .pair_rows import prompt_id

SAME, REJECTED, CHOSEN, TURNED = "same pair", "another rejected", "another chosen", "turned round"
KINDS = (SAME, REJECTED, CHOSEN, TURNED)


def compare_pairs(first: Iterable[Mapping], second: Iterable[Mapping]) -> dict[str, int]:
    """How many prompts have the same pair in both, and how the others differ.

        compare_pairs(pg.binarize(feedback), pg.binarize(feedback, seed=1))

    "another rejected": y⁺ is the same; "turned round": what was chosen is rejected now, and the other way
    round; "another chosen": everything else. Both hold one pair a prompt at most, in load_pairs' columns; a
    prompt that has a pair in one of them only counts as "in one only". ValueError where a prompt has several.
    """
    one, two = _by_prompt(first, "first"), _by_prompt(second, "second")
    found = Counter(_kind(one[key], two[key]) for key in one.keys() & two.keys())
    return {kind: found[kind] for kind in KINDS} | {"in one only": len(one.keys() ^ two.keys())}


def _by_prompt(pairs: Iterable[Mapping], which: str) -> dict[str, tuple[str, str]]:
    """{prompt_id: (chosen, rejected)}"""
    found: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        key = pair.get("prompt_id") or prompt_id(pair["prompt"])
        if key in found:
            raise ValueError(f"the {which} set has several pairs of the prompt {pair['prompt']!r}: keep one")
        found[key] = pair["chosen"][-1]["content"], pair["rejected"][-1]["content"]
    return found


def _kind(a: tuple[str, str], b: tuple[str, str]) -> str:
    if a == b:
        return SAME
    if a == b[::-1]:
        return TURNED
    return REJECTED if a[0] == b[0] else CHOSEN
