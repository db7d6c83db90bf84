"""DPO live in plain Python: the settings of the next run, runs made piece by piece, their pause and stop.

A run is a `training.DPORun` on a copy of the policy. `LiveState.work` takes it piece by piece, in a thread
(`launch`) or in a plain loop; all numbers come from training.py and losses.py.
"""

from __future__ import annotations

import copy
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..encoding import Prompt
from ..feedback.schemas import FeedbackError
from ..losses import LOSSES, SMOOTHED, dpo_loss
from ..mdp import TokenMDP
from ..pairs import encode_pairs
from ..policy import Policy, load_policy
from ..rollouts import greedy, rollout
from ..training import DPORun, NonFiniteLoss, Settings
from .gap_state import Problem

if TYPE_CHECKING:
    import pandas as pd

BETAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
RATES = (2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3)
NOISES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
SMOOTHINGS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)
PAIRS, HELD_OUT = 400, 48  # of the bundled pairs
APART = 10  # of pairs of one's own, one prompt in so many is held out
EVALUATIONS, ANSWERS = 5, 10  # a run; at its beginning there is one more of each
WAITING, SCORING, TRAINING, DONE, STOPPED, FAILED = (
    "waiting", "scoring π_ref", "training", "done", "stopped", "failed",
)  # fmt: skip
OVER = (DONE, STOPPED, FAILED)
NAMES = {"beta": "β", "lr": "learning rate", "noise": "label noise", "loss_type": "loss",
         "label_smoothing": "smoothing ε", "prompt": "prompt"}  # fmt: skip

_training = threading.Lock()  # held by the thread that trains: never two at once
_going: weakref.ref | None = None  # the LiveState whose run is going


@dataclass(frozen=True)
class Dials:
    """What the learner sets. noise: share of the training labels that is flipped; label_smoothing: ε."""

    beta: float = 0.1
    lr: float = 2e-4
    noise: float = 0.0
    loss_type: str = "sigmoid"
    label_smoothing: float = 0.0
    prompt: Prompt = ""

    def __post_init__(self):
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise, a share of the labels, is from 0 to 1, not {self.noise}")
        Settings(self.beta, self.loss_type, self.epsilon, lr=self.lr)  # names what is out of range

    @property
    def epsilon(self) -> float:
        """ε as far as this loss has one."""
        return self.label_smoothing if self.loss_type in SMOOTHED else 0.0

    @property
    def start_loss(self) -> float:
        """The loss of any pair at π_θ = π_ref: ln 2 for sigmoid and robust."""
        level = torch.zeros(4, 1, dtype=torch.float64)
        return float(dpo_loss(*level, self.beta, self.loss_type, self.epsilon).losses)


@dataclass(frozen=True)
class Answer:
    """The greedy answer after `step` updates. tokens: EOS included; ended: by EOS, not cut off."""

    step: int
    text: str
    tokens: int
    ended: bool
    utility: float | None = None  # None without a truth


def flip_labels(pairs: Iterable[dict], share: float, seed: int = 0) -> list[dict]:
    """The pairs with y⁺ and y⁻ exchanged in a share of them, rounded to whole pairs; columns prompt, chosen,
    rejected. One seed flips the same pairs for a larger share, and more."""
    pairs = [{name: row[name] for name in ("prompt", "chosen", "rejected")} for row in pairs]
    flipped = np.random.default_rng(seed).permutation(len(pairs))[: round(share * len(pairs))]
    for i in flipped:
        row = pairs[i]
        pairs[i] = row | {"chosen": row["rejected"], "rejected": row["chosen"]}
    return pairs


def hold_out(pairs: list[dict]) -> tuple[list[dict], list[dict]]:
    """(to train on, held out): the pairs of every APART-th prompt, or of the last one of fewer."""
    prompts = list(dict.fromkeys(str(row["prompt"]) for row in pairs))
    chosen = set(prompts[APART - 1 :: APART] or prompts[1:][-1:])
    apart = [str(row["prompt"]) in chosen for row in pairs]
    return (
        [row for row, out in zip(pairs, apart, strict=True) if not out],
        [row for row, out in zip(pairs, apart, strict=True) if out],
    )


