"""The language model as a Gymnasium environment: its contract, and log π by stepping against policy.score."""

import copy
import random
import warnings

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.error import Error, InvalidAction, ResetNeeded
from gymnasium.utils.env_checker import check_env

from pedagogy.feedback import load_feedback
from pedagogy.logprobs import sequence_logprobs
from pedagogy.mdp import ID, NO_TOKEN, StartError, TokenMDP
from pedagogy.packing import pair_logprobs
from tests.conftest import CONTEXT, by_hand

PROMPT = "How do I boil an egg?"
OTHER = "How do I change a tire?"


@pytest.fixture
def env(policies):
    return TokenMDP(policies["llama"], PROMPT, reward=lambda x, y: len(y), max_new_tokens=20)


def walk(env, actions, **options):
    """Reset, then these steps: what each returned."""
    return [env.reset(options=options or None), *(env.step(action) for action in actions)]


# Gymnasium's contract


def test_check_env_finds_nothing(policy):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(TokenMDP(policy, PROMPT))
        check_env(gym.make(ID, policy=policy, prompt=PROMPT).unwrapped)


def test_made_by_gymnasium_with_its_own_checks_on(policies):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(ID, policy=policies["llama"], prompt=PROMPT, max_new_tokens=3)
        env.reset(seed=0)
        for _ in range(3):
            *_, truncated, _ = env.step(9)
    assert truncated and isinstance(env.unwrapped, TokenMDP)


@pytest.mark.parametrize("make", ["sync", "async"])
def test_in_a_vector(policies, make):
    prompts = [PROMPT, OTHER]
    makers = [lambda p=p: TokenMDP(policies["llama"], p, max_new_tokens=2) for p in prompts]
    if make == "sync":
        envs = gym.vector.SyncVectorEnv(makers)
    else:
        # Not "fork": a forked child waits for ever for torch's threads, which stayed with the parent.
        envs = gym.vector.AsyncVectorEnv(makers, context="spawn")
    try:
        observation, info = envs.reset(seed=1)
        assert observation["tokens"].shape == (2, CONTEXT) and list(info["prompt"]) == prompts
        for t in (1, 2):
            *_, terminated, truncated, info = envs.step(np.array([9, 10]))
            assert not terminated.any() and truncated.all() == (t == 2)
        alone = TokenMDP(policies["llama"], OTHER)
        assert info["total_logprob"][1] == pytest.approx(walk(alone, [10, 10])[-1][-1]["total_logprob"])
    finally:
        envs.close()


def test_wrappers_that_keep_observations_can_be_put_around(env):
    flat = gym.wrappers.FlattenObservation(env)
    assert flat.reset()[0].shape == flat.observation_space.shape
    limited = gym.wrappers.TimeLimit(env, 2)
    assert [step[3] for step in walk(limited, [9, 9])[1:]] == [False, True]
    counted = gym.wrappers.RecordEpisodeStatistics(env)
    assert walk(counted, [9, env.policy.eos_token_id])[-1][-1]["episode"]["r"] == len(env.text)


def test_a_policy_can_be_named(policies):
    from pedagogy.policy import BUNDLED

    if not BUNDLED["bundled"].is_dir():
        pytest.skip("the bundled model is not built yet")
    assert TokenMDP("bundled", PROMPT).policy.name == "bundled"


def test_render_shows_the_state(policies):
    env = gym.make(ID, policy=policies["llama"], prompt="egg", render_mode="ansi")
    walk(env, policies["llama"].encode_response("Put")[:-1])
    assert env.render() == "<|user|>egg<|assistant|>Put"
    assert TokenMDP(policies["llama"], "egg").render() is None


# States, actions, transitions


def test_the_observation_is_prompt_and_response_and_nothing_else(policy):
    x, y = policy.encode_prompt(PROMPT), policy.encode_response("Put it in.")[:-1]
    env = TokenMDP(policy, PROMPT)
    for t, step in enumerate(walk(env, y)):
        observation = step[0]
        assert observation in env.observation_space
        assert observation["tokens"][: observation["length"]].tolist() == [*x, *y[:t]]
        assert (observation["tokens"][observation["length"] :] == NO_TOKEN).all()
        assert observation["prompt_length"] == len(x)
    assert env.text == "Put it in."


def test_the_same_actions_lead_to_the_same_states_and_numbers(env):
    actions = [9, 40, 17]
    first, second = walk(env, actions), walk(env, actions)
    for one, two in zip(first, second, strict=True):
        assert (one[0]["tokens"] == two[0]["tokens"]).all() and one[1:] == two[1:]


def test_every_action_is_scored_from_its_state_alone(policy):
    y = policy.encode_response("Put the egg in.")
    steps = walk(TokenMDP(policy, PROMPT), y)[1:]
    expected = by_hand(policy.model, policy.encode_prompt(PROMPT), y)
    assert [step[-1]["logprob"] for step in steps] == pytest.approx(expected, abs=1e-5)
    assert [step[-1]["total_logprob"] for step in steps] == pytest.approx(np.cumsum(expected), abs=1e-4)
    assert "".join(step[-1]["token"] for step in steps[:-1]) == "Put the egg in."


