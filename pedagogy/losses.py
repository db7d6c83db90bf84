"""Losses of preference learning: pure functions of log-probabilities, sums over tokens in nats.

With Δ(y) = log π_θ(y|x) − log π_ref(y|x), all of `dpo_loss` is a function of one number a pair,
h = Δ(y⁺) − Δ(y⁻). The implicit rewards are r̂ = β Δ, the margin is β h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class PairLoss:
    """A loss and the implicit rewards r̂ = β (log π_θ − log π_ref) of each pair. Rewards carry no gradient."""

    losses: Tensor  # (B,)
    chosen_rewards: Tensor  # (B,)
    rejected_rewards: Tensor  # (B,)

    @property
    def margins(self) -> Tensor:
        """r̂(x, y⁺) − r̂(x, y⁻) = β h: (B,)."""
        return self.chosen_rewards - self.rejected_rewards

    @property
    def weights(self) -> Tensor:
        """σ(r̂⁻ − r̂⁺) (B,): β times this is how hard the sigmoid loss pulls at a pair (DPO, section 4)."""
        return torch.sigmoid(-self.margins)


# Of h and β (and ε, the share of labels thought to be flipped), nothing else


def sigmoid(h: Tensor, beta: float, smoothing: float = 0.0) -> Tensor:
    """−(1−ε) log σ(βh) − ε log σ(−βh).

    ε = 0 is DPO (Rafailov et al. 2023, arXiv 2305.18290, equation 7); ε > 0 is conservative DPO (Mitchell's
    note of 2023), least where σ(βh) = 1 − ε: a margin large enough is enough.
    """
    return -(1 - smoothing) * F.logsigmoid(beta * h) - smoothing * F.logsigmoid(-beta * h)


def robust(h: Tensor, beta: float, smoothing: float = 0.0) -> Tensor:
    """[−(1−ε) log σ(βh) + ε log σ(−βh)] / (1 − 2ε): Chowdhury et al. 2024 (arXiv 2403.00409), equation 12.

    Where a share ε of labels is flipped at random, its mean is that of the DPO loss on the true labels.
    """
    return (-(1 - smoothing) * F.logsigmoid(beta * h) + smoothing * F.logsigmoid(-beta * h)) / (
        1 - 2 * smoothing
    )


def ipo(h: Tensor, beta: float) -> Tensor:
    """(h − 1/(2τ))², τ = β: Azar et al. 2023 (arXiv 2310.12036), equation 17. Least at h = 1/(2β), not at ∞.

    As in the paper, h is a difference of *sums*. TRL divides each Δ by its response's length first.
    """
    return (h - 1 / (2 * beta)) ** 2


def hinge(h: Tensor, beta: float) -> Tensor:
    """max(0, 1 − βh): SLiC-HF's loss (Zhao et al. 2023, arXiv 2305.10425) on log-ratios, as RSO writes it
    (Liu et al. 2023, arXiv 2309.06657, equation 11)."""
    return torch.relu(1 - beta * h)


LOSSES: dict[str, Callable] = {"sigmoid": sigmoid, "robust": robust, "ipo": ipo, "hinge": hinge}
SMOOTHED = ("sigmoid", "robust")


def dpo_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    beta: float = 0.1,
    loss_type: str = "sigmoid",
    label_smoothing: float = 0.0,
) -> PairLoss:
    """The loss of each pair from four log-probabilities log π(y|x), sums over tokens in nats: (B,) each.

        dpo_loss(*policy_logps.T, *ref_logps.T, beta=0.1).losses.mean()

    `loss_type`: "sigmoid" (DPO; with label_smoothing cDPO), "robust", "ipo" or "hinge". At π_θ = π_ref the
    first two are ln 2. ValueError where shapes differ, β ≤ 0, or label_smoothing is outside [0, 0.5) or has
    no meaning.
    """
    check_settings(beta, loss_type, label_smoothing)
    given = [policy_chosen_logps, policy_rejected_logps, ref_chosen_logps, ref_rejected_logps]
    if len({logps.shape for logps in given}) > 1:
        shapes = ", ".join(str(tuple(logps.shape)) for logps in given)
        raise ValueError(
            f"the log-probabilities have shapes {shapes}: give four of one shape, a number a pair"
        )
    chosen = policy_chosen_logps - ref_chosen_logps  # Δ(y⁺)
    rejected = policy_rejected_logps - ref_rejected_logps  # Δ(y⁻)
    smoothing = (label_smoothing,) if loss_type in SMOOTHED else ()
    losses = LOSSES[loss_type](chosen - rejected, beta, *smoothing)
    return PairLoss(losses, beta * chosen.detach(), beta * rejected.detach())


def check_settings(beta: float, loss_type: str, label_smoothing: float) -> None:
    """ValueError naming the setting that is out of range."""
    if not 0 < beta < math.inf:
        raise ValueError(f"beta must be above 0 (0.1 is usual; higher stays closer to π_ref), not {beta}")
    if loss_type not in LOSSES:
        raise ValueError(f"no loss {loss_type!r}: one of {', '.join(LOSSES)}")
    if not 0 <= label_smoothing < 0.5:
        raise ValueError(
            f"label_smoothing, a share of flipped labels, is from 0 to below 0.5, not {label_smoothing}"
        )
    if label_smoothing and loss_type not in SMOOTHED:
        raise ValueError(
            f"label_smoothing goes with {' and '.join(SMOOTHED)}, not with {loss_type!r}: leave it out"
        )


# Without a reference: means over tokens, so lengths are needed


def simpo_loss(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    chosen_lengths: Tensor,
    rejected_lengths: Tensor,
    beta: float = 2.0,
    gamma: float = 1.0,
) -> Tensor:
    """−log σ(β/|y⁺| log π(y⁺|x) − β/|y⁻| log π(y⁻|x) − γ): (B,).

    SimPO (Meng et al. 2024, arXiv 2405.14734, equation 6). Lengths in tokens, EOS included; γ is the margin
    that the reward of y⁺ should have over that of y⁻.
    """
    return -F.logsigmoid(beta * (chosen_logps / chosen_lengths - rejected_logps / rejected_lengths) - gamma)


def orpo_loss(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    chosen_lengths: Tensor,
    rejected_lengths: Tensor,
    lam: float = 0.1,
) -> Tensor:
    """−log p(y⁺) − λ log σ(log odds(y⁺) − log odds(y⁻)), odds = p/(1−p): (B,).

    ORPO (Hong et al. 2024, arXiv 2403.07691, equations 6 and 7); p = exp(log π(y|x) / |y|), the geometric
    mean of the tokens' probabilities, in both terms.
    """
    chosen, rejected = chosen_logps / chosen_lengths, rejected_logps / rejected_lengths  # log p
    return -chosen - lam * F.logsigmoid(log_odds(chosen) - log_odds(rejected))


def log_odds(logp: Tensor) -> Tensor:
    """log p − log(1 − p), from log p < 0; both ways of writing 1 − p, each where it is exact."""
    small = logp < -math.log(2)
    log_rest = torch.where(
        small,
        torch.log1p(-logp.where(small, -1.0).exp()),  # p < ½
        torch.log(-torch.expm1(logp.where(~small, -0.1))),  # p ≥ ½: 1 − p by itself would cancel
    )
    return logp - log_rest
