"""DPO where all K answers to a prompt can be written down: π_ref, rewards and policies are vectors (K,).

    ref, rewards = torch.tensor([0.6, 0.3, 0.1]).log(), torch.tensor([0.0, 1.0, 2.0])
    star, log_z = tilted(ref, rewards, beta=0.5)         # the best that reward minus β KL allows
    path = descend(ref, preferences(rewards), beta=0.5)  # DPO, from comparisons alone: path[-1] is star

Log-probabilities and KL are in nats. Equations: Rafailov et al. 2023 (arXiv 2305.18290).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .losses import SMOOTHED, dpo_loss


def tilted(ref_logps: Tensor, rewards: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """log π*(y|x) = log π_ref(y|x) + r(x, y)/β − log Z(x), and log Z(x): (…, K) and (…).

    π* is the maximum of E[r] − β KL(π‖π_ref) (equation 4). ValueError where β ≤ 0.
    """
    if not beta > 0:
        raise ValueError(f"beta must be above 0, not {beta}: at 0 nothing holds π to π_ref")
    weighted = ref_logps + rewards / beta
    log_z = weighted.logsumexp(-1)
    return weighted - log_z[..., None], log_z


def kl(logps: Tensor, ref_logps: Tensor) -> Tensor:
    """KL(π‖π_ref) = ∑_y π(y) log (π(y)/π_ref(y)), nats: (…, K) twice -> (…). Where π(y) = 0, it adds 0."""
    probs = logps.exp()
    return torch.where(probs > 0, probs * (logps - ref_logps), 0.0).sum(-1)


def objective(logps: Tensor, ref_logps: Tensor, rewards: Tensor, beta: float) -> Tensor:
    """E_{y∼π}[r] − β KL(π‖π_ref) (equation 3): (…)."""
    return (logps.exp() * rewards).sum(-1) - beta * kl(logps, ref_logps)


def implicit_rewards(logps: Tensor, ref_logps: Tensor, beta: float) -> Tensor:
    """r̂(x, y) = β (log π(y|x) − log π_ref(y|x)): at π*, r minus β log Z(x), the same for every answer."""
    return beta * (logps - ref_logps)


def preferences(rewards: Tensor) -> Tensor:
    """P[i, j] = σ(r_i − r_j), how often answer i is preferred to answer j under Bradley–Terry: (K, K)."""
    return torch.sigmoid(rewards[:, None] - rewards[None, :])


def win_rate(logps: Tensor, other_logps: Tensor, prefer: Tensor) -> Tensor:
    """How often an answer of π is preferred to one of the other policy: (…). `prefer` is (K, K)."""
    return torch.einsum("...i,ij,...j->...", logps.exp(), prefer, other_logps.exp())


def population_loss(logps: Tensor, ref_logps: Tensor, prefer: Tensor, beta: float, **loss) -> Tensor:
    """The DPO loss with endless data: each pair as y⁺, y⁻ as often as `prefer` says; a sum.

    loss: loss_type and label_smoothing of dpo_loss.
    """
    i, j = (~torch.eye(len(logps), dtype=torch.bool)).nonzero().T  # all ordered pairs (y⁺, y⁻)
    losses = dpo_loss(logps[i], logps[j], ref_logps[i], ref_logps[j], beta, **loss).losses
    return (prefer[i, j] * losses).sum()


def descend(
    ref_logps: Tensor, prefer: Tensor, beta: float, steps: int = 400, features: Tensor | None = None, **loss
) -> Tensor:
    """Gradient descent on that loss from π_ref: log π after 0, 1, … steps, (steps + 1, K), in float64.

    Each answer has a logit of its own, in which the loss is convex with no curvature above L = β² K / 4; the
    step is 1/L; so it is for loss_type "sigmoid" and "robust", and ValueError for any other. With `features`
    (K, D) answers share D parameters w instead, as those of a language model do: log π = log π_ref +
    features @ w, normalised.
    """
    if (kind := loss.get("loss_type", "sigmoid")) not in SMOOTHED:
        raise ValueError(f"loss_type {kind!r} has no such bound L: one of {', '.join(SMOOTHED)}")
    ref, prefer = ref_logps.double().log_softmax(-1), prefer.double()
    own = torch.eye(len(ref)) if features is None else features
    w, path = torch.zeros(own.shape[1]).double().requires_grad_(), [ref]
    for _ in range(steps):
        logps = (ref + own.double() @ w).log_softmax(-1)
        (grad,) = torch.autograd.grad(population_loss(logps, ref, prefer, beta, **loss), w)
        w = (w - 4 / (beta**2 * len(ref)) * grad).detach().requires_grad_()
        path.append((ref + own.double() @ w.detach()).log_softmax(-1))
    return torch.stack(path)
