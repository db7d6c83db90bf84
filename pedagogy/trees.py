"""Pairs written into a row as trees: each prompt once, each response behind it, nothing between.

    x x x + + + - - x' x' +' -' -'      a row of two pairs
    0 1 2 3 4 5 3 4 0  1  2  2  3       positions: each response goes on from its prompt
    0 0 0 1 1 1 2 2 0  0  1  2  2       branch: 0 in a prompt

A token sees the earlier tokens of its own response and of its prompt, and no others: `Row.mask()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Tree = Sequence[Sequence[int]]  # token ids: a prompt, then its responses (of a pair: y⁺ and y⁻)
ROW_TOKENS = 1024  # long enough to keep a processor busy, short enough for its memory


def fill_rows(trees: Sequence[Tree], row_tokens: int = ROW_TOKENS) -> list[list[int]]:
    """Numbers of the trees of each row, in order: `row_tokens` tokens at most, or one long tree."""
    rows, room = [], 0
    for i, tree in enumerate(trees):
        size = sum(map(len, tree))
        if not rows or size > room:
            rows.append([])
            room = row_tokens
        rows[-1].append(i)
        room -= size
    return rows


@dataclass(frozen=True, eq=False)
class Row:
    """Trees in one line of T tokens. `cuts`: for each, where its prompt begins and its parts end."""

    ids: Tensor  # (T,)
    positions: Tensor  # (T,)
    tree: Tensor  # (T,) the number of the tree
    branch: Tensor  # (T,) 0 in its prompt, 1, 2, … in its responses
    cuts: list[list[int]]

    @classmethod
    def of(cls, trees: Sequence[Tree]) -> Row:
        ids, positions, tree, branch, cuts = [], [], [], [], []
        for number, (x, *responses) in enumerate(trees):
            cuts.append([len(ids)])
            for b, part in enumerate((x, *responses)):
                first = len(x) if b else 0
                ids += part
                positions += range(first, first + len(part))
                tree += [number] * len(part)
                branch += [b] * len(part)
                cuts[-1].append(len(ids))
        return cls(*map(torch.tensor, (ids, positions, tree, branch)), cuts)

    def mask(self) -> Tensor:
        """The picture: may token i see token j? (T, T) of bool."""
        j, i = (torch.arange(len(self.ids)).view(shape) for shape in ((1, -1), (-1, 1)))
        prompt_or_own = (self.branch[j] == 0) | (self.branch[j] == self.branch[i])
        return (j <= i) & (self.tree[j] == self.tree[i]) & prompt_or_own

    def predictions(self) -> tuple[Tensor, Tensor]:
        """Where response tokens stand, and what predicts each, the one before it in its branch: (R,) both."""
        said = self.branch.nonzero().squeeze(-1)
        stems = {first: cuts[1] for cuts in self.cuts for first in cuts[1:-1]}  # a response's start: x's end
        return said, torch.tensor([stems.get(t, t) - 1 for t in said.tolist()])

    def sizes(self) -> list[int]:
        """Tokens of each response."""
        return [b - a for cuts in self.cuts for a, b in zip(cuts[1:-1], cuts[2:], strict=True)]


def check_trees(trees: Sequence[Tree]) -> None:
    """ValueError where a part is empty or missing, or prompts have different numbers of responses."""
    if not len(trees):
        raise ValueError("no pairs: give at least one (prompt_ids, chosen_ids, rejected_ids)")
    for i, tree in enumerate(trees):
        if len(tree) < 2 or len(tree) != len(trees[0]) or not all(len(part) for part in tree):
            raise ValueError(
                f"pairs[{i}] has parts of {[len(part) for part in tree]} tokens: give a prompt and its "
                "responses, none empty (a response ends in EOS), and as many responses as in the first pair"
            )
