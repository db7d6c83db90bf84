"""Acting in the language model's MDP: derived policies, episodes, returns, and what a prefix is worth.

No discount: γ = 1 is the default, because when a good answer is finished says nothing about its worth, and
γ < 1 would pay for brevity; episodes are finite, so no sum can diverge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import gymnasium as gym
import numpy as np
import torch
from tqdm.auto import tqdm

from .encoding import Prompt
from .mdp import Reward, TokenMDP
from .policy import Policy
from .sampling import check_sampling, continuations, generator, pick, ranked

Act = Callable[[np.ndarray], int]  # log π(· | s), (V,) -> a token id
BATCH = 64  # rollouts at once

# Policies derived from one: functions of log π(· | s)


def derived_policy(
    logprobs: np.ndarray, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> np.ndarray:
    """π′(· | s) from log π(· | s), over the whole vocabulary: (V,) -> (V,), sums to 1.

    temperature τ: π′ ∝ π^(1/τ), with all on the likeliest token at τ = 0 (greedy). top_k: the k likeliest
    tokens, rescaled. top_p: the fewest whose mass reaches top_p, rescaled (Holtzman et al. 2020, "nucleus").
    ValueError where a setting is out of range.
    """
    check_sampling(1, temperature, top_k, top_p)
    kept, ids = ranked(torch.as_tensor(logprobs)[None], temperature, top_k, top_p)  # (1, k), (1, V)
    probs = np.zeros(len(logprobs))
    probs[ids[0, : kept.shape[1]].numpy()] = kept[0].numpy()
    return probs / probs.sum()


def sampler(
    temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, seed: int | None = None
) -> Act:
    """A function that acts: log π(· | s) (V,) -> a token id, drawn from `derived_policy`.

    With one seed it draws what `policy.generate` draws with it.
    """
    check_sampling(1, temperature, top_k, top_p)
    own = generator(seed)
    return lambda logprobs: int(pick(torch.as_tensor(logprobs)[None], temperature, top_k, top_p, [own]))


def greedy(logprobs: np.ndarray) -> int:
    """Acts too, always on the likeliest token: log π(· | s) (V,) -> its id."""
    return sampler(temperature=0)(logprobs)


# Episodes


@dataclass(frozen=True)
class Trajectory:
    """One episode. Transitions have no chance in them, so the start and the actions give back all the rest.

    `Trajectory(**json.loads(json.dumps(dataclasses.asdict(trajectory))))` is equal to it.
    """

    prompt: Prompt
    prefix: tuple[int, ...]  # token ids the response began with, usually none
    actions: tuple[int, ...]  # token ids, (T,)
    logprobs: tuple[float, ...]  # log π(a_t | s_t) under the environment's policy, nats, (T,)
    rewards: tuple[float, ...]  # (T,)
    text: str  # the whole response, without EOS
    terminated: bool
    truncated: bool

    def __post_init__(self):
        for name in ("prefix", "actions", "logprobs", "rewards"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def total(self) -> float:
        """∑_t log π(a_t | s_t), nats: log π(y|x) of a terminated episode without prefix."""
        return float(np.sum(self.logprobs))


def rollout(env: gym.Env, act: Act, seed: int | None = None, options: dict | None = None) -> Trajectory:
    """One episode of a TokenMDP, wrapped or not, until it is terminated or truncated.

    act(logprobs) -> token id is asked in each state, given log π(· | s_t) of the environment's policy, (V,).
    """
    env.reset(seed=seed, options=options)
    mdp: TokenMDP = env.unwrapped
    prompt, prefix = mdp.prompt, tuple(mdp.response_ids)
    actions, logprobs, rewards, terminated, truncated = [], [], [], False, False
    while not (terminated or truncated):
        action = act(mdp.logprobs)
        _, reward, terminated, truncated, info = env.step(action)
        actions.append(int(action))
        logprobs.append(info["logprob"])
        rewards.append(float(reward))
    return Trajectory(prompt, prefix, actions, logprobs, rewards, info["text"], terminated, truncated)


def replay(env: gym.Env, trajectory: Trajectory) -> Trajectory:
    """The same start and the same actions again: in the same environment, a trajectory equal to this one.

    StopIteration where the environment's limit is longer and the episode would have to go on.
    """
    actions = iter(trajectory.actions)
    options = {"prompt": trajectory.prompt, "prefix": trajectory.prefix}
    return rollout(env, lambda _: next(actions), options=options)


def returns(rewards: Sequence[float], gamma: float = 1.0) -> np.ndarray:
    """G_t = ∑_{k≥t} γ^(k−t) r_k, what is still to come after each step's state: (T,) -> (T,)."""
    _check_gamma(gamma)
    total, found = 0.0, []
    for reward in reversed(rewards):
        total = float(reward) + gamma * total
        found.append(total)
    return np.array(found[::-1])


def _check_gamma(gamma: float) -> None:
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must be between 0 and 1, not {gamma}")


