"""log π(y|x) of pairs, fast: the numbers of logprobs.py, from an unmodified Hugging Face model.

What is saved: each prompt runs once, for both its responses, which cannot see each other (trees.py has the
picture); there is no padding; the output layer runs at response tokens alone, a tile at a time (tiles.py).
The model gets its attention through transformers' own AttentionInterface. One that cannot take it goes the
plain way, and says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from .logprobs import pad_batch, response_mask, sequence_logprobs
from .tiles import tiled_logprobs
from .trees import ROW_TOKENS, Row, Tree, check_trees, fill_rows

NAME = "pedagogy_tree"
_tried: WeakKeyDictionary = WeakKeyDictionary()  # model -> what _try found


def pair_logprobs(model, pairs: Sequence[Tree], row_tokens: int = ROW_TOKENS) -> Tensor:
    """log π(y⁺|x) and log π(y⁻|x) of each pair, sums in nats: (N, 2), differentiable.

        pair_logprobs(policy.model, [(x, y_plus, y_minus), …])   # token ids; responses end in EOS

    Equal to plain_logprobs but for rounding. Prompts with k responses each give (N, k). In training mode
    dropout acts, as it does there. With gradients all rows stay in memory until backward; to save that, take
    the pairs of one row of `fill_rows` at a time. A warning says where a model goes the plain way, and why.
    """
    check_trees(pairs)
    reason = plain_reason(model, max(len(x) + max(map(len, ys)) for x, *ys in pairs))
    if reason:
        warnings.warn(f"{type(model).__name__} goes the plain way, which is slower: {reason}", stacklevel=2)
        return plain_logprobs(model, pairs)
    rows = (Row.of([pairs[i] for i in row]) for row in fill_rows(pairs, row_tokens))
    return torch.cat([_row_logprobs(model, row) for row in rows])


def plain_logprobs(model, pairs: Sequence[Tree]) -> Tensor:
    """The same numbers by their definition, a padded batch for each prompt: (N, 2)."""
    logps = []
    for x, *responses in pairs:
        ids, lengths = pad_batch([[*x, *y] for y in responses])
        mask, there = (response_mask(torch.full_like(lengths, n), lengths) for n in (len(x), 0))
        logps.append(sequence_logprobs(model, *(t.to(model.device) for t in (ids, mask, there.long()))))
    return torch.stack(logps)


def tree_attention(
    module,
    query,
    key,
    value,
    attention_mask=None,
    scaling=None,
    dropout=0.0,
    row: Row | None = None,
    **others,
) -> tuple[Tensor, None]:
    """Attention along each branch of each tree, nothing computed besides: (1, H, T, D) -> (1, T, H, D)."""
    odd = [name for name in ("softcap", "s_aux", "position_bias") if others.get(name) is not None]
    if odd or row is None:
        raise NotImplementedError(
            f"its attention has a {odd[0]}" if odd else "its layers pass no arguments on"
        )
    if (shared := query.shape[1] // key.shape[1]) > 1:  # grouped queries share keys and values
        key, value = (t.repeat_interleave(shared, dim=1) for t in (key, value))
    attend, out = partial(F.scaled_dot_product_attention, dropout_p=dropout, scale=scaling), []
    for start, stem, end, *others_end in row.cuts:
        x_and_first = (t[:, :, start:end] for t in (query, key, value))
        out.append(attend(*x_and_first, is_causal=True))  # prompt and first response: simply a causal text
        for a, b in zip(
            [end, *others_end], others_end, strict=False
        ):  # each other one: its prompt and itself
            seen = torch.ones(b - a, stem - start + b - a, dtype=torch.bool, device=query.device)
            k, v = (torch.cat([t[:, :, start:stem], t[:, :, a:b]], dim=2) for t in (key, value))
            out.append(attend(query[:, :, a:b], k, v, attn_mask=seen.tril(stem - start)))
    return torch.cat(out, dim=2).transpose(1, 2).contiguous(), None


def _row_logprobs(model, row: Row) -> Tensor:
    """(N, k) of the N trees of one row."""
    from transformers import AttentionInterface

    ids, positions, said, before = (t.to(model.device) for t in (row.ids, row.positions, *row.predictions()))
    AttentionInterface.register(NAME, tree_attention)
    with attention(model.config, NAME):
        body = model.base_model(ids[None], position_ids=positions[None], use_cache=False, row=row)
    head = model.get_output_embeddings()
    logps = tiled_logprobs(body.last_hidden_state[0, before], head.weight, head.bias, ids[said])  # (R,)
    return torch.stack([part.sum() for part in logps.split(row.sizes())]).view(len(row.cuts), -1)


@contextmanager
def attention(config, name: str) -> Iterator[None]:
    """A model's configuration with the attention of that name, for a while."""
    own = config._attn_implementation
    config._attn_implementation = name  # set_attn_implementation does this too, in a millisecond
    try:
        yield
    finally:
        config._attn_implementation = own


def plain_reason(model, longest: int = 0) -> str | None:
    """Why a model goes the plain way with sequences of up to `longest` tokens; None where it need not."""
    config = model.config.get_text_config()
    windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    if any(window and longest > window for window in windows):
        return f"{longest} tokens are more than its attention looks back at, {min(filter(None, windows))}"
    if any(kind in str(getattr(config, "rope_parameters", "")) for kind in ("dynamic", "longrope")):
        return "the angles of its positions depend on the length of all that is run at once"
    if model.training and torch.is_grad_enabled() and getattr(model, "is_activation_checkpointing", False):
        return "activation checkpointing would later run its layers again without our attention: turn it off"
    if model not in _tried:
        _tried[model] = _try(model)
    return _tried[model]


@torch.no_grad()
def _try(model) -> str | None:
    """Run two tiny trees both ways. What is unusual about a model shows: a state, a scale, another mask."""
    head, heard = model.get_output_embeddings(), []
    training = [(part, part.training) for part in model.modules()]  # not all alike where a caller set some
    if not model._can_set_attn_implementation():
        return "its attention does not go through transformers' AttentionInterface"
    if not isinstance(head, torch.nn.Linear):
        return "its output layer is not a plain linear one"
    ids = torch.arange(1, 12, device=model.device) % head.out_features
    trees = [[part.tolist() for part in ids[:n].split((4, 3, n - 7))] for n in (9, 11)]
    hook = head.register_forward_hook(lambda *args: heard.append(args[-1]))
    try:
        with torch.autocast(model.device.type, enabled=False):
            plain = plain_logprobs(model.eval(), trees)
            if not (model(ids[None]).logits == heard[-1]).all():
                return "it changes its logits after the output layer"
            gap = (_row_logprobs(model, Row.of(trees)) - plain).abs().max()
        close = 1e-4 if model.dtype in (torch.float32, torch.float64) else 0.1
        return None if gap < close else f"packed, its log-probabilities are off by {gap:.2g} nats"
    except Exception as error:  # whatever its own code raises
        return f"{error} ({type(error).__name__})"
    finally:
        hook.remove()
        for part, mode in training:
            part.training = mode