def test_logprobs_are_a_distribution_over_all_actions(env):
    env.reset()
    assert env.logprobs.shape == (env.action_space.n,) and np.exp(env.logprobs).sum() == pytest.approx(1)
    before = env.logprobs
    assert env.step(9)[-1]["logprob"] == before[9]


# The end


def test_eos_terminates_and_pays_once(policies):
    seen = []
    policy = policies["llama"]
    env = TokenMDP(policy, PROMPT, reward=lambda x, y: seen.append((x, y)) or 7)
    steps = walk(env, policy.encode_response("Put it in."))[1:]
    assert seen == [(PROMPT, "Put it in.")]
    assert [step[1] for step in steps] == [0.0] * (len(steps) - 1) + [7.0]
    assert [step[2:4] for step in steps] == [(False, False)] * (len(steps) - 1) + [(True, False)]


def test_the_limit_truncates_and_pays_nothing(policies):
    env = TokenMDP(policies["llama"], PROMPT, reward=lambda x, y: 7, max_new_tokens=3)
    steps = walk(env, [9, 9, 9])[1:]
    assert [step[1:4] for step in steps] == [(0.0, False, False)] * 2 + [(0.0, False, True)]


def test_eos_as_the_last_token_allowed_terminates_and_does_not_truncate(policies):
    policy = policies["llama"]
    env = TokenMDP(policy, PROMPT, reward=lambda x, y: 7, max_new_tokens=3)
    assert walk(env, [9, 9, policy.eos_token_id])[-1][1:4] == (7.0, True, False)


def test_the_end_of_the_context_truncates(policies):
    policy = policies["gpt2"]
    env = TokenMDP(policy, PROMPT)
    room = CONTEXT - len(policy.encode_prompt(PROMPT))
    steps = walk(env, [9] * room)[1:]
    assert [step[3] for step in steps] == [False] * (room - 1) + [True]
    assert steps[-1][0] in env.observation_space and steps[-1][0]["length"] == CONTEXT


def test_another_end_token_of_the_model_ends_the_response_too(folders):
    from pedagogy.policy import load_policy

    policy = load_policy(folders["llama"], device="cpu")
    policy.model.generation_config.eos_token_id = [policy.eos_token_id, 0]
    assert walk(TokenMDP(policy, PROMPT), [9, 0])[-1][2:4] == (True, False)


def test_without_a_reward_all_is_paid_0(policies):
    policy = policies["llama"]
    assert walk(TokenMDP(policy, PROMPT), [9, policy.eos_token_id])[-1][1] == 0.0


# Errors


@pytest.mark.parametrize("action", [-1, 10**6, 1.5, "the", None, [3], np.array([1, 2])])
def test_what_is_no_token_id_is_an_invalid_action_and_changes_nothing(env, action):
    env.reset()
    with pytest.raises(InvalidAction, match="token id, 0 to"):
        env.step(action)
    assert env.text == "" and env.step(9)[-1]["text"]


@pytest.mark.parametrize("action", [9, np.int64(9), np.int32(9), np.array(9)])
def test_integers_of_all_kinds_are_actions(env, action):
    env.reset()
    env.step(action)
    assert env.response_ids == [9] and type(env.response_ids[0]) is int


def test_a_step_without_an_episode_asks_for_reset(env):
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(9)
    assert env.text == "" and env.response_ids == []
    for last in ([env.policy.eos_token_id], [9] * 20):
        walk(env, last)
        with pytest.raises(ResetNeeded, match="reset"):
            env.step(9)
        with pytest.raises(ResetNeeded):
            _ = env.logprobs


def test_a_prompt_that_is_too_long_is_named_with_numbers(policies):
    policy = policies["llama"]
    long = "egg " * 200
    n = len(policy.encode_prompt(long))
    with pytest.raises(StartError, match=f"{n} tokens.*{CONTEXT}.*shorten"):
        TokenMDP(policy, long)
    env = TokenMDP(policy, PROMPT)
    with pytest.raises(Error, match="shorten"):
        env.reset(options={"prompt": long})
    with pytest.raises(ValueError, match="shorten"):
        env.reset(options={"prefix": long})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"seed": 3}, "seed"),
        ({"prefix": [10**6]}, "1000000"),
        ({"prefix": ["x"]}, "'x'"),
        ({"prefix": 5}, "but int"),
        ({"prefix": [9] * 20}, "max_new_tokens"),
    ],
)
def test_options_that_make_no_start_are_named(env, options, named):
    with pytest.raises(StartError, match=named):
        env.reset(options=options)


