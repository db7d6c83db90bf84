"""The world of few answers: what DPO's derivation claims, as numbers."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pedagogy.enumerated import (
    descend,
    implicit_rewards,
    kl,
    objective,
    population_loss,
    preferences,
    tilted,
    win_rate,
)

NUMBERS = st.lists(st.floats(-2, 2), min_size=3, max_size=3).map(lambda v: torch.tensor(v).double())
BETAS = st.sampled_from([0.05, 0.1, 0.3, 1.0, 3.0])


@given(NUMBERS, NUMBERS, BETAS, NUMBERS)
def test_nothing_beats_the_optimum_and_the_difference_is_beta_kl(z, rewards, beta, other):
    """Completing the KL: the objective is β log Z − β KL(π‖π*), so π* is best, and worth β log Z."""
    ref, logps = z.log_softmax(-1), other.log_softmax(-1)
    star, log_z = tilted(ref, rewards, beta)
    assert star.exp().sum().item() == pytest.approx(1)
    assert objective(star, ref, rewards, beta).item() == pytest.approx(beta * log_z.item(), abs=1e-9)
    missing = objective(star, ref, rewards, beta) - objective(logps, ref, rewards, beta)
    assert missing.item() == pytest.approx(beta * kl(logps, star).item(), abs=1e-9)
    assert missing > -1e-9


@given(NUMBERS, NUMBERS, BETAS, st.floats(-5, 5))
def test_the_reward_comes_back_up_to_a_constant_and_a_constant_changes_nothing(z, rewards, beta, constant):
    ref = z.log_softmax(-1)
    star, log_z = tilted(ref, rewards, beta)
    moved, moved_z = tilted(ref, rewards + constant, beta)
    torch.testing.assert_close(implicit_rewards(star, ref, beta), rewards - beta * log_z)
    torch.testing.assert_close(moved, star)
    torch.testing.assert_close(moved_z, log_z + constant / beta)
    torch.testing.assert_close(preferences(rewards + constant), preferences(rewards))


@pytest.mark.parametrize("beta", [0.05, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("rewards", [[0.0, 1.0, 2.0], [1.5, -1.0, 0.2], [0.0, 0.0, 0.0]])
def test_descent_from_comparisons_alone_reaches_the_optimum(beta, rewards):
    ref, rewards = torch.tensor([0.6, 0.3, 0.1]).double().log(), torch.tensor(rewards).double()
    path = descend(ref, preferences(rewards), beta)
    torch.testing.assert_close(path[0], ref)
    torch.testing.assert_close(path[-1].exp(), tilted(ref, rewards, beta)[0].exp(), atol=1e-4, rtol=0)
    losses = [population_loss(logps, ref, preferences(rewards), beta).item() for logps in path[::40]]
    assert all(b <= a + 1e-12 for a, b in pairwise(losses))


@pytest.mark.parametrize("flipped", [0.1, 0.3])
def test_robust_dpo_undoes_the_noise_that_dpo_takes_for_doubt(flipped):
    ref, rewards = torch.tensor([0.6, 0.3, 0.1]).double().log(), torch.tensor([0.0, 1.0, 2.0]).double()
    noisy, star = (
        torch.lerp(preferences(rewards), preferences(-rewards), flipped),
        tilted(ref, rewards, 0.5)[0],
    )
    robust = descend(ref, noisy, 0.5, 1500, loss_type="robust", label_smoothing=flipped)[-1]
    torch.testing.assert_close(robust.exp(), star.exp(), atol=1e-3, rtol=0)
    assert kl(descend(ref, noisy, 0.5)[-1], ref) < kl(star, ref)


def test_a_third_answer_that_no_pair_mentions_can_gain_at_the_expense_of_the_chosen_one():
    features = torch.tensor([[1.0, 0.2], [1.0, -0.2], [0.0, 1.0]])
    only, ref = torch.zeros(3, 3), torch.tensor([0.45, 0.45, 0.1]).log()
    only[0, 1] = 1.0
    with pytest.raises(ValueError, match="no such bound"):
        descend(ref, only, 0.5, loss_type="ipo")
    path = descend(ref, only, 0.5, 200, features).exp()
    assert path[-1, 0] < path[0, 0] and path[-1, 2] > path[0, 2]
    assert path[-1, 0] / path[-1, 1] > path[0, 0] / path[0, 1]


def test_the_loss_begins_at_ln_2_a_pair():
    ref = torch.tensor([0.2, 0.3, 0.5]).double().log()
    loss = population_loss(ref, ref, preferences(torch.tensor([3.0, 1.0, 0.0]).double()), 0.1)
    assert loss.item() == pytest.approx(3 * math.log(2))


def test_higher_beta_stays_closer():
    ref, rewards = torch.tensor([0.6, 0.3, 0.1]).double().log(), torch.tensor([0.0, 1.0, 2.0]).double()
    stars = [tilted(ref, rewards, beta)[0] for beta in (0.01, 0.1, 1.0, 10.0)]
    distances = [kl(star, ref).item() for star in stars]
    wins = [win_rate(star, ref, preferences(rewards)).item() for star in stars]
    assert distances == sorted(distances, reverse=True) and wins == sorted(wins, reverse=True)
    assert distances[0] == pytest.approx(-math.log(0.1), abs=1e-6)  # all on the best answer
    assert win_rate(ref, ref, preferences(rewards)).item() == pytest.approx(0.5)


def test_an_answer_without_probability_adds_nothing_to_the_kl():
    assert kl(torch.tensor([1.0, 0.0]).log(), torch.tensor([0.5, 0.5]).log()).item() == pytest.approx(
        math.log(2)
    )


@pytest.mark.parametrize("beta", [0.0, -1.0, math.nan])
def test_beta_must_be_above_0(beta):
    with pytest.raises(ValueError, match="beta must be above 0"):
        tilted(torch.zeros(3), torch.zeros(3), beta)
