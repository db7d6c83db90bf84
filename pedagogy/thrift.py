"""Gradients in less memory: a layer keeps its matrix products, and computes what is cheap once more.

To follow a gradient back through a layer one needs most of what it computed. Norms, rotations and activations
take much of that memory and little of the time. So each layer keeps what it began with, its matrix products
and its attention alone, and on the way back computes the rest from them again (selective activation
recomputation: Korthikanti et al., arXiv 2205.05198, section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from .packing import attention

LARGE = 2**18  # tokens times channels, below which keeping account of operations costs more than it saves
aten = torch.ops.aten
ATTENTION = {
    aten._scaled_dot_product_flash_attention_for_cpu.default,
    aten._scaled_dot_product_flash_attention.default,
    aten._scaled_dot_product_efficient_attention.default,
    aten._scaled_dot_product_cudnn_attention.default,
}


def pays(model, tokens: int) -> bool:
    """Whether rows of so many tokens are large enough for thrift."""
    return torch.is_grad_enabled() and tokens * model.config.get_text_config().hidden_size >= LARGE


@contextmanager
def thrifty(model) -> Iterator[None]:
    """What a transformers model runs here keeps for its gradient only what is dear to compute.

    with thrifty(model):
        loss = …
    loss.backward()      # once: what a layer kept is given back as it is used
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]
    own = [dict(vars(layer)) for layer in layers]
    for layer in layers:  # it asks its own "training" whether to take the function
        run = partial(_run, layer, layer.training, model.config)
        vars(layer).update(gradient_checkpointing=True, training=True, _gradient_checkpointing_func=run)
    try:
        yield
    finally:
        for layer, before in zip(layers, own, strict=True):
            for name in ("gradient_checkpointing", "training", "_gradient_checkpointing_func"):
                vars(layer).pop(name)
                vars(layer).update({name: before[name]} if name in before else {})


def _run(layer, training: bool, config, call: Callable, *args):
    """A layer's own code, in the mode that it was in: some, as OPT's, have their dropout in it."""

    def in_its_mode(*given):
        now, layer.training = layer.training, training
        try:
            return call(*given)
        finally:
            layer.training = now

    return checkpoint(in_its_mode, *args, use_reentrant=False, context_fn=partial(_contexts, config))


def _contexts(config) -> tuple:
    """Of a layer's first run, and of its second, which must find the attention that the first one had."""
    hidden = config.get_text_config().hidden_size
    first, second = create_selective_checkpoint_contexts(partial(_policy, hidden))
    return first, _again(second, config, config._attn_implementation)


def _policy(hidden: int, context, operation, *args, **kwargs) -> CheckpointPolicy:
    """Keep products and attention. The product out of a wide inner layer ends its layer: nothing needs it."""
    product = {aten.mm.default: 0, aten.addmm.default: 1}.get(operation)  # which argument is its input
    if operation in ATTENTION or (product is not None and args[product].shape[-1] <= hidden):
        return CheckpointPolicy.MUST_SAVE
    return CheckpointPolicy.PREFER_RECOMPUTE


@contextmanager
def _again(second, config, name: str) -> Iterator[None]:
    with second, attention(config, name):
        yield
