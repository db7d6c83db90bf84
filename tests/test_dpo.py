"""The losses: their properties, their definition written out, and TRL's own code on random inputs."""

import math
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from pedagogy.losses import LOSSES, SMOOTHED, dpo_loss, log_odds, orpo_loss, simpo_loss

betas = st.floats(0.01, 2.0)
shares = st.floats(0.0, 0.45)
logps = st.floats(-300.0, 0.0)
seeds = st.integers(0, 10**6)


def draw(seed: int, n: int = 8, dtype=torch.float64) -> list[torch.Tensor]:
    """Four log-probabilities of n pairs, as responses of some ten tokens have them."""
    return list(-30 * torch.rand(4, n, generator=torch.Generator().manual_seed(seed), dtype=dtype))


def loss_at(h: torch.Tensor, **settings) -> torch.Tensor:
    """Losses as a function of h alone: the other three log-probs are 0."""
    zero = torch.zeros_like(h)
    return dpo_loss(h, zero, zero, zero, **settings).losses


def all_types(*, smoothing=(0.0, 0.1, 0.3)):
    return [(kind, eps) for kind in LOSSES for eps in (smoothing if kind in SMOOTHED else (0.0,))]


# Properties


@given(seeds, betas, shares)
def test_at_the_reference_the_loss_is_ln_2_and_the_margin_0(seed, beta, share):
    plus, minus, *_ = draw(seed)
    for kind in SMOOTHED:
        out = dpo_loss(plus, minus, plus, minus, beta, kind, share)
        torch.testing.assert_close(out.losses, torch.full_like(plus, math.log(2)))
        assert (out.margins == 0).all() and not (out.chosen_rewards > out.rejected_rewards).any()
    ipo, hinge = (dpo_loss(plus, minus, plus, minus, beta, kind).losses for kind in ("ipo", "hinge"))
    torch.testing.assert_close(ipo, torch.full_like(plus, 1 / (2 * beta) ** 2))
    assert (hinge == 1).all()


@given(logps, logps, logps, logps, betas)
def test_the_definition_written_out(plus, minus, ref_plus, ref_minus, beta):
    """−log σ(β[(log π_θ(y⁺) − log π_θ(y⁻)) − (log π_ref(y⁺) − log π_ref(y⁻))]), with exp and log alone."""
    h = (plus - minus) - (ref_plus - ref_minus)
    four = [torch.tensor([value], dtype=torch.float64) for value in (plus, minus, ref_plus, ref_minus)]
    out = dpo_loss(*four, beta)
    # log(1 + exp(−βh)), with the larger exponent taken out so that exp cannot overflow
    written_out = max(-beta * h, 0) + math.log1p(math.exp(-abs(beta * h)))
    assert out.losses.item() == pytest.approx(written_out, rel=1e-9, abs=1e-12)
    assert out.chosen_rewards.item() == pytest.approx(beta * (plus - ref_plus), abs=1e-9)
    assert out.rejected_rewards.item() == pytest.approx(beta * (minus - ref_minus), abs=1e-9)
    assert out.margins.item() == pytest.approx(beta * h, abs=1e-9)


@given(seeds, betas)
def test_gradients_pull_up_the_chosen_and_down_the_rejected_by_their_weight(seed, beta):
    """∂L/∂log π_θ(y⁺) = −β σ(r̂⁻ − r̂⁺) = −∂L/∂log π_θ(y⁻): wrong ones weigh most (DPO, section 4)."""
    plus, minus, ref_plus, ref_minus = draw(seed)
    plus.requires_grad_(), minus.requires_grad_()
    out = dpo_loss(plus, minus, ref_plus, ref_minus, beta)
    out.losses.sum().backward()
    weight = beta * torch.sigmoid(out.rejected_rewards - out.chosen_rewards)
    torch.testing.assert_close(plus.grad, -weight)
    torch.testing.assert_close(minus.grad, weight)
    torch.testing.assert_close(beta * out.weights, weight)
    assert (plus.grad < 0).all() and (minus.grad > 0).all()
    order = out.margins.argsort()  # the lower the margin, the more weight
    assert (weight[order].diff() <= 0).all()


