"""The gap explorer's game in plain Python: a prompt, a pair, a guess, and what is revealed."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..feedback import letter
from ..policy import Policy, Score, load_policy
from ..records import Ledger
from ..slips import SLIPS, Working, working
from .picks import PICKS, load_picks, new_pick

OWN = "own"  # the choice "my own text", next to the letters
NAMES = {"plus": "y⁺", "minus": "y⁻"}
GUESSES = {1: "y⁺ is likelier", -1: "y⁻ is likelier"}
BUGS = {  # as the learner reads it -> its name in slips.py
    "no shift": "no shift",
    "prompt counted": "prompt counted",
    "EOS dropped": "EOS dropped",
    "mean instead of sum": "mean for sum",
    "pad counted": "pad counted",
}
VIEWS = ("log π", "log π_ref", "log π − log π_ref")  # what the strips can show


class Problem(Exception):
    """Something the learner can mend, in plain words."""


@dataclass(frozen=True)
class Bug:
    """What some bugs, all at once, make of both sums, in nats, and how many tokens these are over."""

    names: tuple[str, ...]
    plus: float
    minus: float
    plus_tokens: int
    minus_tokens: int

    @property
    def gap(self) -> float:
        return self.plus - self.minus


@dataclass(frozen=True)
class Comparison:
    """Both responses scored: everything the reveal shows. All log-probabilities in nats."""

    plus: Score
    minus: Score
    ref_plus: Score | None
    ref_minus: Score | None
    beta: float
    working: Working | None = None  # of y⁺ and y⁻ in one batch; None without the table of bugs

    @property
    def gap(self) -> float:
        """log π(y⁺|x) − log π(y⁻|x)."""
        return self.plus.total - self.minus.total

    @property
    def ref_gap(self) -> float | None:
        """log π_ref(y⁺|x) − log π_ref(y⁻|x)."""
        return self.ref_plus.total - self.ref_minus.total if self.ref_plus else None

    @property
    def prob(self) -> float | None:
        """P(y⁺ ≻ y⁻) = σ(β (gap − ref_gap)); None without a reference."""
        if self.ref_plus is None:
            return None
        z = self.beta * (self.gap - self.ref_gap)
        return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))

    def swapped(self) -> Comparison:
        other = self.working and self.working.flipped()
        return Comparison(self.minus, self.plus, self.ref_minus, self.ref_plus, self.beta, other)

    def log_ratios(self, side: str) -> np.ndarray | None:
        """log π(y_t | x, y_<t) − log π_ref(y_t | x, y_<t) of each token, (T,); None where there are none: no
        reference, or one that has other tokens."""
        score, ref = getattr(self, side), getattr(self, f"ref_{side}")
        if ref is None or score.tokens != ref.tokens:
            return None
        return score.logprobs - ref.logprobs

    def bug(self, *names: str) -> Bug:
        """The numbers with these bugs, all at once; none: the right ones."""
        slips = [SLIPS[BUGS[name]] for name in names]
        plus, minus = self.working.logprobs(*slips).tolist()
        return Bug(names, plus, minus, *self.working.counted(*slips).sum(-1).tolist())

    @property
    def notes(self) -> list[str]:
        """What the policies have to say about y⁺ and y⁻, each thing once."""
        sides = {"y⁺": (self.plus, self.ref_plus), "y⁻": (self.minus, self.ref_minus)}
        said = (f"{name}: {n}" for name, pair in sides.items() for s in pair if s for n in s.warnings)
        return list(dict.fromkeys(said))


class GapState:
    """A prompt, a pair, a guess, and what is revealed. Any change of the pair hides the numbers again.

    policy and ref are Policies, or names for load_policy; ref None: no reference. feedback holds rows of
    UltraFeedback's raw schema. Picks go to the file `picks`. bugs: with a table of what the usual bugs make
    of the numbers.
    """

    def __init__(self, policy=None, ref=None, feedback=None, beta: float = 0.1, picks=PICKS, bugs=False):
        if not (math.isfinite(beta) and beta > 0):
            raise ValueError(f"beta must be a number above 0, not {beta}")
        self.policy = _policy("bundled" if policy is None else policy)
        self.ref = None if ref is None else _policy(ref)
        self.feedback = _bundled_feedback() if feedback is None else feedback
        if not len(self.feedback):
            raise ValueError("feedback has no rows: give at least one")
        self.instructions = _column(self.feedback, "instruction")
        self.beta, self.bugs = beta, bugs
        self.switched_on: set[str] = set()  # of BUGS
        self.view = VIEWS[0]
        self._working: tuple[tuple, Working] | None = None  # of the pair compared last
        self.own_prompt: str | None  # None: the data set's
        self.own = {"plus": "", "minus": ""}
        self.ledger = Ledger(picks, load_picks)
        self.notices = list(self.ledger.notices)
        self.go(0)

    # What is on the table

    @property
    def prompt(self) -> str:
        return self.row["instruction"] if self.own_prompt is None else self.own_prompt

    @property
    def answers(self) -> dict[str, str]:
        """Letter -> response of the data set's row."""
        return {letter(i): c["response"] for i, c in enumerate(self.row["completions"])}

    def response(self, side: str) -> str:
        """The text of y⁺ ("plus") or y⁻ ("minus")."""
        return self.own[side] if self.chosen[side] == OWN else self.answers[self.chosen[side]]

    def prompts(self, n: int = 5) -> list[int]:
        """Rows to start from: the first, and the shortest prompt of each further stretch of the data set."""
        size = len(self.feedback)
        stretches = [range(i * size // n, (i + 1) * size // n) for i in range(1, n)]
        return [0, *(min(s, key=lambda i: len(self.instructions[i])) for s in stretches if s and s[0])]

    # What the learner does

    def go(self, index: int) -> None:
        """To the data set's row `index`, counted from 0, and its prompt; stops at both ends."""
        self.own_prompt = None
        self.index = min(max(int(index), 0), len(self.feedback) - 1)
        self.row = self.feedback[self.index]
        letters = [*self.answers, OWN, OWN][:2]
        self.chosen = {"plus": letters[0], "minus": letters[1]}
        self._hide()

    def type_prompt(self, text: str | None) -> None:
        """A prompt of one's own, the row's answers still there to choose; None: back to the data set's."""
        self.own_prompt = text
        self._hide()

    def choose(self, side: str, choice: str) -> None:
        """y⁺ or y⁻ becomes the answer with this letter, or OWN."""
        self.chosen[side] = choice
        self._hide()

    def type_response(self, side: str, text: str) -> None:
        self.own[side] = text
        if self.chosen[side] == OWN:
            self._hide()

    def swap(self) -> None:
        """Exchange y⁺ and y⁻. Numbers that are shown stay, with the other sign: another pick."""
        flip, chosen, own = self.shown, self.chosen, self.own
        self.chosen = {"plus": chosen["minus"], "minus": chosen["plus"]}
        self.own = {"plus": own["minus"], "minus": own["plus"]}
        self._hide()
        if flip:
            self.shown = flip.swapped()
            self._keep(None)

    def reveal(self, guess: int | None) -> None:
        """Show the numbers, once a sign of the gap (+1 or -1) is foretold. Problem where that cannot be."""
        if self.shown:
            return
        if guess not in GUESSES:
            raise Problem("First commit a guess in step 3: which of the two does the model find likelier?")
        self.shown, self.guess = self.compare(), guess
        self._keep(guess)

    def switch(self, bug: str, on: bool) -> None:
        """A bug on or off; the right numbers stay in the table beside it."""
        (self.switched_on.add if on else self.switched_on.discard)(bug)

    def see(self, view: str) -> None:
        """What the strips show: one of VIEWS."""
        if view != VIEWS[0] and self.ref is None:
            raise Problem("There is no reference here: GapExplorer(ref=…) gives one.")
        self.view = view

    # What follows

    def bug_rows(self) -> list[Bug]:
        """The right numbers; then each bug that is on, by itself; then, where several are on, all at once."""
        on = [name for name in BUGS if name in self.switched_on]
        together = [self.shown.bug(*on)] if len(on) > 1 else []
        return [self.shown.bug(), *map(self.shown.bug, on), *together]

    def problem(self) -> str | None:
        """Why this pair cannot be compared, in plain words."""
        if not self.prompt.strip():
            return "The prompt is empty: type a question, or take one from the data set."
        for side, name in NAMES.items():
            if not self.response(side).strip():
                return f"{name} is empty: type a response in its text box, or choose another answer."
        if self.response("plus") == self.response("minus"):
            return (
                "y⁺ and y⁻ are the same text, so their gap is 0 for any model: choose two different answers."
            )
        return None

    def compare(self) -> Comparison:
        """Score the pair, without revealing or keeping anything. Problem where a policy cannot."""
        if problem := self.problem():
            raise Problem(problem)
        pair = [self.response("plus"), self.response("minus")]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the scores carry the same words
                scores = self.policy.score_many(self.prompt, pair)
                refs = self.ref.score_many(self.prompt, pair) if self.ref else (None, None)
        except ValueError as error:  # such as a text longer than the context
            text = str(error)
            raise Problem(text[:1].upper() + text[1:] + ".") from error
        if not all(math.isfinite(s.total) for s in (*scores, *refs) if s):
            raise Problem(
                "The model gives log-probabilities that are not finite: its weights may be damaged."
            )
        return Comparison(*scores, *refs, self.beta, self._work(pair) if self.bugs else None)

    def _work(self, pair: list[str]) -> Working:
        key = (self.prompt, *pair)
        if self._working is None or self._working[0] != key:
            self._working = key, working(self.policy, self.prompt, pair)
        return self._working[1]

    @property
    def guesses(self) -> tuple[int, int]:
        """How many guesses were right, of how many; earlier sessions count, ties do not."""
        picks = self.ledger.records
        made = [p["guess"] * p["gap"] for p in picks if p.get("guess") in GUESSES and p["gap"]]
        return sum(product > 0 for product in made), len(made)

    def _hide(self) -> None:
        self.shown: Comparison | None = None
        self.guess: int | None = None

    def _keep(self, guess: int | None) -> None:
        """Append the pick, and whatever could not be written before."""
        pair = self.response("plus"), self.response("minus")
        pick = new_pick(self.prompt, *pair, guess, self.shown.gap, self.policy.name)
        trouble = self.ledger.add(pick)
        self.notices = [f"{trouble} Another file: GapExplorer(picks=…)."] if trouble else []


def _policy(policy) -> Policy:
    return load_policy(policy) if isinstance(policy, str | Path) else policy


def _bundled_feedback():
    from ..feedback import load_feedback

    return load_feedback(split="train")


def _column(rows, name: str) -> list:
    """One column of a data set, which reads it in one go, or of a list of rows."""
    return list(rows[name]) if hasattr(rows, "column_names") else [row[name] for row in rows]
