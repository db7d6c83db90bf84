"""A language model and its tokenizer as a policy π: score, gap, next-token distribution, sample.

A prompt is x; a response y = (y_1 … y_T) ends in y_T = EOS; everything here is read off
log π(y_t | x, y_<t), in nats. `encoding.py` turns text into tokens, `logprobs.py` has the definition.
"""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .encoding import BOUNDARY, Encoder, Prompt
from .loading import PolicyLoadError, find_device, load_folder, load_hub
from .logprobs import pad_batch, response_mask, token_logprobs
from .sampling import check_sampling, continuations, generator, pick

__all__ = ["NextToken", "Policy", "PolicyLoadError", "Score", "load_policy"]

ASSETS = Path(__file__).parent / "assets"
BUNDLED = {"bundled": ASSETS / "model", "bundled/reference": ASSETS / "reference"}
WORLD_FLOOR = -3.0  # nats per token: the bundled models give their own world's text more
BATCH = 8  # responses run at once: bounds the memory of (B, T, V) logits
OUTSIDE_WORLD = (
    "This text is outside the small model's world (under -3 nats per token on average): it knows short "
    "how-to answers in plain English, so these numbers say little. Another model may know more of it."
)
EMPTY_RESPONSE = "The response is empty: the score is that of EOS alone, log π(EOS | x)."


def load_policy(name: str | Path = "bundled", device: str | torch.device | None = None) -> Policy:
    """A policy by name: "bundled", "bundled/reference", a local folder or a Hugging Face name.

    device None takes CUDA, else MPS, else the CPU. Weights are read from safetensors alone and computed in
    float32; no code of a repository is run. The bundled policies and folders never touch the network.
    PolicyLoadError (an OSError and a ValueError) says what is missing and what to do.
    """
    name, device = str(name), find_device(device)
    if name in BUNDLED:
        model, tokenizer = load_folder(BUNDLED[name], "run `make model`, or install the package again")
    elif Path(name).expanduser().is_dir():
        model, tokenizer = load_folder(Path(name).expanduser())
    else:
        model, tokenizer = load_hub(name)
    return Policy(model.to(device), tokenizer, name)


@dataclass(frozen=True, eq=False)
class Score:
    """log π(y|x) token by token, EOS included; T tokens.

    A token that holds only part of a character reads "�". `in_world` is False where a bundled model gives
    less than -3 nats per token on average; for other models it is always True.
    """

    tokens: list[str]
    token_ids: list[int]
    logprobs: np.ndarray  # (T,) float32, nats
    in_world: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """log π(y|x) = ∑_t log π(y_t | x, y_<t), in nats."""
        return float(self.logprobs.sum(dtype=np.float64))

    @property
    def mean(self) -> float:
        """total / T, nats per token: comparable across lengths, and not log π(y|x)."""
        return self.total / len(self.logprobs)


@dataclass(frozen=True, eq=False)
class NextToken:
    """The likeliest next tokens, best first. The probabilities of the *whole* vocabulary sum to 1."""

    tokens: list[str]
    token_ids: list[int]
    probs: np.ndarray  # (k,) float64
    logprobs: np.ndarray  # (k,) float64, nats