@given(seeds, betas)
def test_at_the_reference_the_pull_is_half_of_beta(seed, beta):
    plus, minus, *_ = draw(seed)
    theta = plus.clone().requires_grad_()
    dpo_loss(theta, minus, plus, minus, beta).losses.sum().backward()
    torch.testing.assert_close(theta.grad, torch.full_like(plus, -beta / 2))


@given(st.floats(-50, 50), st.floats(0.01, 20), betas)
def test_dpo_and_hinge_fall_with_the_margin(h, more, beta):
    low, high = (torch.tensor([value], dtype=torch.float64) for value in (h, h + more))
    assert loss_at(low, beta=beta) >= loss_at(high, beta=beta) >= 0
    if beta * h < 30:  # beyond, two floats cannot be told apart
        assert loss_at(low, beta=beta) > loss_at(high, beta=beta)
    assert loss_at(low, beta=beta, loss_type="hinge") >= loss_at(high, beta=beta, loss_type="hinge")


@given(betas, st.floats(0.01, 0.45), st.floats(0.05, 3))
def test_cdpo_and_ipo_have_a_best_margin(beta, share, off):
    best = {"sigmoid": math.log((1 - share) / share) / beta, "ipo": 1 / (2 * beta)}
    for kind, place in best.items():
        smoothing = share if kind == "sigmoid" else 0.0
        h = torch.tensor([place - off, place, place + off], dtype=torch.float64)
        below, at, above = loss_at(h, beta=beta, loss_type=kind, label_smoothing=smoothing)
        assert at < below and at < above


@given(seeds, betas, st.floats(0.01, 0.45))
def test_robust_dpo_is_unbiased_under_flipped_labels(seed, beta, share):
    """Its mean over labels flipped with probability ε is the DPO loss of the true label."""
    plus, minus, ref_plus, ref_minus = draw(seed)
    kept = dpo_loss(plus, minus, ref_plus, ref_minus, beta, "robust", share).losses
    flipped = dpo_loss(minus, plus, ref_minus, ref_plus, beta, "robust", share).losses
    true = dpo_loss(plus, minus, ref_plus, ref_minus, beta).losses
    torch.testing.assert_close((1 - share) * kept + share * flipped, true)


@given(seeds, betas, st.floats(-20, 20))
@pytest.mark.parametrize("kind, share", all_types())
def test_only_the_difference_of_differences_counts(kind, share, seed, beta, shift):
    """f(x) added to both log-ratios changes nothing: Z(x) cancels."""
    plus, minus, ref_plus, ref_minus = draw(seed)
    one = dpo_loss(plus, minus, ref_plus, ref_minus, beta, kind, share).losses
    other = dpo_loss(plus + shift, minus + shift, ref_plus, ref_minus, beta, kind, share).losses
    torch.testing.assert_close(one, other)


def test_no_label_smoothing_is_plain_dpo():
    four = draw(0)
    plain = dpo_loss(*four).losses
    for kind in SMOOTHED:
        torch.testing.assert_close(dpo_loss(*four, loss_type=kind, label_smoothing=0.0).losses, plain)


@pytest.mark.parametrize("h", [-1e6, 1e6])
def test_far_margins_stay_finite(h):
    x = torch.tensor([h], requires_grad=True)
    for kind, share in all_types():
        loss = loss_at(x, beta=1.0, loss_type=kind, label_smoothing=share)
        (slope,) = torch.autograd.grad(loss.sum(), x)
        assert loss.isfinite().all() and slope.isfinite().all()


def test_rewards_carry_no_gradient():
    plus = torch.zeros(2, requires_grad=True)
    out = dpo_loss(plus, *torch.zeros(3, 2))
    assert out.losses.requires_grad and not out.chosen_rewards.requires_grad and not out.margins.requires_grad


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"beta": 0.0}, "beta must be above 0"),
        ({"beta": float("nan")}, "beta must be above 0"),
        ({"loss_type": "dpo"}, "one of sigmoid, robust, ipo, hinge"),
        ({"label_smoothing": 0.5}, "below 0.5"),
        ({"label_smoothing": 0.1, "loss_type": "ipo"}, "leave it out"),
    ],
)
def test_settings_out_of_range_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        dpo_loss(*draw(0), **settings)


def test_shapes_that_would_broadcast_are_refused():
    plus, minus, ref_plus, ref_minus = draw(0)
    with pytest.raises(ValueError, match="shapes"):
        dpo_loss(plus, minus, ref_plus[:, None], ref_minus)


