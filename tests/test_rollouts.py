"""Episodes, derived policies, returns and values: replay is exact, estimates agree with exact sums."""

import dataclasses
import json

import gymnasium as gym
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pedagogy.mdp import ID, TokenMDP
from pedagogy.rollouts import (
    Trajectory,
    derived_policy,
    greedy,
    prefix_value,
    replay,
    returns,
    rollout,
    sampler,
    values_along,
)

PROMPT = "How do I boil an egg?"


def length(prompt, response):
    return float(len(response))


@pytest.fixture
def env(policies):
    return TokenMDP(policies["llama"], PROMPT, length, max_new_tokens=12)


# Derived policies

LOGPROBS = np.log([0.1, 0.4, 0.05, 0.25, 0.2])


def test_derived_policies_by_hand():
    assert derived_policy(LOGPROBS) == pytest.approx(np.exp(LOGPROBS))
    assert derived_policy(LOGPROBS, temperature=0).tolist() == [0, 1, 0, 0, 0]
    squares = np.exp(2 * LOGPROBS)
    assert derived_policy(LOGPROBS, temperature=0.5) == pytest.approx(squares / squares.sum())
    assert derived_policy(LOGPROBS, top_k=2) == pytest.approx([0, 0.4 / 0.65, 0, 0.25 / 0.65, 0])
    assert derived_policy(LOGPROBS, top_p=0.6) == pytest.approx([0, 0.4 / 0.65, 0, 0.25 / 0.65, 0])
    assert derived_policy(LOGPROBS, top_p=0.66) == pytest.approx([0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85])


@given(
    st.lists(st.floats(-20, 0), min_size=1, max_size=12),
    st.floats(0, 3),
    st.none() | st.integers(1, 15),
    st.none() | st.floats(0.01, 1),
)
def test_a_derived_policy_is_a_distribution_that_keeps_the_likeliest(raw, temperature, top_k, top_p):
    logprobs = torch.tensor(raw, dtype=torch.float64).log_softmax(-1).numpy()
    probs = derived_policy(logprobs, temperature, top_k, top_p)
    assert probs.sum() == pytest.approx(1) and (probs >= 0).all()
    assert logprobs[probs.argmax()] == pytest.approx(logprobs.max())
    assert (probs > 0).sum() <= (top_k or len(raw))


def test_the_sampler_draws_from_the_derived_policy():
    act = sampler(temperature=0.7, top_k=3, seed=0)
    drawn = np.bincount([act(LOGPROBS) for _ in range(4000)], minlength=5) / 4000
    assert drawn == pytest.approx(derived_policy(LOGPROBS, 0.7, top_k=3), abs=0.03)
    assert greedy(LOGPROBS) == 1


@pytest.mark.parametrize("bad", [{"temperature": -1}, {"top_k": 0}, {"top_k": 2.5}, {"top_p": 0.0}])
def test_settings_out_of_range_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        derived_policy(LOGPROBS, **bad)
    with pytest.raises(ValueError, match=next(iter(bad))):
        sampler(**bad)


# Episodes


@pytest.mark.parametrize("seed", range(3))
def test_a_replayed_episode_is_equal(policy, seed):
    env = gym.make(ID, policy=policy, prompt=["egg", PROMPT], reward=length, max_new_tokens=12)
    episode = rollout(env, sampler(2.0, seed=seed), seed=seed, options={"prefix": "Put"})
    assert len(episode.actions) <= 12 and episode.text.startswith("Put")
    assert episode.terminated != episode.truncated
    assert replay(env, episode) == episode
    assert replay(TokenMDP(policy, PROMPT, length, 12), episode) == episode
    assert Trajectory(**json.loads(json.dumps(dataclasses.asdict(episode)))) == episode


def test_an_episode_is_what_generate_writes(policies):
    policy = policies["llama"]
    env = TokenMDP(policy, PROMPT, max_new_tokens=15)
    for seed in range(4):
        settings = {"temperature": 1.5, "top_k": 50, "top_p": 0.9, "seed": seed}
        assert rollout(env, sampler(**settings)).text == policy.generate(PROMPT, 15, **settings)
    assert rollout(env, greedy).text == policy.generate(PROMPT, 15)


def test_the_total_is_the_log_probability(env):
    ids = iter([9, 40, env.policy.eos_token_id])
    episode = rollout(env, lambda logprobs: next(ids))
    assert episode.terminated and episode.rewards == (0.0, 0.0, float(len(episode.text)))
    assert episode.total == pytest.approx(env.total_logprob)


def test_an_episode_does_not_fit_an_environment_with_another_limit(policies):
    episode = rollout(TokenMDP(policies["llama"], PROMPT, max_new_tokens=3), lambda logprobs: 9)
    assert episode.truncated and not episode.terminated
    assert replay(TokenMDP(policies["llama"], PROMPT, max_new_tokens=2), episode) != episode
    with pytest.raises(StopIteration):
        replay(TokenMDP(policies["llama"], PROMPT, max_new_tokens=4), episode)


# Returns


def test_returns_by_hand():
    assert returns([0, 0, 8], 0.5).tolist() == [2, 4, 8]
    assert returns([1, 2, 3]).tolist() == [6, 5, 3]
    assert returns([]).tolist() == []


@given(st.lists(st.floats(-5, 5), max_size=8), st.floats(0, 1))
def test_returns_meet_their_definition(rewards, gamma):
    expected = [
        sum(gamma ** (k - t) * rewards[k] for k in range(t, len(rewards))) for t in range(len(rewards))
    ]
    assert returns(rewards, gamma).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("gamma", [-0.1, 1.1, float("nan")])
def test_a_discount_out_of_range_is_named(gamma):
    with pytest.raises(ValueError, match="gamma"):
        returns([1], gamma)