class Policy:
    """π(y|x). A prompt is a string, put through the tokenizer's chat template where it has one (else encoded
    as it is, after BOS if the tokenizer adds one), or a list of {role, content} messages for that template.
    """

    def __init__(self, model, tokenizer, name: str = ""):
        self.model, self.tokenizer, self.name = model.eval(), tokenizer, name
        self.encoder = Encoder(tokenizer)
        self.eos_token_id: int = tokenizer.eos_token_id
        config = model.config.get_text_config()
        self.context_length: int | None = getattr(config, "max_position_embeddings", None)
        self._scores, self._prompts, self._weights = _LRU(512), _LRU(4), None

    @property
    def device(self) -> torch.device:
        return self.model.device

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Token ids of x, ready for the first token of a response."""
        return self.encoder.prompt(prompt)[0]

    def encode_response(self, response: str) -> list[int]:
        """Token ids of y, EOS appended: (T,)."""
        return self.encoder.response(response)

    def score(self, prompt: Prompt, response: str) -> Score:
        """log π(y|x) with its tokens. An empty response scores EOS alone, and says so in `.warnings`."""
        return self._score_all(prompt, [response])[0]

    def score_many(self, prompt: Prompt, responses: Iterable[str]) -> list[Score]:
        """`score` of several responses to one prompt, which is encoded and run through the model once."""
        if isinstance(responses, str):
            raise TypeError("responses must be a list of strings, not a string: use score for one response")
        return self._score_all(prompt, list(responses))

    def gap(self, prompt: Prompt, chosen: str, rejected: str) -> float:
        """log π(y⁺|x) − log π(y⁻|x), in nats: above 0 where the chosen response is the likelier one."""
        plus, minus = self._score_all(prompt, [chosen, rejected])
        return plus.total - minus.total

    def next_token(self, prompt: Prompt, prefix: str = "", top_k: int | None = 10) -> NextToken:
        """π(· | s_t), s_t = (x, y_<t), y_<t = `prefix`: the `top_k` likeliest tokens (None: all)."""
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k must be at least 1, or None for the whole vocabulary, not {top_k}")
        x, y = self.encode_prompt(prompt), self.encode_response(prefix)[:-1]
        self._check_length(x, len(y) + 1, "the prefix and one more token")
        self._forget_if_changed()
        logits = self._run(x, [y])[0][0, -1].cpu().double()  # (V,); MPS has no float64
        best = logits.log_softmax(-1).sort(descending=True, stable=True)
        ids, logprobs = best.indices[:top_k].tolist(), best.values[:top_k].numpy()
        return NextToken([self.encoder.piece(i) for i in ids], ids, np.exp(logprobs), logprobs)

    def generate(
        self,
        prompt: Prompt,
        max_new_tokens: int = 200,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> str:
        """A response y ~ π(· | x), up to EOS, `max_new_tokens` or the end of the context.

        Temperature 0 is greedy; above it the same seed gives the same text. The global random state stays.
        """
        return self.generate_many([prompt], max_new_tokens, temperature, top_k, top_p, seed)[0]

    def generate_many(
        self,
        prompts: Iterable[Prompt],
        max_new_tokens: int = 200,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        batch_size: int = 32,
    ) -> list[str]:
        """`generate` for many prompts; prompt i draws with seed + i.

        Prompts of one length in tokens run together, so no padding can move a position.
        """
        check_sampling(max_new_tokens, temperature, top_k, top_p)
        encoded = [self.encode_prompt(prompt) for prompt in prompts]
        by_length: dict[int, list[int]] = {}
        for i, x in enumerate(encoded):
            self._check_length(x, 1, "one new token")
            by_length.setdefault(len(x), []).append(i)
        replies: dict[int, list[int]] = {}
        stops = self._stops()
        for length, group in by_length.items():
            steps = min(max_new_tokens, (self.context_length or length + max_new_tokens) - length)
            for batch in _chunks(group, batch_size):
                draws = [generator(None if seed is None else seed + i) for i in batch]
                choose = partial(pick, temperature=temperature, top_k=top_k, top_p=top_p, generators=draws)
                with self._inference():
                    texts = continuations(self.model, [encoded[i] for i in batch], steps, choose, stops)
                replies |= zip(batch, texts, strict=True)
        return [self.encoder.decode(replies[i]) for i in range(len(encoded))]

    def forget(self) -> None:
        """Drop remembered scores. Training is noticed by itself; edits through `parameter.data` are not."""
        self._scores.clear()
        self._prompts.clear()

    # How it is done

    def _score_all(self, prompt: Prompt, responses: list[str]) -> list[Score]:
        x, tail = self.encoder.prompt(prompt)
        ids = {y: self.encode_response(y) for y in responses}
        for y in ids.values():
            self._check_length(x, len(y), "the response")
        self._forget_if_changed()
        keys = {y: (tuple(x), tail, y) for y in ids}
        found = {y: self._scores[keys[y]] for y in ids if keys[y] in self._scores}
        for batch in _chunks([y for y in ids if y not in found], BATCH):
            for y, logprobs in zip(batch, self._logprobs(x, [ids[y] for y in batch]), strict=True):
                found[y] = self._scores[keys[y]] = self._score(tail, y, ids[y], logprobs)
        for message in {m for score in found.values() for m in score.warnings if m.startswith(BOUNDARY)}:
            warnings.warn(message, stacklevel=3)  # at the line that called score or gap
        return [found[y] for y in responses]

    def _score(self, tail: str, response: str, ids: list[int], logprobs: np.ndarray) -> Score:
        logprobs.setflags(write=False)  # a remembered score stays what it was
        in_world = self.name not in BUNDLED or float(logprobs.mean(dtype=np.float64)) >= WORLD_FLOOR
        notes = (
            None if response else EMPTY_RESPONSE,
            self.encoder.boundary_warning(tail, response),
            None if in_world else OUTSIDE_WORLD,
        )
        tokens = [self.encoder.piece(i) for i in ids]
        return Score(tokens, ids, logprobs, in_world, tuple(note for note in notes if note))

    def _logprobs(self, x: list[int], responses: list[list[int]]) -> list[np.ndarray]:
        """log π(y_t | x, y_<t) of each response, (T,) float32; padding is cut off by length."""
        rows = token_logprobs(*self._run(x, responses)).cpu().numpy()  # (B, S-1)
        return [row[: len(y)].copy() for row, y in zip(rows, responses, strict=True)]

    def _run(self, x: list[int], responses: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Logits (B, S, V) and ids (B, S): the last token of x, a response, padding on the right."""
        cache = self._prompt_cache(x, len(responses))
        fed = x if cache is None else x[-1:]
        past = {} if cache is None else {"past_key_values": cache}
        ids, lengths = pad_batch([[*fed, *y] for y in responses])
        mask = response_mask(0 * lengths, lengths + len(x) - len(fed)).long()  # 0 on padding alone
        ids, mask = ids.to(self.device), mask.to(self.device)
        with self._inference():
            logits = self.model(ids, attention_mask=mask, **past).logits
        return logits[:, len(fed) - 1 :], ids[:, len(fed) - 1 :]

    def _prompt_cache(self, x: list[int], copies: int):
        """Keys and values of x but its last token, for `copies` rows; None where a model keeps others."""
        from transformers.cache_utils import DynamicCache, DynamicLayer

        key = tuple(x[:-1])
        if not key:
            return None
        if key not in self._prompts:
            ids = torch.tensor([key], device=self.device)
            with self._inference():
                output = self.model.base_model(ids, attention_mask=torch.ones_like(ids), use_cache=True)
            cache = getattr(output, "past_key_values", None)
            plain = isinstance(cache, DynamicCache) and all(type(kv) is DynamicLayer for kv in cache.layers)
            self._prompts[key] = cache if plain else None
        cache = copy.deepcopy(self._prompts[key])  # the model appends to what it gets
        if cache is not None:
            cache.batch_repeat_interleave(copies)
        return cache

    def _check_length(self, x: list[int], more: int, what: str) -> None:
        total, limit = len(x) + more, self.context_length
        if limit and total > limit:
            raise ValueError(
                f"the prompt has {len(x)} tokens, with {what} {total}, but the context of "
                f"{self.name!r} holds {limit}: shorten the text, or load a model with a longer context"
            )

    def _stops(self) -> set[int]:
        """Ids that end a response: the tokenizer's EOS, and the model's own where it has others."""
        own = getattr(self.model.generation_config, "eos_token_id", None)
        return {self.eos_token_id, *(own if isinstance(own, list) else [own])} - {None}

    def _forget_if_changed(self) -> None:
        """Training changes weights in place: drop what the old ones scored."""
        first = next(self.model.parameters())
        weights = first.device, first.dtype, [p._version for p in self.model.parameters()]
        if weights != self._weights:
            self.forget()
            self._weights = weights

    @contextmanager
    def _inference(self) -> Iterator[None]:
        """Without gradients and dropout; the model's mode is put back after."""
        training = self.model.training
        if training:  # going through all modules takes longer than a small model's step
            self.model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            if training:
                self.model.train()


class _LRU(OrderedDict):
    """A dict that keeps the `size` entries used last."""

    def __init__(self, size: int = 512):  # a default, or a policy could not be copied
        super().__init__()
        self.size = size

    def __getitem__(self, key):
        self.move_to_end(key)
        return super().__getitem__(key)

    def __setitem__(self, key, value) -> None:
        super().__setitem__(key, value)
        if len(self) > self.size:
            self.popitem(last=False)


def _chunks(items: list, size: int) -> Iterator[list]:
    return (items[i : i + size] for i in range(0, len(items), size))