# Without a reference


@given(seeds)
def test_log_odds_equals_its_definition(seed):
    logp = -5 * torch.rand(20, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1e-6
    p = logp.exp()
    torch.testing.assert_close(log_odds(logp), (p / (1 - p)).log())


def test_log_odds_is_exact_where_the_plain_formula_is_not():
    logp = torch.tensor([-1e-12, -1e-3, -700.0], dtype=torch.float64, requires_grad=True)
    out = log_odds(logp)
    assert out[0].item() == pytest.approx(-math.log(1e-12), rel=1e-6) and out[2].item() == -700.0
    out.sum().backward()
    assert logp.grad.isfinite().all()


@given(seeds, st.integers(1, 40), st.integers(1, 40))
def test_simpo_and_orpo_prefer_the_likelier_token_on_average(seed, long, short):
    plus, minus, *_ = draw(seed)
    lengths = torch.full_like(plus, long), torch.full_like(plus, short)
    simpo = simpo_loss(plus, minus, *lengths, beta=2.0, gamma=0.0)
    better = plus / long > minus / short
    assume((plus / long != minus / short).all())
    assert ((simpo < math.log(2)) == better).all()
    orpo = orpo_loss(plus, minus, *lengths, lam=1.0) + plus / long  # without its likelihood term
    assert ((orpo < math.log(2)) == better).all()


@given(seeds)
def test_simpo_gamma_is_a_margin_to_reach(seed):
    plus, minus, *_ = draw(seed)
    ones = torch.ones_like(plus)
    at = simpo_loss(plus, plus - 0.5, ones, ones, beta=2.0, gamma=1.0)  # a margin of γ = 2 × 0.5
    torch.testing.assert_close(at, torch.full_like(plus, math.log(2)))
    assert (
        simpo_loss(plus, minus, ones, ones, gamma=2.0) > simpo_loss(plus, minus, ones, ones, gamma=1.0)
    ).all()


# TRL's own code: its trainers' methods, given no more of a trainer than they read


LENGTHS = torch.tensor([5, 9, 3, 12, 7, 4, 10, 6]), torch.tensor([8, 2, 11, 4, 6, 9, 3, 5])


class Ledger(torch.nn.Module):
    """A "model" that returns given log π(y|x), spread over the tokens of y as TRL expects them."""

    def __init__(self, logps: torch.Tensor, mask: torch.Tensor):
        super().__init__()
        counts = mask.sum(1)
        per_token = mask[:, 1:] * (logps / counts)[:, None]
        zero = torch.zeros_like(per_token)
        self.out = SimpleNamespace(log_probs=per_token, entropy=zero, mean_logits=zero, is_top1=zero.bool())

    def forward(self, **inputs):
        return self.out


def trl_dpo_loss(policy, reference, lengths, beta, kind, smoothing) -> torch.Tensor:
    """The loss of each pair from DPOTrainer._compute_loss itself."""
    from trl import DPOTrainer

    losses = []
    for i in range(len(policy[0])):  # one pair a batch: TRL returns the mean
        sizes = [int(side[i]) for side in lengths]
        width = 2 + max(sizes)
        mask = torch.tensor(
            [[0, 0, *[1] * n, *[0] * (width - 2 - n)] for n in sizes]
        )  # a prompt of two tokens
        accelerator = SimpleNamespace(
            device=torch.device("cpu"), gather=lambda t: t, gather_for_metrics=lambda t: t
        )
        trainer = SimpleNamespace(
            accelerator=accelerator,
            model=torch.nn.Module(),
            beta=beta,
            label_smoothing=smoothing,
            loss_types=[kind],
            loss_weights=[1.0],
            f_divergence_type="reverse_kl",
            ld_alpha=None,
            precompute_ref_logps=True,
            aux_loss_enabled=False,
            use_weighting=False,
            _metrics=defaultdict(lambda: defaultdict(list)),
            _total_train_tokens=0,
            _tp_size=1,
        )
        ids = torch.zeros_like(mask)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "completion_mask": mask}
        inputs |= {"ref_chosen_logps": reference[0][i : i + 1], "ref_rejected_logps": reference[1][i : i + 1]}
        model = Ledger(torch.stack([side[i] for side in policy]), mask).eval()
        losses.append(DPOTrainer._compute_loss(trainer, model, inputs, return_outputs=False))
    return torch.stack(losses)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("beta", [0.05, 0.1, 1.0])