@pytest.mark.parametrize("prompt", [None, 3, [], ["egg", 3], [{"role": "user"}]])
def test_prompts_of_another_type_are_named(policies, prompt):
    with pytest.raises(TypeError, match="prompt must be"):
        TokenMDP(policies["llama"], prompt)


@pytest.mark.parametrize("limit", [0, 2.5, "3", None])
def test_a_limit_that_is_no_whole_number_from_one_is_named(policies, limit):
    with pytest.raises(ValueError, match="max_new_tokens"):
        TokenMDP(policies["llama"], PROMPT, max_new_tokens=limit)


# Starts


def test_of_several_prompts_one_is_drawn_with_the_seed(policies):
    prompts = [PROMPT, OTHER, [{"role": "user", "content": "egg"}]]
    env = TokenMDP(policies["llama"], prompts)
    drawn = [env.reset(seed=seed)[1]["prompt"] for seed in range(20)]
    assert drawn == [env.reset(seed=seed)[1]["prompt"] for seed in range(20)]
    assert all(prompt in drawn for prompt in prompts)
    assert env.reset(options={"prompt": "another"})[1]["prompt"] == "another"
    assert env.reset(options={"prompt": None, "prefix": None})[1]["prompt"] in prompts
    assert env.reset()[1]["prompt"] in prompts  # options hold for one episode


def test_messages_are_one_prompt(policies):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "egg"}]
    env = TokenMDP(policies["llama"], messages)
    assert env.prompts == (messages,) and env.reset()[0]["prompt_length"] > 0


@pytest.mark.parametrize("as_text", [True, False])
def test_an_episode_can_start_after_a_prefix(policy, as_text):
    ids = policy.encode_response("Put the egg")[:-1]
    there = TokenMDP(policy, PROMPT)
    state, info = there.reset(options={"prefix": "Put the egg" if as_text else ids})
    walked = TokenMDP(policy, PROMPT)
    *_, last = walk(walked, ids)
    assert (state["tokens"] == last[0]["tokens"]).all() and info["text"] == last[-1]["text"]
    assert info["total_logprob"] == pytest.approx(last[-1]["total_logprob"], abs=1e-4)
    assert there.logprobs == pytest.approx(walked.logprobs, abs=1e-4)


def test_a_trained_policy_is_read_anew(folders):
    from pedagogy.policy import load_policy

    policy = load_policy(folders["llama"], device="cpu")
    env = TokenMDP(policy, PROMPT)
    walk(env, [9])
    before = env.logprobs
    with torch.no_grad():
        for p in policy.model.parameters():
            p.mul_(1.1)
    walk(env, [9])
    assert np.abs(env.logprobs - before).max() > 1e-3
    assert env.step(10)[-1]["total_logprob"] == pytest.approx(
        by_hand(policy.model, policy.encode_prompt(PROMPT), [9, 10]).sum(), abs=1e-4
    )


def test_a_model_in_training_stays_in_training(folders):
    from pedagogy.policy import load_policy

    policy = load_policy(folders["gpt2"], device="cpu")
    policy.model.train()
    env = TokenMDP(policy, PROMPT)
    steps = [walk(env, [9, 10]) for _ in range(2)]
    assert policy.model.training and steps[0][-1][-1] == steps[1][-1][-1]  # dropout was off


def test_a_policy_and_its_environment_can_be_copied(policies):
    env = TokenMDP(policies["llama"], PROMPT)
    walk(env, [9])
    twin = copy.deepcopy(env)
    assert twin.step(10)[-1] == env.step(10)[-1]


# log π by stepping


def test_stepping_gives_the_score_the_plain_and_the_packed_number(bundled):
    """200 random pairs of the bundled data, most of them cut short to be quick, EOS put after the cut."""
    rng, env, rows = random.Random(0), TokenMDP(bundled, PROMPT), load_feedback(split="test")
    walked, encoded = [], []
    for i in range(200):
        row = rows[rng.randrange(len(rows))]
        prompt, words = row["instruction"], rng.choice(row["completions"])["response"].split(" ")
        response = " ".join(words if i < 4 else words[: rng.randint(0, 20)])
        x, y = bundled.encode_prompt(prompt), bundled.encode_response(response)
        *_, last = walk(env, y, prompt=prompt)
        assert last[2] and last[-1]["text"] == response
        walked.append(last[-1]["total_logprob"])
        encoded.append((x, y))
        assert walked[-1] == pytest.approx(bundled.score(prompt, response).total, abs=1e-4)
        mask = torch.tensor([[False] * len(x) + [True] * len(y)])
        with torch.no_grad():
            plain = sequence_logprobs(bundled.model, torch.tensor([[*x, *y]]), mask).item()
        assert walked[-1] == pytest.approx(plain, abs=1e-4)
    with torch.no_grad():
        packed = pair_logprobs(bundled.model, [(x, y, y) for x, y in encoded])  # (200, 2)
    assert np.abs(packed.numpy() - np.array(walked)[:, None]).max() < 1e-4
