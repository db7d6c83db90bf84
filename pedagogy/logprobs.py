"""log π(y|x), the plain definition: ∑_t log π(y_t | x, y_<t), in nats.

Two functions score a batch, two build one. `packing.py` computes the same numbers faster.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def token_logprobs(logits: Tensor, ids: Tensor) -> Tensor:
    """log π(y_t | x, y_<t) of every token after the first, in nats.

    logits (B, T, V), ids (B, T) -> (B, T-1), float32 or wider. Position t is scored by the logits
    at t-1: a language model predicts the *next* token.
    """
    logits, ids = logits[:, :-1], ids[:, 1:]  # the shift
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()  # 16 bits are too few for a sum over V
    chosen = logits.gather(-1, ids.unsqueeze(-1)).squeeze(-1)  # (B, T-1)
    return chosen - logits.logsumexp(-1)


def sequence_logprobs(
    model, input_ids: Tensor, response_mask: Tensor, attention_mask: Tensor | None = None
) -> Tensor:
    """log π(y|x) of each row: the *sum* over its response tokens, EOS included. (B,), in nats.

    input_ids (B, T) prompt, response, then padding on the right; response_mask (B, T) true on y alone.
    Differentiable; call model.eval() first if dropout should be off. ValueError where the mask has another
    shape or marks position 0, which no token precedes and nothing predicts.
    """
    if response_mask.shape != input_ids.shape:
        raise ValueError(
            f"response_mask has shape {tuple(response_mask.shape)}, input_ids {tuple(input_ids.shape)}: "
            "give one mask value for each token"
        )
    if response_mask[:, 0].any():
        raise ValueError("response_mask marks position 0, which nothing predicts: put a prompt or BOS first")
    logits = model(input_ids, attention_mask=attention_mask).logits  # (B, T, V)
    logps = token_logprobs(logits, input_ids)  # (B, T-1)
    return logps.masked_fill(~response_mask[:, 1:].bool(), 0.0).sum(-1)  # the mask shifts with the ids


def pad_batch(rows: Sequence[Sequence[int]], fill: int = 0) -> tuple[Tensor, Tensor]:
    """Rows of token ids, padded on the right: ids (B, T) and lengths (B,).

    The lengths say what is padding, never the ids: where pad = EOS, a mask by id would drop EOS.
    """
    lengths = torch.tensor([len(row) for row in rows])
    width = int(lengths.max())
    ids = torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])
    return ids, lengths


def response_mask(prompt_lengths: Tensor, lengths: Tensor) -> Tensor:
    """(B,) and (B,) -> (B, T) of bool, T = max(lengths): true from the prompt's end to the row's end."""
    position = torch.arange(int(lengths.max()))
    return (position >= prompt_lengths.unsqueeze(-1)) & (position < lengths.unsqueeze(-1))