@pytest.mark.parametrize(
    "ours, theirs, smoothing",
    [
        ("sigmoid", "sigmoid", 0.0),
        ("hinge", "hinge", 0.0),
        ("robust", "robust", 0.0),
        ("robust", "robust", 0.2),
        ("sigmoid", "aot", 0.2),  # of one pair a batch, AOT's loss is cDPO's; TRL 1.16 has no cDPO by name
    ],
)
def test_dpo_losses_equal_trls(ours, theirs, smoothing, beta, seed):
    plus, minus, ref_plus, ref_minus = draw(seed)
    mine = dpo_loss(plus, minus, ref_plus, ref_minus, beta, ours, smoothing).losses
    trl = trl_dpo_loss((plus, minus), (ref_plus, ref_minus), LENGTHS, beta, theirs, smoothing)
    torch.testing.assert_close(mine, trl, atol=1e-6, rtol=0)


@pytest.mark.parametrize("beta", [0.05, 0.1, 1.0])
def test_ipo_equals_trls_once_its_log_ratios_are_averaged(beta):
    """TRL divides by length, the paper does not: with that division done first, the two agree."""
    plus, minus, ref_plus, ref_minus = draw(0)
    long, short = LENGTHS
    trl = trl_dpo_loss((plus, minus), (ref_plus, ref_minus), LENGTHS, beta, "ipo", 0.0)
    averaged = dpo_loss(plus / long, minus / short, ref_plus / long, ref_minus / short, beta, "ipo").losses
    torch.testing.assert_close(averaged, trl, atol=1e-6, rtol=0)
    summed = dpo_loss(plus, minus, ref_plus, ref_minus, beta, "ipo").losses
    assert not torch.isclose(summed, trl, rtol=0.01).any()


@pytest.mark.filterwarnings("ignore")  # TRL calls these trainers experimental
@pytest.mark.parametrize("beta, gamma", [(2.0, 1.0), (2.5, 1.4), (10.0, 0.0)])
@pytest.mark.parametrize("seed", range(3))
def test_simpo_equals_trls(seed, beta, gamma):
    from trl.experimental.cpo import CPOTrainer

    plus, minus, *_ = draw(seed)
    settings = {
        "loss_type": "simpo",
        "alpha": 0.0,
        "beta": beta,
        "simpo_gamma": gamma,
        "label_smoothing": 0.0,
    }
    trainer = SimpleNamespace(accelerator=SimpleNamespace(device="cpu"), **settings)
    trl = CPOTrainer.cpo_loss(trainer, plus / LENGTHS[0], minus / LENGTHS[1])[0]
    torch.testing.assert_close(simpo_loss(plus, minus, *LENGTHS, beta, gamma), trl, atol=1e-6, rtol=0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_cdpo_equals_trls_on_log_ratios(share):
    from trl.experimental.cpo import CPOTrainer

    plus, minus, ref_plus, ref_minus = draw(1)
    settings = {"loss_type": "sigmoid", "alpha": 0.0, "beta": 0.1, "label_smoothing": share}
    trainer = SimpleNamespace(accelerator=SimpleNamespace(device="cpu"), **settings)
    trl = CPOTrainer.cpo_loss(trainer, plus - ref_plus, minus - ref_minus)[0]
    mine = dpo_loss(plus, minus, ref_plus, ref_minus, 0.1, "sigmoid", share).losses
    torch.testing.assert_close(mine, trl, atol=1e-6, rtol=0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lam", [0.05, 0.1, 1.0])
def test_orpo_equals_trls(lam):
    """TRL's loss is NLL − λ log σ(log odds ratio): the second term from its code, the first by its name."""
    from trl.experimental.orpo import ORPOTrainer

    plus, minus, *_ = (t.float() for t in draw(2))  # TRL computes this one in float32
    trainer = SimpleNamespace(accelerator=SimpleNamespace(device="cpu"), beta=lam)
    means = plus / LENGTHS[0], minus / LENGTHS[1]
    ratio = ORPOTrainer.odds_ratio_loss(trainer, *means)[0]
    torch.testing.assert_close(orpo_loss(plus, minus, *LENGTHS, lam), -means[0] - ratio, atol=1e-6, rtol=0)
