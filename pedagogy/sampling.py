"""Sampling y ~ π(· | x): from logits to a token, and from token to token."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

import torch
from torch import Tensor


def check_sampling(max_new_tokens: int, temperature: float, top_k: int | None, top_p: float | None) -> None:
    """ValueError naming the first setting out of range."""
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}")
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature must be 0 (greedy) or above, not {temperature}")
    if top_k is not None and not (isinstance(top_k, Integral) and top_k >= 1):
        raise ValueError(f"top_k must be a whole number of 1 or more, or None for no limit, not {top_k!r}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must be above 0 and at most 1, or None for no limit, not {top_p}")


def generator(seed: int | None) -> torch.Generator:
    """A random generator of its own, which leaves the global one alone; seed None takes a fresh seed."""
    own = torch.Generator()  # on the CPU, whatever the device
    if seed is None:
        own.seed()
    else:
        own.manual_seed(seed)
    return own


def ranked(
    logits: Tensor, temperature: float, top_k: int | None, top_p: float | None
) -> tuple[Tensor, Tensor]:
    """What is drawn from: probs (B, k), likeliest first, and the ids (B, V) in that order. k = top_k or V.

    Temperature 0 puts everything on the likeliest token. Else the top_k likeliest are kept and, of these, the
    fewest whose mass reaches top_p; the others of the k get 0, and what is left may sum to less than 1.
    """
    ordered, ids = logits.cpu().double().sort(descending=True, stable=True)  # (B, V); MPS has no float64
    if temperature == 0:
        return torch.ones_like(ordered[:, :1]), ids
    ordered = (ordered - ordered[:, :1]) / temperature  # 0 at the best: no temperature is too low for that
    probs = ordered[:, :top_k].softmax(-1)  # (B, k)
    if top_p is not None:
        better = probs.cumsum(-1) - probs  # mass of the likelier ones
        probs = probs.masked_fill(better >= top_p, 0.0)
    return probs, ids


def pick(
    logits: Tensor, temperature: float, top_k: int | None, top_p: float | None, generators: list
) -> Tensor:
    """logits (B, V) -> ids (B,). Temperature 0 takes the likeliest token; else row b draws with
    generators[b], a torch.Generator, from what `ranked` leaves.
    """
    if temperature == 0:
        return logits.argmax(-1)
    probs, ids = ranked(logits, temperature, top_k, top_p)
    drawn = [torch.multinomial(row, 1, generator=own) for row, own in zip(probs, generators, strict=True)]
    return ids.gather(-1, torch.stack(drawn)).squeeze(-1)


@torch.no_grad()
def continuations(
    model,
    prompts: list[list[int]],
    steps: int,
    choose: Callable[[Tensor], Tensor],
    stops: set[int],
    cache=None,
) -> list[list[int]]:
    """The tokens that `choose` (logits (B, V) -> ids (B,)) takes after each of B prompts of *one* length.

    A row ends at the first token in `stops`, which is left out, or after `steps` tokens. `cache`: keys and
    values of the prompts without their last tokens, where they are known already; it is written to.
    """
    seen = feed = torch.tensor(prompts, device=model.device)  # (B, P), seen grows
    replies: list[list[int]] = [[] for _ in prompts]
    running, past = set(range(len(prompts))), {}
    if cache is not None:
        past, feed = {"past_key_values": cache}, seen[:, -1:]
    for _ in range(steps):
        output = model(feed, attention_mask=torch.ones_like(seen), use_cache=True, **past)
        chosen = choose(output.logits[:, -1]).to(seen.device)  # (B,)
        running = {b for b in running if int(chosen[b]) not in stops}
        for b in running:
            replies[b].append(int(chosen[b]))
        if not running:
            break
        seen = torch.cat([seen, chosen[:, None]], dim=1)
        cache = getattr(output, "past_key_values", None)  # without one all is run again
        past, feed = ({}, seen) if cache is None else ({"past_key_values": cache}, seen[:, -1:])
    return replies