class _QuietRun(DPORun):
    """Without a progress bar of its own: it runs in a thread, and the page shows how far it is."""

    _quiet = True


class Attempt:
    """One run, from its copy of the policy to its last numbers.

    rows: as of train_dpo, with chosen_change and rejected_change, the means of log π_θ(y|x) − log π_ref(y|x)
    over the same pairs, nats. `stopping` ends it after the current piece with a last evaluation, `abandoned`
    without one.
    """

    def __init__(self, number: int, dials: Dials, state: LiveState):
        self.number, self.dials, self.owner = number, dials, state
        self.status, self.error, self.note = WAITING, "", ""
        self.stopping = self.abandoned = False
        self.rows: list[dict] = []
        self.answers: list[Answer] = []
        self.step, self.steps, self.flipped = 0, 0, 0
        self.spent = 0.0  # seconds of work, evaluations and answers included, pauses not
        self.policy: Policy | None = None
        self.training: DPORun | None = None

    @property
    def over(self) -> bool:
        return self.status in OVER

    def pieces(self) -> Iterator[None]:
        """The work in pieces of about a second, with a yield after each."""
        owner, d = self.owner, self.dials
        self.status = SCORING
        owner.policy.forget()  # what it remembers need not be copied
        self.policy = copy.deepcopy(owner.policy)
        pairs = flip_labels(owner.pairs, d.noise, owner.seed)
        self.flipped = round(d.noise * len(pairs))
        settings = Settings(
            d.beta, d.loss_type, d.epsilon, owner.epochs, owner.batch_size, d.lr, seed=owner.seed
        )
        self.training = run = _QuietRun(self.policy, pairs, owner.held_out, settings)
        self.steps = run.steps
        yield
        run.begin()
        yield
        self._answer()
        self.status = TRAINING
        yield
        for row in run.rows(max(1, math.ceil(run.steps / EVALUATIONS))):
            self._take(row)
            yield
            if row["split"] == "train" and (
                run.step % max(1, run.steps // ANSWERS) == 0 or run.step == run.steps
            ):
                self._answer()
                yield
            if self.stopping:
                break
        if self.step < self.steps:  # stopped: still measured where it is
            self._measure_at_the_end()
        self.status = DONE if self.step == self.steps else STOPPED

    def finish(self, status: str) -> None:
        """However it ended: the optimiser and π_ref are let go, the trained policy stays."""
        self.status, self.training = status, None

    def _measure_at_the_end(self) -> None:
        run = self.training
        if run.held_out and (self.last("held-out") or {}).get("step") != run.step:
            self._take(run.evaluate())
        if self.answers[-1].step != run.step:
            self._answer()

    def _take(self, row: dict) -> None:
        run = self.training
        train = row["split"] == "train"
        numbers = run.batch(row["step"]) if train else range(len(run.pairs), len(run.ref_logps))
        chosen, rejected = run.ref_logps[list(numbers)].double().mean(0).tolist()
        change = {
            "chosen_change": row["chosen_logp"] - chosen,
            "rejected_change": row["rejected_logp"] - rejected,
        }
        self.rows.append(row | change)
        self.step = run.step

    def _answer(self) -> None:
        env = TokenMDP(self.policy, self.dials.prompt, max_new_tokens=self.owner.max_new_tokens)
        made, truth = rollout(env, greedy), self.owner.truth
        utility = None if truth is None else float(truth(self.dials.prompt, made.text))
        self.answers.append(Answer(self.step, made.text, len(made.actions), made.terminated, utility))

    def last(self, split: str) -> dict | None:
        return next((row for row in reversed(self.rows) if row["split"] == split), None)

    @property
    def measured(self) -> dict:
        """The last row on the held-out pairs; where there are none, of the training batches; {} at first."""
        return self.last("held-out") or self.last("train") or {}

    def line(self) -> dict:
        """The run in one line: settings, then what came of it."""
        row, answer = self.measured, self.answers[-1] if self.answers else None
        settings = {k: v for k, v in asdict(self.dials).items() if k != "prompt"}
        settings["label_smoothing"] = self.dials.epsilon
        found = {name: row.get(name) for name in ("split", "loss", "accuracy", "margin", "kl")}
        end = {"utility": answer and answer.utility, "seconds": self.spent, "status": self.status}
        return {"run": self.number, **settings, "step": self.step, "steps": self.steps, **found, **end}


class LiveState:
    """Settings for the next run, the run that is going, and those before it.

    policy: a Policy or a name for load_policy; it stays as it is, and is π_ref. pairs, held_out: rows as of
    load_pairs; None: bundled ones, or, with pairs of your own, the pairs of one prompt in APART of these.
    prompt: whose greedy answer is shown; None: the first held-out one. truth(prompt, response): a true
    utility, higher is better. ValueError and FeedbackError name a setting or a row that cannot be used.
    """

    def __init__(
        self,
        policy: Policy | str | None = None,
        pairs: Iterable[dict] | None = None,
        held_out: Iterable[dict] | None = None,
        prompt: Prompt | None = None,
        *,
        truth: Callable[[Prompt, str], float] | None = None,
        epochs: float = 1.0,
        batch_size: int = 8,
        max_new_tokens: int = 200,
        seed: int = 0,
        **dials,
    ):
        self.policy = policy if isinstance(policy, Policy) else load_policy(policy or "bundled/reference")
        self.pairs, self.held_out = self._data(pairs, held_out)
        self.truth, self.max_new_tokens = truth, max_new_tokens
        self.epochs, self.batch_size, self.seed = epochs, batch_size, seed
        Settings(epochs=epochs, batch_size=batch_size)
        first = (self.held_out or self.pairs)[0]["prompt"]
        self.dials = Dials(prompt=first if prompt is None else prompt, **dials)
        self.attempts: list[Attempt] = []
        self.paused, self.changed = False, lambda: None  # called by the thread after each piece
        self.lock = threading.RLock()  # held while a piece is at work
        self._go_on, self._thread = threading.Event(), None
        _end_others(self)

    def _data(self, pairs, held_out) -> tuple[list[dict], list[dict]]:
        own = {"pairs": pairs is not None, "held_out": held_out is not None}
        if pairs is None:
            pairs = _bundled("train", PAIRS)
            held_out = _bundled("test", HELD_OUT) if held_out is None else list(held_out)
        elif held_out is None:
            encode_pairs(self.policy, pairs := list(pairs))
            pairs, held_out = hold_out(pairs)
        pairs, held_out = list(pairs), list(held_out)
        if not pairs:
            raise ValueError("no pairs to train on: give at least one")
        for name, rows in (("pairs", pairs), ("held_out", held_out)):
            if own[name]:
                encode_pairs(self.policy, rows)  # better now than in a thread
        return pairs, held_out

    # What can be read

    @property
    def attempt(self) -> Attempt | None:
        """The run that is going, or else the last one."""
        return self.attempts[-1] if self.attempts else None

    @property
    def going(self) -> bool:
        return self.attempt is not None and not self.attempt.over

    def trained(self) -> Policy:
        """The copy that the last run trained; while it is going, another copy of it as it is now."""
        with self.lock:
            if self.attempt is None or self.attempt.policy is None:
                raise Problem("nothing is trained yet: press Start, and wait for the first steps")
            return copy.deepcopy(self.attempt.policy) if self.going else self.attempt.policy

    def history(self) -> pd.DataFrame:
        """The rows of the last run."""
        import pandas as pd

        return pd.DataFrame(list(self.attempt.rows) if self.attempt else [])

    def table(self) -> pd.DataFrame:
        """A line for each run: settings, last numbers, how it ended."""
        import pandas as pd

        return pd.DataFrame([attempt.line() for attempt in self.attempts])

    def pending(self) -> str:
        """What the run that is going does not have yet, in words."""
        if not self.going or self.attempt.dials == self.dials:
            return ""
        before, after = asdict(self.attempt.dials), asdict(self.dials)
        changes = [
            f"another {NAMES[k]}"
            if k == "prompt"
            else f"{NAMES[k]} {show(k, after[k])} instead of {show(k, before[k])}"
            for k in after
            if after[k] != before[k]
        ]
        return (
            f"This takes effect with the next start: {', '.join(changes)}. Run {self.attempt.number} keeps "
            "the settings it began with; to change now, press Stop, then Start."
        )

    # What can be done

    def dial(self, **changes) -> None:
        """Set something for the next run. ValueError where it is out of range."""
        self.dials = replace(self.dials, **changes)

    def start(self) -> None:
        """Make a run with the settings as they are; `work` or `launch` then does it."""
        global _going
        if self.going:
            raise Problem("A run is going. Two at once would slow each other down: press Stop first.")
        if not str(self.dials.prompt).strip():
            raise Problem("The prompt is empty: type a question, and press Start again.")
        _end_others(self)
        _going = weakref.ref(self)
        if self.attempt:
            self.attempt.training = None
        self.attempts.append(Attempt(len(self.attempts) + 1, self.dials, self))
        self.paused = False
        self._go_on.set()

    def pause(self) -> None:
        if not self.going:
            raise Problem("No run is going, so there is nothing to pause: press Start.")
        self.paused = True
        self._go_on.clear()

    def resume(self) -> None:
        self.paused = False
        self._go_on.set()

    def stop(self) -> None:
        """End the run after the current piece; it is still evaluated where it is."""
        if not self.going:
            raise Problem("No run is going, so there is nothing to stop.")
        self.attempt.stopping = True
        if self.attempt.status != TRAINING:  # there is nothing to measure yet
            self.attempt.abandoned = True
        self.resume()

    def end(self, why: str = "") -> None:
        """End a run that is going after the current piece, without a last evaluation."""
        if self.going:
            self.attempt.abandoned, self.attempt.note = True, why
            self.resume()

    def work(self) -> Iterator[None]:
        """Do the run piece by piece; while it is paused nothing is done. Errors end it, in plain words."""
        attempt = self.attempt
        pieces = attempt.pieces()
        while not attempt.over:
            if not self.paused or attempt.abandoned:
                with self.lock:
                    self._piece(attempt, pieces)
            yield

    def _piece(self, attempt: Attempt, pieces: Iterator[None]) -> None:
        began = time.perf_counter()
        try:
            if attempt.abandoned or next(pieces, self) is self:  # nothing more came
                attempt.finish(attempt.status if attempt.over else STOPPED)
        except Exception as error:  # none may vanish in a thread
            attempt.error = plain(error)
            attempt.finish(FAILED)
        attempt.spent += time.perf_counter() - began

    def launch(self) -> None:
        """The same in a thread of its own, which ends with the run, or with the kernel."""
        self._thread = threading.Thread(target=self._labour, name="DPO live", daemon=True)
        self._thread.start()

    def _labour(self) -> None:
        attempt = self.attempt
        with _training:
            for _ in self.work():
                self.changed()
                if not attempt.over:  # pressed during the last piece, Pause comes too late
                    self._go_on.wait()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over or paused, `timeout` seconds at most; whether it is over."""
        until = time.monotonic() + (math.inf if timeout is None else timeout)
        while self._thread and self._thread.is_alive() and not self.paused and time.monotonic() < until:
            self._thread.join(0.05)
        return not self.going


def _end_others(state: LiveState) -> None:
    """A run of another widget, or of this cell before it was run again, ends."""
    other = _going and _going()
    if other is not None and other is not state:
        other.end("Stopped, because another DPO live was opened or started: never two at once.")


def _bundled(split: str, most: int) -> list[dict]:
    from ..feedback import load_pairs

    rows = load_pairs(split=split)
    return list(rows.select(range(min(most, len(rows)))))


def plain(error: Exception) -> str:
    """An error in words for a learner."""
    if isinstance(error, NonFiniteLoss | FeedbackError | Problem):
        return f"The run ended: {error}"
    return f"The run ended, because of an error ({type(error).__name__}): {error}"


def show(name: str, value) -> str:
    """A setting as the page writes it."""
    if name == "noise":
        return f"{value:.0%}"
    return value if isinstance(value, str) else f"{value:g}"


def choices(usual: tuple[float, ...], given: float) -> list[float]:
    """The stops of a slider, with the value that was given."""
    return sorted({*usual, given})


LOSS_NAMES = {name: {"sigmoid": "sigmoid (DPO)", "ipo": "IPO"}.get(name, name) for name in LOSSES}