# Values


def exact_value(policy, prompt, reward, prefix, limit):
    """E[reward] by going through every response, weighted with π: the vocabulary must be tiny."""
    env = TokenMDP(policy, prompt, reward, limit)
    env.reset(options={"prefix": prefix})
    total, probs = 0.0, np.exp(env.logprobs)
    for action, p in enumerate(probs):
        if p < 1e-6:
            continue
        env.reset(options={"prefix": prefix})
        _, r, terminated, truncated, _ = env.step(action)
        total += p * (
            r if terminated or truncated else exact_value(policy, prompt, reward, [*prefix, action], limit)
        )
    return total


@pytest.fixture
def few_words(folders):
    """A policy that says one of three letters or ends: 4 actions have nearly all the probability."""
    from pedagogy.policy import load_policy

    policy = load_policy(folders["llama"], device="cpu")
    allowed = [policy.eos_token_id, *policy.encode_response("abc")[:-1]]
    wall = torch.full((len(policy.tokenizer),), -1e4)
    wall[allowed] = 0.0
    policy.model.lm_head.register_forward_hook(lambda module, inputs, out: out / 8 + wall)
    return policy


def test_values_agree_with_the_exact_sum(few_words):
    exact = exact_value(few_words, "egg", length, [], 3)
    found = prefix_value(few_words, "egg", length, n=600, max_new_tokens=3)
    assert found.n == 600 and 0 < found.stderr < 0.1
    assert abs(found.mean - exact) < 4 * found.stderr
    after = few_words.encode_response("ab")[:-1]
    found = prefix_value(few_words, "egg", length, after, n=600, max_new_tokens=3)
    assert abs(found.mean - exact_value(few_words, "egg", length, after, 3)) < 4 * found.stderr + 1e-9


def test_the_standard_error_says_how_far_estimates_scatter(few_words):
    estimates = [
        prefix_value(few_words, "egg", length, n=24, seed=seed, max_new_tokens=3) for seed in range(60)
    ]
    scatter = np.std([e.mean for e in estimates], ddof=1)
    assert np.mean([e.stderr for e in estimates]) == pytest.approx(scatter, rel=0.35)


def test_values_are_seeded_and_more_rollouts_continue_the_list(few_words):
    few, many = (prefix_value(few_words, "egg", length, "a", n=n, max_new_tokens=4) for n in (8, 20))
    assert few == prefix_value(few_words, "egg", length, "a", n=8, max_new_tokens=4)
    assert many.returns[:8] == few.returns
    assert few != prefix_value(few_words, "egg", length, "a", n=8, seed=1, max_new_tokens=4)


def test_rollouts_run_in_batches_that_change_nothing(few_words, monkeypatch):
    at_once = prefix_value(few_words, "egg", length, n=10, max_new_tokens=4)
    monkeypatch.setattr("pedagogy.rollouts.BATCH", 4)
    assert prefix_value(few_words, "egg", length, n=10, max_new_tokens=4) == at_once


def test_rollouts_that_are_cut_off_are_reported_and_count_0(few_words):
    found = prefix_value(few_words, "egg", lambda x, y: 5.0, n=200, max_new_tokens=2)
    assert 0 < found.truncated < 200 and found.returns.count(0.0) == found.truncated
    assert set(found.returns) == {0.0, 5.0}


def test_a_discount_counts_the_steps_from_here(few_words):
    found = prefix_value(few_words, "egg", lambda x, y: 1.0, n=50, max_new_tokens=30, gamma=0.5)
    plain = prefix_value(few_words, "egg", length, n=50, max_new_tokens=30)
    expected = [0.5**r for r in plain.returns]  # a letter a token
    if not plain.truncated:
        assert found.returns == pytest.approx(expected)


def test_values_along_an_answer_end_in_its_reward(policies):
    policy, answer = policies["llama"], "Put the egg in a small saucepan."
    options = {"n": 4, "progress": False, "max_new_tokens": 60}
    values = values_along(policy, PROMPT, answer, length, points=4, refine=3, **options)
    ts = [v.t for v in values]
    assert ts == sorted(set(ts)) and len(ts) == 7
    assert ts[0] == 0 and ts[-1] == len(policy.encode_response(answer))
    assert values[-1].ended and values[-1].mean == length(PROMPT, answer) and values[-1].stderr == 0
    steps = np.diff([v.mean for v in values])
    assert steps.sum() == pytest.approx(values[-1].mean - values[0].mean)
    middle = values[2]
    alone = prefix_value(policy, PROMPT, length, policy.encode_response(answer)[: middle.t], 4,
                         max_new_tokens=60)  # fmt: skip
    assert alone == middle


def test_values_of_every_prefix_and_no_more(policies):
    values = values_along(
        policies["llama"], PROMPT, "egg", length, n=2, points=99, refine=9, progress=False, max_new_tokens=9
    )
    assert [v.t for v in values] == list(range(len(policies["llama"].encode_response("egg")) + 1))


def test_bad_settings_are_named(policies):
    with pytest.raises(ValueError, match="n must be"):
        prefix_value(policies["llama"], PROMPT, length, n=1)
    with pytest.raises(ValueError, match="points"):
        values_along(policies["llama"], PROMPT, "egg", length, points=1)
    with pytest.raises(ValueError, match="gamma"):
        prefix_value(policies["llama"], PROMPT, length, gamma=2.0)
    with pytest.raises(ValueError, match="top_p"):
        prefix_value(policies["llama"], PROMPT, length, top_p=3)
    with pytest.raises(TypeError, match="prompt must be"):
        prefix_value(policies["llama"], ["egg", "tire"], length)
    with pytest.raises(ValueError, match="prefix"):
        prefix_value(policies["llama"], PROMPT, length, "egg " * 50, max_new_tokens=5)