# Values: what a prefix is worth


@dataclass(frozen=True)
class Value:
    """A Monte-Carlo estimate of V^π(x, y_≤t): the mean return of n rollouts from there."""

    t: int  # tokens of the response so far
    returns: tuple[float, ...]  # one a rollout; a truncated one has the return 0
    truncated: int  # how many were cut off
    ended: bool = False  # the response is complete: this is its reward, and no estimate

    @property
    def n(self) -> int:
        return len(self.returns)

    @property
    def mean(self) -> float:
        return float(np.mean(self.returns))

    @property
    def stderr(self) -> float:
        """Standard error of the mean, s / √n; 0 where the response is complete."""
        return 0.0 if self.ended else float(np.std(self.returns, ddof=1) / np.sqrt(self.n))


def prefix_value(
    policy: Policy,
    prompt: Prompt,
    reward: Reward,
    prefix: str | Sequence[int] = "",
    n: int = 32,
    seed: int = 0,
    max_new_tokens: int = 512,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    gamma: float = 1.0,
) -> Value:
    """V^π of the state (x, prefix): n responses that begin with `prefix` are finished by π and rewarded.

    π is the policy at this temperature, top_k and top_p; the default is the policy itself. Each rollout has
    a seed made from (seed, t, its number), so that a larger n continues the same list. A rollout that is cut
    off counts 0, as in TokenMDP, and is reported. With γ < 1 the reward is discounted from here on.
    """
    if n < 2:
        raise ValueError(f"n must be at least 2, or there is no standard error, not {n}")
    check_sampling(max_new_tokens, temperature, top_k, top_p)
    _check_gamma(gamma)
    env = TokenMDP(policy, prompt, reward, max_new_tokens)
    env.reset(options={"prompt": prompt, "prefix": prefix})
    y, steps = list(env.response_ids), env.limit - len(env.response_ids)
    seeds = np.random.SeedSequence([seed, len(y)]).generate_state(n, np.uint64)
    draw = partial(pick, temperature=temperature, top_k=top_k, top_p=top_p)
    found, cut = [], 0
    for more in _endings(env, steps, draw, seeds):
        if len(more) == steps:  # no EOS among them
            found, cut = [*found, 0.0], cut + 1
        else:  # EOS comes after them, and is paid
            found.append(gamma ** len(more) * float(reward(prompt, policy.encoder.decode([*y, *more]))))
    return Value(len(y), tuple(found), cut)


def _endings(env: TokenMDP, steps: int, draw: Callable, seeds: Sequence[int]) -> Iterator[list[int]]:
    """The tokens that follow the environment's state, up to EOS or `steps` of them: a list for each seed."""
    policy, state = env.policy, [*env.prompt_ids, *env.response_ids]
    for first in range(0, len(seeds), BATCH):
        own = [generator(int(seed)) for seed in seeds[first : first + BATCH]]
        choose, cache = partial(draw, generators=own), policy._prompt_cache(state, len(own))
        with policy._inference():
            rows = [state] * len(own)
            yield from continuations(policy.model, rows, steps, choose, env.end_tokens, cache)


def values_along(
    policy: Policy,
    prompt: Prompt,
    response: str,
    reward: Reward,
    n: int = 32,
    points: int = 9,
    refine: int = 8,
    progress: bool = True,
    **rollouts,
) -> list[Value]:
    """V^π along one response y: from t = 0, the prompt alone, to t = T, where EOS has been taken.

    First `points` prefixes, evenly spaced; then `refine` more, each halving the stretch over which the value
    changes most. The last is not an estimate: r(x, y) itself. Neighbours differ by the credit of the tokens
    between them, and with γ = 1 all differences sum to r(x, y) − V(x).
    rollouts: what `prefix_value` takes.
    """
    if points < 2:
        raise ValueError(f"points must be at least 2, the beginning and the end, not {points}")
    y = policy.encode_response(response)  # (T,), with EOS
    found = {len(y): Value(len(y), (float(reward(prompt, response)),), 0, ended=True)}
    wanted = sorted({round(t) for t in np.linspace(0, len(y), points)} - found.keys())
    with tqdm(total=len(wanted) + refine, desc="values", disable=not progress, leave=False) as bar:
        while wanted:
            t = wanted.pop(0)
            found[t] = prefix_value(policy, prompt, reward, y[:t], n, **rollouts)
            bar.update()
            if not wanted and refine > 0 and (more := _steepest(found)) is not None:
                wanted, refine = [more], refine - 1
    return [found[t] for t in sorted(found)]


def _steepest(values: dict[int, Value]) -> int | None:
    """The middle of the stretch over which the value changes most; None where all stretches are one token."""
    stretches = [(a, b) for a, b in pairwise(sorted(values)) if b - a > 1]
    if not stretches:
        return None
    a, b = max(stretches, key=lambda ab: abs(values[ab[1]].mean - values[ab[0]].mean))
    return (a + b) // 2
