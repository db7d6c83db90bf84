"""The language model as a Markov decision process, and as a Gymnasium environment.

A state is s_t = (x, y_<t), the prompt and the response so far; an action is the next token y_t; the
transition appends it, without chance; the episode ends with EOS. Writing y is one episode, and the policy
gives it π(y|x) = ∏_t π(y_t | s_t). The reward comes once, at the end: r(x, y). `rollouts.py` has episodes,
returns and values.

Importing this module registers "pedagogy/TokenMDP-v0" with Gymnasium:

    env = gymnasium.make("pedagogy/TokenMDP-v0", policy=policy, prompt="How do I change a tire?")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from gymnasium.error import Error, InvalidAction, ResetNeeded
from gymnasium.spaces import Box, Dict, Discrete

from .encoding import Prompt, as_messages
from .policy import Policy, load_policy

ID = "pedagogy/TokenMDP-v0"
NO_TOKEN = -1  # in an observation, where no token stands yet
LONGEST = 4096  # tokens in an observation, for a policy that names no context length
Reward = Callable[[Prompt, str], float]


class StartError(Error, ValueError):
    """An episode cannot start here: the prompt or the prefix is too long, or `options` are not understood."""


class TokenMDP(gym.Env):
    """Writing a response to a prompt, token by token.

    policy: a Policy or its name. prompt: a string, or a list of messages; or a list of such prompts, of which
    `reset` draws one with the environment's seed. reward(prompt, response) -> float is called once, when the
    response has ended, with its text; None pays 0.

    Action: Discrete(V), a token id; all V of the model, also those that no text gives. Observation, a Dict:
    "tokens" (L,) int64, the prompt, then the response, then -1; "length", of the two together;
    "prompt_length". L is the policy's context length (4,096 where it names none). The space is larger than
    the set of states: it does not say that -1 comes last, or that nothing comes after EOS.

    `terminated`: the token taken ends a response (EOS, or another end token of the model), and the reward is
    paid. `truncated`: `max_new_tokens` or the context is used up, from outside, so to speak. r(x, y) judges
    finished responses, so nothing is paid for this one: 0, which is no verdict.

    info: "text", y so far; "total_logprob", log π(y so far | x); after a step also "token", as text, and
    "logprob", log π(a_t | s_t), both in nats; after reset also "prompt".

    options of `reset`: "prompt", another one for this episode; "prefix", text or token ids that the response
    already begins with: the episode starts in s_t = (x, prefix), and total_logprob counts the prefix.

    Many at once: gymnasium.vector.SyncVectorEnv, or AsyncVectorEnv(…, context="spawn"); a *forked* process
    waits for ever for torch's threads.

    Raises gymnasium.error.InvalidAction for what is no token id, gymnasium.error.ResetNeeded for a step
    without an episode, StartError (a gymnasium.error.Error and a ValueError) where an episode cannot start,
    TypeError for a prompt of another type.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}

    def __init__(
        self,
        policy: Policy | str | Path,
        prompt: Prompt | Sequence[Prompt],
        reward: Reward | None = None,
        max_new_tokens: int = 512,
        render_mode: str | None = None,
    ):
        if not isinstance(max_new_tokens, Integral) or max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be a whole number of 1 or more, not {max_new_tokens!r}")
        self.policy = load_policy(policy) if isinstance(policy, (str, Path)) else policy
        self.prompts, self.reward = _as_prompts(prompt), reward
        self.max_new_tokens, self.render_mode = max_new_tokens, render_mode
        self.max_length = self.policy.context_length or LONGEST
        self.end_tokens = frozenset(self.policy._stops())
        self.n_tokens: int = self.policy.model.config.get_text_config().vocab_size  # V
        self.action_space = Discrete(self.n_tokens)
        self.observation_space = Dict(
            tokens=Box(NO_TOKEN, self.n_tokens - 1, (self.max_length,), np.int64),
            length=Discrete(self.max_length + 1),
            prompt_length=Discrete(self.max_length + 1),
        )
        self._over = "there is no episode yet"
        self.prompt_ids, self.response_ids = [], []
        if len(self.prompts) == 1:
            self._encode(self.prompts[0])  # too long? Better said now; of many, when one is drawn
        made = {"policy": policy, "prompt": prompt, "reward": reward, "max_new_tokens": max_new_tokens}
        self.spec = gym.envs.registration.EnvSpec(ID, ENTRY, kwargs=made)  # as gymnasium.make would

    # Gymnasium's methods

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        super().reset(seed=seed)
        prompt, prefix = self._start(options or {})
        x = self._encode(prompt, len(prefix))
        self.prompt, self.prompt_ids, self.response_ids = prompt, x, prefix
        self.limit = min(self.max_new_tokens, self.max_length - len(x))  # tokens of a response, EOS included
        self._over = ""
        self.policy._forget_if_changed()
        self._cache = self.policy._prompt_cache(x, 1)  # of all but its last token; None for some models
        self._unread = [*(x if self._cache is None else x[-1:]), *prefix]
        rows = self._read(len(prefix) + 1)  # (len(prefix) + 1, V)
        self._logprobs = rows[-1]
        self.total_logprob = float(rows[np.arange(len(prefix)), prefix].sum())
        return self._observation(), {**self._info(), "prompt": prompt}

    def step(self, action: int) -> tuple[dict, float, bool, bool, dict]:
        if self._over:
            raise ResetNeeded(f"{self._over}: call reset() first")
        if not self.action_space.contains(action):
            raise InvalidAction(f"{action!r} is no action: take a token id, 0 to {self.n_tokens - 1}")
        action = int(action)
        logprob = float(self._logprobs[action])
        self.response_ids.append(action)
        self.total_logprob += logprob
        terminated = action in self.end_tokens
        truncated = not terminated and len(self.response_ids) >= self.limit
        self._over = "the response has ended" if terminated else "it was cut off" if truncated else ""
        if not self._over:
            self._unread.append(action)
            self._logprobs = self._read(1)[0]
        info = self._info() | {"token": self.policy.encoder.piece(action), "logprob": logprob}
        reward = float(self.reward(self.prompt, info["text"])) if terminated and self.reward else 0.0
        return self._observation(), reward, terminated, truncated, info

    def render(self) -> str | None:
        """The state as text, with the special tokens, where render_mode is "ansi"."""
        if self.render_mode != "ansi":
            return None
        return self.policy.tokenizer.decode([*self.prompt_ids, *self.response_ids])

    # What there is to look at

    @property
    def logprobs(self) -> np.ndarray:
        """log π(· | s_t) over the whole vocabulary: (V,) float64, in nats. ResetNeeded without an episode."""
        if self._over:
            raise ResetNeeded(f"{self._over}, so there is no next token: call reset() first")
        return self._logprobs.copy()

    @property
    def text(self) -> str:
        """The response so far, without EOS."""
        return self.policy.encoder.decode(self.response_ids)

    # How it is done

    def _start(self, options: dict) -> tuple[Prompt, list[int]]:
        """The prompt and the prefix's token ids."""
        if unknown := set(options) - {"prompt", "prefix"}:
            raise StartError(f"options {sorted(unknown)}: only 'prompt' and 'prefix' are known")
        prompt, prefix = options.get("prompt"), options.get("prefix")
        if prompt is None:
            prompt = self.prompts[self.np_random.integers(len(self.prompts))]
        if isinstance(prefix, str):
            prefix = self.policy.encode_response(prefix)[:-1]
        if not isinstance(prefix, (Sequence, np.ndarray, type(None))):
            raise StartError(f"prefix is no text and no list of token ids but {type(prefix).__name__}")
        prefix = [] if prefix is None else list(prefix)
        if wrong := [i for i in prefix if not self.action_space.contains(i) or i in self.end_tokens]:
            raise StartError(
                f"prefix has {wrong[0]!r}: wanted are token ids below {self.n_tokens}, none an end token"
            )
        return prompt, [int(i) for i in prefix]

    def _encode(self, prompt: Prompt, prefix: int = 0) -> list[int]:
        """Ids of x, if at least one more token fits after it and a prefix of so many."""
        x = self.policy.encode_prompt(prompt)
        if len(x) + prefix + 1 > self.max_length:
            raise StartError(
                f"the prompt has {len(x)} tokens and the prefix {prefix}; with one more that is beyond the "
                f"{self.max_length} that fit: shorten the text, or load a model with a longer context"
            )
        if prefix >= self.max_new_tokens:
            raise StartError(f"the prefix has {prefix} tokens, so none is left: raise max_new_tokens "
                             f"({self.max_new_tokens})")  # fmt: skip
        return x

    def _read(self, last: int) -> np.ndarray:
        """log π(· | s) after each of the `last` tokens: (last, V). Each token runs once: keys are kept."""
        feed, length = torch.tensor([self._unread]), len(self.prompt_ids) + len(self.response_ids)
        feed, seen = feed.to(self.policy.device), torch.ones(1, length).long().to(self.policy.device)
        past = {} if self._cache is None else {"past_key_values": self._cache}
        with self.policy._inference():
            output = self.policy.model(feed, attention_mask=seen, use_cache=True, **past)
        self._cache = getattr(output, "past_key_values", None)
        if self._cache is not None:  # else all is run again with the next token
            self._unread = []
        return output.logits[0, -last:].cpu().double().log_softmax(-1).numpy()  # MPS has no float64

    def _observation(self) -> dict:
        tokens = np.full(self.max_length, NO_TOKEN, dtype=np.int64)
        length = len(self.prompt_ids) + len(self.response_ids)
        tokens[:length] = [*self.prompt_ids, *self.response_ids]
        return {
            "tokens": tokens,
            "length": np.int64(length),
            "prompt_length": np.int64(len(self.prompt_ids)),
        }

    def _info(self) -> dict:
        return {"text": self.text, "total_logprob": self.total_logprob}


def _as_prompts(prompt: Prompt | Sequence[Prompt]) -> tuple[Prompt, ...]:
    """One prompt, or each of a list; TypeError where one is none."""
    if isinstance(prompt, (list, tuple)) and prompt and not all(isinstance(part, dict) for part in prompt):
        prompts = tuple(prompt)
    else:
        prompts = (prompt,)
    for one in prompts:
        as_messages(one)
    return prompts


ENTRY = f"{__name__}:TokenMDP"
gym.register(ID, ENTRY)
