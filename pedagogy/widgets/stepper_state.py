"""The episode stepper's game in plain Python: episodes of the MDP, kept as a tree of branches.

The environment, `mdp.TokenMDP`, takes the steps and has the numbers; `sampling` draws. Here is only where
the learner has been.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from gymnasium.error import InvalidAction

from ..encoding import as_messages
from ..mdp import TokenMDP
from ..sampling import check_sampling, generator, pick, ranked
from .gap_state import Problem
from .markup import visible

PROMPT = "How do I change a tire?"
OPEN, TERMINATED, TRUNCATED = "open", "terminated", "truncated"
REMEMBERED = 64  # states whose distribution, V numbers, is kept; of others it is computed again


@dataclass(eq=False)
class Node:
    """A state (x, y so far): the token that led here, its log-probability and the running log π, in nats."""

    token_id: int | None = None  # None: the root, s_1 = x
    parent: Node | None = field(default=None, repr=False)
    logprob: float = 0.0  # log π(y_t | x, y_<t)
    total: float = 0.0  # log π(y_≤t | x)
    text: str = ""  # y_≤t, special tokens left out
    status: str = OPEN
    reward: float | None = None  # r(x, y), where a reward is given and the response was finished
    complaint: str = ""  # why there is no reward, where its function failed
    children: dict[int, Node] = field(default_factory=dict, repr=False)
    latest: Node | None = field(default=None, repr=False)  # the child visited last

    def __post_init__(self):
        self.t: int = self.parent.t + 1 if self.parent else 0

    @property
    def path(self) -> list[Node]:
        """The states after y_1 … y_t, without the root."""
        nodes, node = [], self
        while node.parent:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]

    @property
    def ids(self) -> list[int]:
        return [node.token_id for node in self.path]

    @property
    def root(self) -> Node:
        node = self
        while node.parent:
            node = node.parent
        return node


@dataclass(frozen=True)
class Segment:
    """A stretch of the tree up to its next fork or its end, after `depth` forks."""

    depth: int
    nodes: list[Node]

    @property
    def end(self) -> Node:
        return self.nodes[-1]

    @property
    def text(self) -> str:
        """What this stretch adds to the response."""
        before = self.nodes[0].parent.text
        return self.end.text[len(os.path.commonprefix([before, self.end.text])) :]


@dataclass(frozen=True, eq=False)
class Actions:
    """The k likeliest actions in a state, best first, and what is left to the others."""

    token_ids: list[int]
    probs: np.ndarray  # (k,) π(a | s)
    logprobs: np.ndarray  # (k,) nats
    tempered: np.ndarray  # (k,) what sampling takes them with, at the temperature chosen
    others: int  # V - k
    rest: float  # π(a | s) of all the others together
    eos: float  # π(EOS | s)


class StepperState:
    """A prompt x, the tree of the states visited, and where in it the learner is.

    policy: a Policy or a name for load_policy. prompt: a string or messages. top_k: the number of actions
    shown. reward(prompt, response) -> float judges a finished response. An episode ends with EOS (terminated)
    or, unfinished, after max_new_tokens (truncated). All probabilities are π's own; only what is drawn
    depends on `temperature`, and with `seed` it is the same each time.
    """

    def __init__(self, policy=None, prompt=None, reward=None, top_k=10, max_new_tokens=300, seed=None):
        if top_k is None or top_k < 1:
            raise ValueError(f"top_k, the number of actions shown, must be at least 1, not {top_k}")
        check_sampling(max_new_tokens, 1.0, None, None)
        policy, prompt = "bundled" if policy is None else policy, PROMPT if prompt is None else prompt
        self.reward, self.temperature = reward, 1.0
        self.env = TokenMDP(policy, prompt, self._judge if reward else None, max_new_tokens)
        self.policy, self.width = self.env.policy, min(top_k, self.env.n_tokens)
        self._draws, self._pieces = generator(seed), {}
        self._begin({}, seed)

    # What is on the table

    @property
    def prompt_text(self) -> str:
        """The prompt to read; of messages, each with its role."""
        if isinstance(self.prompt, str):
            return self.prompt
        return "\n".join(f"{m['role']}: {m['content']}" for m in as_messages(self.prompt))

    @property
    def limit(self) -> int:
        """Tokens of a response, EOS included, after which it is cut off."""
        return self.env.limit

    def piece(self, token_id: int) -> str:
        if token_id not in self._pieces:
            self._pieces[token_id] = self.policy.encoder.piece(token_id)
        return self._pieces[token_id]

    def is_end(self, token_id: int) -> bool:
        return token_id in self.env.end_tokens

    def actions(self, node: Node | None = None) -> Actions:
        """What there is to choose from in the current state, or in another one. Problem after the end."""
        node = node or self.node
        if node.status != OPEN:
            raise Problem("After the end of an episode there is no action.")
        logprobs = self._logprobs(node)
        probs, ids = _ranked(logprobs, 1.0)
        if not np.isfinite(probs).all():
            raise Problem("The model gives probabilities that are not finite: its weights may be damaged.")
        tempered = probs if self.temperature == 1 else _ranked(logprobs, self.temperature)[0]
        k, ids = self.width, ids[: self.width].tolist()
        others, rest = len(probs) - k, float(probs[k:].sum())
        eos = float(np.exp(logprobs[self.policy.eos_token_id]))
        return Actions(ids, probs[:k], logprobs[ids], tempered[:k], others, rest, eos)

    @property
    def chooser(self) -> Node:
        """The state whose actions are shown: this one, or after the end the one before."""
        return self.node if self.node.status == OPEN else self.node.parent

    def choices(self) -> Actions:
        """The actions here; at the end of an episode those that its last one was chosen from."""
        return self.actions(self.chooser)

    def segments(self) -> list[Segment]:
        """The tree, cut at its forks: each stretch before those that follow it, older branches first."""
        if self._cut is None:
            self._cut = self._segments()
        return self._cut

    def _segments(self) -> list[Segment]:
        found, waiting = [], [(0, child) for child in reversed(self.root.children.values())]
        while waiting:
            depth, node = waiting.pop()
            nodes = [node]
            while len(node.children) == 1:
                [node] = node.children.values()
                nodes.append(node)
            found.append(Segment(depth, nodes))
            waiting += [(depth + 1, child) for child in reversed(node.children.values())]
        return found

    def leaves(self) -> list[Node]:
        """Where each branch ends, or was left."""
        return [segment.end for segment in self.segments() if not segment.end.children]

    # What the learner does

    def step(self, token_id: int) -> None:
        """Take an action. One that was taken here before is walked again, not made again."""
        before, node = self.node, self._take(token_id)
        self.notice = self._told(before, node)

    def type_token(self, text: str) -> None:
        """Take a typed text, token by token, all of it; never as a special token, whatever it says."""
        self._check_open()
        ids = self.policy.encoder.text(text)
        if not ids:
            raise Problem("Nothing is typed: type a word. A space before it begins a new word.")
        before, taken = self.node, []
        for token_id in ids:
            if self.node.status == OPEN:
                taken.append(self._take(token_id))
        told = self._told(before, self.node) if len(ids) == 1 else self._told_all(text, ids, taken)
        special = [name for name in self.policy.tokenizer.all_special_tokens if name in text]
        if special:
            told += f" {special[0]} is read as plain text when it is typed, never as the special token."
        self.notice = told

    def undo(self) -> None:
        """Back by one token. The branch stays."""
        if self.node.parent is None:
            raise Problem("This is s₁ = x, the beginning: there is nothing to undo.")
        self.go(self.node.parent)

    def redo(self) -> None:
        """Forward by one token, along the branch visited last."""
        if self.node.latest is None:
            raise Problem("Nothing to redo: no branch goes on from here yet.")
        self.go(self.node.latest)

    def go(self, node: Node) -> None:
        """To any state of the tree."""
        if node.root is not self.root:
            raise Problem("That branch is no longer there: it belongs to an earlier prompt.")
        self._visit(node)
        place = f"after {_count(node.t)}" if node.t else "at the prompt, s₁ = x"
        self.notice = f"Now {place}. {self.ending()}".rstrip()

    def sample(self) -> None:
        """Draw one action at the temperature."""
        before, node = self.node, self._take(self._choose(self.temperature))
        self.notice = f"Drawn. {self._told(before, node)}"

    def play(self, greedy: bool = False) -> Iterator[Node]:
        """To the end of the episode, an action a turn: drawn, or the likeliest. Stop whenever you like."""
        self._check_open()
        how, first = ("taken greedily" if greedy else "drawn"), self.node
        while self.node.status == OPEN:
            node = self._take(self._choose(0.0 if greedy else self.temperature))
            self.notice = f"{_count(node.t - first.t)} {how}. {self.ending()}".rstrip()
            yield node

    def run(self, greedy: bool = False) -> Node:
        """`play` to the end at once: the leaf."""
        for _ in self.play(greedy):
            pass
        return self.node

    def new_prompt(self, prompt) -> None:
        """Another x, and a new tree. Where it cannot be used the old ones stay."""
        if isinstance(prompt, str) and not prompt.strip():
            raise Problem("The prompt is empty: type a question.")
        try:
            self._begin({"prompt": prompt})
        except (ValueError, TypeError) as error:  # such as a prompt longer than the context
            text = str(error)
            raise Problem(text[:1].upper() + text[1:] + ".") from error

    def clear(self) -> None:
        """Forget all branches, keep the prompt."""
        self._begin({"prompt": self.prompt})

    # What there is to say

    def ending(self) -> str:
        """How the current episode ended, if it did."""
        node = self.node
        if node.status == TERMINATED:
            paid = "" if node.reward is None else f" The reward is paid: r(x, y) = {_signed(node.reward)}."
            return f"Terminated: EOS is token {node.t}, and the response is finished.{paid}{node.complaint}"
        if node.status == TRUNCATED:
            unpaid = " No reward: it judges finished responses." if self.reward else ""
            return f"Truncated: {_count(node.t)} and no EOS. The limit cut the response off.{unpaid}"
        return ""

    def notes(self) -> list[str]:
        """What a reader of a finished response should know before trusting its number."""
        node = self.node
        if node.status != TERMINATED:
            return []
        if self.policy.encode_response(node.text) != node.ids:
            return [
                "The same text, tokenised afresh, gives other tokens, and policy.score(x, y) scores those: "
                "its number is not this branch's log π. Many token sequences spell one text."
            ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the score carries the same words
            return list(self.policy.score(self.prompt, node.text).warnings)

    def _told(self, before: Node, node: Node) -> str:
        """The action in a sentence: probability, nats, rank."""
        logprobs = self._logprobs(before)
        rank = int((logprobs > node.logprob).sum()) + 1
        told = (
            f"t = {node.t}: “{self._visible(node.token_id)}”, probability {math.exp(node.logprob):.3g}, "
            f"{_signed(node.logprob, '.2f')} nats, number {rank:,} of {len(logprobs):,} actions."
        )
        return f"{told} {self.ending()}".rstrip()

    def _told_all(self, text: str, ids: list[int], taken: list[Node]) -> str:
        """Several actions for one typed text, in plain words."""
        nats = _signed(sum(node.logprob for node in taken), ".2f")
        rest = "" if len(taken) == len(ids) else f" The limit left room for {len(taken)} of them."
        told = (
            f"“{text}” is {len(ids)} tokens: {' | '.join(map(self._visible, ids))}. Each is an action: "
            f"t = {taken[0].t} to {taken[-1].t} were taken, {nats} nats together.{rest}"
        )
        return f"{told} {self.ending()}".rstrip()

    def _visible(self, token_id: int) -> str:
        return visible(self.piece(token_id)).replace(" ", "␣")

    # How it is done

    def _begin(self, options: dict, seed: int | None = None) -> None:
        """A new episode and a new tree; where the environment refuses, nothing changes."""
        _, info = self.env.reset(seed=seed, options=options)
        self.prompt, self.prompt_ids = info["prompt"], self.env.prompt_ids
        self.root = self.node = self._place = Node()
        self._known = {self.root: self.env.logprobs}  # oldest first
        self._cut: list[Segment] | None = None  # the tree in segments, until it grows
        self.notice = ""

    def _visit(self, node: Node) -> None:
        self.node = node
        while node.parent:
            node.parent.latest, node = node, node.parent

    def _check_open(self) -> None:
        if self.node.status != OPEN:
            raise Problem(f"{self.ending()} After the end there is no action: undo, or take another branch.")

    def _take(self, token_id: int) -> Node:
        self._check_open()
        if token_id not in self.node.children:
            node = self._stepped(self.node, token_id)
            self.node.children[node.token_id], self._cut = node, None
        self._visit(self.node.children[token_id])
        return self.node

    def _stepped(self, node: Node, token_id: int) -> Node:
        """The environment's step from this state, as a new leaf."""
        self._go_there(node)
        self._place, self._complaint = None, ""  # until the step is made
        try:
            _, reward, terminated, truncated, info = self.env.step(token_id)
        except InvalidAction as error:
            raise Problem(f"{error}.") from error
        status = TERMINATED if terminated else TRUNCATED if truncated else OPEN
        judged = terminated and self.reward and not self._complaint
        new = Node(
            int(token_id), node, info["logprob"], info["total_logprob"], info["text"], status,
            reward if judged else None, self._complaint,
        )  # fmt: skip
        self._place = new
        if status == OPEN:
            self._remember(new)
        return new

    def _go_there(self, node: Node) -> None:
        """Bring the environment into this state: it is there already, or begins again with a prefix."""
        if self._place is not node:
            self._place = None
            self.env.reset(options={"prompt": self.prompt, "prefix": node.ids})
            self._place = node

    def _logprobs(self, node: Node) -> np.ndarray:
        """log π(· | s) of an open state: (V,), nats."""
        if node not in self._known:
            self._go_there(node)
            self._remember(node)
        return self._known[node]

    def _remember(self, node: Node) -> None:
        self._known[node] = self.env.logprobs
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def _choose(self, temperature: float) -> int:
        self._check_open()
        logits = torch.from_numpy(self._logprobs(self.node))[None]  # up to a constant, which drops out
        return int(pick(logits, temperature, None, None, [self._draws])[0])

    def _judge(self, prompt, response: str) -> float:
        """The reward; where its function fails, the step stands and has none."""
        try:
            return float(self.reward(prompt, response))
        except Exception as error:
            self._complaint = f" The reward function failed ({type(error).__name__}: {error}): no reward."
            return 0.0


def _ranked(logprobs: np.ndarray, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities at a temperature, likeliest first, and the ids in that order: (V,), (V,)."""
    probs, ids = ranked(torch.from_numpy(logprobs)[None], temperature, None, None)
    return probs[0].numpy(), ids[0].numpy()


def _count(tokens: int) -> str:
    return f"{tokens:,} token{'s' * (tokens != 1)}"


def _signed(value: float, how: str = ".4g") -> str:
    return format(value, how).replace("-", "−")
