"""log softmax at chosen tokens, the vocabulary a tile at a time: no (T, V) table, forwards or backwards.

    log π(v) = h·w_v − log ∑_u exp(h·w_u)

The sum runs over tiles of 1,024 rows of the output layer, with a running maximum (the "online" log-sum-exp of
Milakov & Gimelshein, arXiv 1805.02867). The gradient needs every π(u) again: each tile is simply recomputed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

TILE = 1024  # rows of the output layer: a (T, 1024) tile stays in a processor's cache


def tiled_logprobs(hidden: Tensor, weight: Tensor, bias: Tensor | None, ids: Tensor) -> Tensor:
    """log softmax(hidden @ weight.T + bias)[ids], in nats, float32 or wider; differentiable.

    hidden (T, D), weight (V, D), bias (V,) or None, ids (T,) -> (T,). Row t of hidden predicts ids[t].
    """
    return _TiledLogprobs.apply(hidden, weight, bias, ids)


class _TiledLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, bias, ids):
        device = hidden.device.type
        auto = torch.is_autocast_enabled(device)
        ctx.compute = torch.get_autocast_dtype(device) if auto else hidden.dtype
        wide = torch.promote_types(ctx.compute, torch.float32)  # 16 bits are too few for a sum over V
        h = hidden.to(ctx.compute)
        most = torch.full_like(ids, -torch.inf, dtype=wide)  # the largest logit so far
        total = torch.zeros_like(most)  # ∑ exp(logit − most) so far
        chosen = torch.zeros_like(most)
        for tile, w, logits in _tiles(h, weight, bias, wide):
            here = ids - tile.start  # a logit from its tile: rounded as in the sum, so that errors cancel
            found = logits.gather(1, here.clamp(0, len(w) - 1)[:, None])[:, 0]
            chosen = torch.where((here >= 0) & (here < len(w)), found, chosen)
            more = torch.maximum(most, logits.amax(-1))
            total = total * (most - more).exp() + logits.sub_(more[:, None]).exp_().sum(-1)
            most = more
        norm = most + total.log()  # (T,) log ∑_u exp(h·w_u)
        ctx.save_for_backward(hidden, weight, bias, ids, norm)
        return chosen - norm

    @staticmethod
    def backward(ctx, grad):
        """∂ log π(v) / ∂ h·w_u = [u = v] − π(u), tile by tile."""
        hidden, weight, bias, ids, norm = ctx.saved_tensors
        h, g = hidden.to(ctx.compute), grad[:, None]
        need_hidden, need_weight, need_bias, _ = ctx.needs_input_grad
        d_hidden = weight[ids].to(norm.dtype) * g if need_hidden else None
        d_weight = torch.zeros_like(weight) if need_weight else None
        d_bias = norm.new_zeros(bias.shape).index_add_(0, ids, grad) if need_bias else None
        if need_weight:
            d_weight.index_add_(0, ids, (hidden * g).to(weight.dtype))
        for tile, w, logits in _tiles(h, weight, bias, norm.dtype):
            d_logits = logits.sub_(norm[:, None]).exp_().mul_(-g)  # (T, tile) −g π(u)
            if need_bias:
                d_bias[tile] += d_logits.sum(0)
            d_logits = d_logits.to(ctx.compute)
            if need_hidden:
                _add_product(d_hidden, d_logits, w)
            if need_weight:
                _add_product(d_weight[tile], d_logits.T, h)
        d_hidden = d_hidden.to(hidden.dtype) if need_hidden else None
        return d_hidden, d_weight, d_bias.to(bias.dtype) if need_bias else None, None


def _tiles(h: Tensor, weight: Tensor, bias: Tensor | None, wide: torch.dtype) -> Iterator[tuple]:
    """(tile, its rows of weight, h @ rows.T + bias), in one buffer that every tile writes over."""
    buffer = h.new_empty(len(h) * min(TILE, len(weight)))
    for start in range(0, len(weight), TILE):
        tile = slice(start, min(start + TILE, len(weight)))
        w = weight[tile].to(h.dtype)
        out = buffer[: len(h) * len(w)].view(len(h), len(w))
        logits = torch.mm(h, w.T, out=out).to(wide)
        yield tile, w, logits if bias is None else logits.add_(bias[tile])


def _add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """total += a @ b, summed in the precision of `total`."""
    if total.dtype == a.dtype:
        total.addmm_(a, b)
    else:
        total += a @ b
