"""Every slip in the DPO loss is told by its own name, and a right answer is told from all of them."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import logsigmoid

import pedagogy as pg
from pedagogy.checks import dpo as checks
from pedagogy.enumerated import tilted


def ratio(a, b, ra, rb):
    return (a - ra) - (b - rb)


SLIPS = {
    None: lambda a, b, ra, rb, beta: -logsigmoid(beta * ratio(a, b, ra, rb)),
    "sign": lambda a, b, ra, rb, beta: logsigmoid(beta * ratio(a, b, ra, rb)),
    "swapped pair": lambda a, b, ra, rb, beta: -logsigmoid(beta * ratio(b, a, rb, ra)),
    "β outside the σ": lambda a, b, ra, rb, beta: -beta * logsigmoid(ratio(a, b, ra, rb)),
    "missing reference": lambda a, b, ra, rb, beta: -logsigmoid(beta * (a - b)),
    "reference added": lambda a, b, ra, rb, beta: -logsigmoid(beta * (a - b + ra - rb)),
    "policies exchanged": lambda a, b, ra, rb, beta: -logsigmoid(beta * ratio(ra, b, a, rb)),
    "β forgotten": lambda a, b, ra, rb, beta: -logsigmoid(ratio(a, b, ra, rb)),
    "β divides": lambda a, b, ra, rb, beta: -logsigmoid(ratio(a, b, ra, rb) / beta),
    "β on the policy only": lambda a, b, ra, rb, beta: -logsigmoid(beta * (a - b) - (ra - rb)),
    "no logarithm": lambda a, b, ra, rb, beta: -torch.sigmoid(beta * ratio(a, b, ra, rb)),
    "probability": lambda a, b, ra, rb, beta: torch.sigmoid(beta * ratio(a, b, ra, rb)),
    "margin": lambda a, b, ra, rb, beta: beta * ratio(a, b, ra, rb),
    "bits, not nats": lambda a, b, ra, rb, beta: -logsigmoid(beta * ratio(a, b, ra, rb)) / math.log(2),
}
each_slip = pytest.mark.parametrize("name", SLIPS, ids=str)


@each_slip
def test_a_loss_of_sums(name):
    assert pg.check("dpo_loss", SLIPS[name]).mistake == name


@each_slip
def test_a_loss_of_tokens(name):
    def mine(a, b, ra, rb, beta):
        return SLIPS[name](a.sum(), b.sum(), ra.sum(), rb.sum(), beta)

    assert pg.check("pair_loss", mine).mistake == name


def test_means_of_tokens():
    def mine(a, b, ra, rb, beta):
        return SLIPS[None](a.mean(), b.mean(), ra.mean(), rb.mean(), beta)

    found = pg.check("pair_loss", mine)
    assert found.mistake == "mean for sum" and not found.right


def scored(total, tokens):
    return SimpleNamespace(total=total, mean=total / tokens)


@each_slip
def test_a_typed_loss(name):
    totals = [-31.0, -29.5, -33.0, -30.1]
    scores = [scored(total, n) for total, n in zip(totals, (20, 8, 20, 8), strict=True)]
    value = SLIPS[name](*map(torch.tensor, totals), 0.2).item()
    assert pg.check("dpo_loss", round(value, 4), *scores, 0.2).mistake == name


def test_a_typed_mean():
    scores = [scored(-31.0, 20), scored(-22.0, 8), scored(-36.5, 20), scored(-19.0, 8)]
    value = SLIPS[None](*(torch.tensor(s.mean) for s in scores), 0.2).item()
    assert pg.check("dpo_loss", value, *scores, 0.2).mistake == "mean for sum"


def test_the_library_itself_is_right():
    assert pg.check("dpo_loss", lambda a, b, ra, rb, beta: pg.dpo_loss(a, b, ra, rb, beta).losses).right


@pytest.mark.parametrize(
    "answer, mistake",
    [
        (None, "no answer"),
        (lambda a, b, ra, rb, beta: None, "no answer"),
        (0.7, "type"),
        (lambda a, b, ra, rb, beta: SLIPS[None](a, b, ra, rb, beta).mean(), "one number for the batch"),
        (lambda a, b, ra, rb, beta: torch.stack([a, b]), "shape"),
        (lambda a, b, ra, rb, beta: a + 1e6, "unknown"),
        (lambda a, b: a, "error"),
    ],
)
def test_answers_that_are_no_loss(answer, mistake):
    assert pg.check("dpo_loss", answer).mistake == mistake


OPTIMA = {
    None: lambda p, r, beta: torch.softmax(p.log() + r / beta, -1),
    "not normalised": lambda p, r, beta: p * (r / beta).exp(),
    "β on the wrong side": lambda p, r, beta: torch.softmax(p.log() + r * beta, -1),
    "missing reference": lambda p, r, beta: torch.softmax(r / beta, -1),
    "β forgotten": lambda p, r, beta: torch.softmax(p.log() + r, -1),
    "sign": lambda p, r, beta: torch.softmax(p.log() - r / beta, -1),
    "logarithms": lambda p, r, beta: torch.log_softmax(p.log() + r / beta, -1),
    "greedy": lambda p, r, beta: (r == r.max()).double(),
    "not tilted": lambda p, r, beta: p,
}


@pytest.mark.parametrize("name", OPTIMA, ids=str)
def test_the_optimum(name):
    assert pg.check("optimum", OPTIMA[name]).mistake == name
    p, r = torch.tensor([0.5, 0.2, 0.2, 0.1]), torch.tensor([0.3, 1.0, -1.0, 0.0])
    numbers = OPTIMA[name](p.double(), r.double(), 0.7)
    assert pg.check("optimum", numbers.tolist(), p.tolist(), r.tolist(), 0.7).mistake == name
    assert tilted(p.log(), r, 0.7)[0].exp() == pytest.approx(OPTIMA[None](p, r, 0.7))


@given(st.floats(-4, 4), st.floats(-4, 4), st.sampled_from([0.1, 0.3]))
def test_the_weight_is_the_slope_of_the_loss(plus, minus, beta):
    z = torch.tensor((plus - minus) / beta, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(-logsigmoid(beta * z), z)
    assert pg.check("pair_weight", -slope.item(), plus, minus, beta).right


def test_a_weight_with_the_wrong_sign():
    sigma = 1 / (1 + math.exp(-1.5))
    wrong = {
        "sign": 0.1 * sigma,
        "β forgotten": 1 - sigma,
        "sign and β": sigma,
        "derivative of σ": 0.1 * sigma * (1 - sigma),
        "the loss": -math.log(sigma),
    }
    for name, value in wrong.items():
        assert pg.check("pair_weight", value, 1.0, -0.5, 0.1).mistake == name


WEIGHTS = {
    None: lambda m, beta: beta * torch.sigmoid(-m),
    "sign": lambda m, beta: beta * torch.sigmoid(m),
    "β forgotten": lambda m, beta: torch.sigmoid(-m),
    "sign and β": lambda m, beta: torch.sigmoid(m),
    "β twice": lambda m, beta: beta * torch.sigmoid(-beta * m),
    "derivative of σ": lambda m, beta: beta * torch.sigmoid(m) * torch.sigmoid(-m),
    "the loss": lambda m, beta: -logsigmoid(m),
    "downhill": lambda m, beta: -beta * torch.sigmoid(-m),
    "no answer": lambda m, beta: None,
    "shape": lambda m, beta: (beta * torch.sigmoid(-m)).sum(),
    "unknown": lambda m, beta: m.exp(),
}


@pytest.mark.parametrize("name", WEIGHTS, ids=str)
def test_a_function_of_weights(name):
    found = pg.check("pair_weight", lambda plus, minus, beta: WEIGHTS[name](plus - minus, beta))
    assert found.mistake == name and found.right is (name is None)


def test_a_function_of_weights_that_spoils_its_rewards():
    found = pg.check("pair_weight", lambda plus, minus, beta: beta * torch.sigmoid(-plus.sub_(minus)))
    assert found.mistake == "changes its input"


SHARES = {
    None: lambda h, a, b: (h > 0).double().mean(),
    "a level pair is won": lambda h, a, b: (h >= 0).double().mean(),
    "a level pair is half won": lambda h, a, b: (h.sign() + 1).mean() / 2,
    "missing reference": lambda h, a, b: (a > b).double().mean(),
    "policies exchanged": lambda h, a, b: (h < 0).double().mean().item(),
    "a count": lambda h, a, b: int((h > 0).sum()),
    "the mean margin": lambda h, a, b: h.mean(),
    "per cent": lambda h, a, b: 100 * (h > 0).double().mean(),
    "not a share": lambda h, a, b: h > 0,
    "no answer": lambda h, a, b: None,
    "unknown": lambda h, a, b: 0.123,
}


@pytest.mark.parametrize("name", SHARES, ids=str)
def test_the_share_of_pairs_won(name):
    found = pg.check("reward_accuracy", lambda a, b, ra, rb: SHARES[name](ratio(a, b, ra, rb), a, b))
    assert found.mistake == name and found.right is (name is None)


@pytest.mark.parametrize("answer, mistake", [(None, "no answer"), (..., "no answer"), (0.5, "type")])
def test_a_share_that_is_no_function(answer, mistake):
    assert pg.check("reward_accuracy", answer).mistake == mistake


@pytest.mark.parametrize(
    "answer, mistake",
    [
        ((0.6931, 0, 0), None),
        ((0.6931, 0, 0.5), "a coin's accuracy"),
        ((0.6931, 0.0, 1.0), "everything won"),
        ((0, 0, 0), "no loss"),
        ((1, 0, 0), "loss of a coin in bits"),
        ((0.5, 0, 0), "σ, not −log σ"),
        (None, "no answer"),
        ((0.69, 0), "shape"),
    ],
)
def test_the_first_row(answer, mistake):
    assert pg.check("first_row", answer).mistake == mistake


def test_the_direction_of_beta():
    betas = [0.1, 1.0, 0.01]
    assert pg.check("beta_order", [1.0, 0.1, 0.01], betas).right
    assert pg.check("beta_order", [0.01, 0.1, 1.0], betas).mistake == "β backwards"
    assert pg.check("beta_order", betas, betas).mistake == "as given"
    assert pg.check("beta_order", [1.0, 0.1, 0.5], betas).mistake == "other values"


def test_the_ceiling():
    worths = [(3, 1)] * 6 + [(1, 3)] * 2 + [(2, 2)] * 2
    wrong = {"ties left out": 0.75, "ties lost": 0.6, "ties won": 0.8, "labels wrong": 0.2, "no noise": 1.0}
    assert pg.check("ceiling", 0.7, worths).right
    for name, value in wrong.items():
        assert pg.check("ceiling", value, worths).mistake == name
    assert pg.check("ceiling", 0.7, []).mistake == "no pairs"


def test_every_check_can_be_called_by_its_name():
    names = [name for name in vars(checks) if name.startswith("check_")]
    assert len(names) == 8
    for name in names:
        assert getattr(pg, name) is getattr(checks, name)
