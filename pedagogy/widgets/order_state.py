"""The order builder's game in plain Python: elements, stated pairs, and what follows from them."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Hashable, Iterable
from itertools import islice, pairwise

import networkx as nx

from ..orders import OrderError, PreferenceOrder
from ..utility import find_utility
from .gap_state import Problem

MOST = 12  # elements: more are no longer a picture
LISTED = 12  # pairs named one by one
CYCLES = 20  # named or counted


class OrderState:
    """Elements, the pairs stated so far, and the way back. Elements are shown, and kept, as text."""

    def __init__(self, elements: Iterable[Hashable], pairs: Iterable[tuple] = ()):
        self.elements = _checked([label(element) for element in elements])
        stated = [tuple(map(label, pair)) if isinstance(pair, tuple | list) else pair for pair in pairs]
        self.order = PreferenceOrder.from_pairs(stated, self.elements)
        self.pairs: list[tuple[str, str]] = stated
        self.notice = ""
        self._past: list[tuple[list, list]] = []

    # What the learner does

    def add(self, a: str, b: str) -> None:
        """State a ≻ b. A pair that contradicts the others is taken too: that is how a cycle is made."""
        if a == b:
            raise Problem(
                f"{a} ≻ {a} is no strict preference: nothing is preferred to itself (≻ is irreflexive). "
                "Pick another element on one side."
            )
        if (a, b) in self.pairs:
            raise Problem(f"{a} ≻ {b} is stated already; saying it twice adds nothing.")
        path = nx.shortest_path(self.order.graph, a, b) if self.order.prefers(a, b) else None
        known = f" That followed already: {' ≻ '.join(path)}." if path else ""
        self._become(self.elements, [*self.pairs, (a, b)], f"Added {a} ≻ {b}.{known}")

    def remove(self, a: str, b: str) -> None:
        """Take a stated pair back; an implied one has nothing to take back."""
        if (a, b) not in self.pairs:
            if a != b and self.order.prefers(a, b):
                path = nx.shortest_path(self.order.graph, a, b)
                raise Problem(
                    f"{a} ≻ {b} is not stated but follows from {' ≻ '.join(path)}: remove one of those pairs."
                )
            raise Problem(f"{a} ≻ {b} is not stated, so there is nothing to remove.")
        left = [pair for pair in self.pairs if pair != (a, b)]
        still = PreferenceOrder.from_pairs(left, self.elements).prefers(a, b)
        note = " It still follows from the others." if still else ""
        self._become(self.elements, left, f"Removed {a} ≻ {b}.{note}")

    def undo(self) -> None:
        if not self._past:
            raise Problem("There is nothing to undo.")
        elements, pairs = self._past.pop()
        self._set(elements, pairs, "Undone.")

    def clear(self) -> None:
        if not self.pairs:
            raise Problem("No pairs are stated, so there is nothing to clear.")
        self._become(self.elements, [], "All pairs removed; Undo brings them back.")

    def type_elements(self, text: str) -> None:
        """New elements, separated by commas, or by semicolons where there is one. Known ones keep pairs."""
        try:
            elements = _checked([name.strip() for name in re.split(";" if ";" in text else ",", text)])
        except OrderError as error:
            raise Problem(f"{error}.") from error
        if elements == self.elements:
            return
        kept = [pair for pair in self.pairs if set(pair) <= set(elements)]
        lost = listed([pair for pair in self.pairs if pair not in kept])
        self._become(elements, kept, f"Dropped with their elements: {lost}." if lost else "")

    @property
    def text(self) -> str:
        """The elements as they would be typed."""
        return ("; " if any("," in name for name in self.elements) else ", ").join(self.elements)

    def _become(self, elements: list[str], pairs: list[tuple[str, str]], notice: str) -> None:
        before = self.elements, self.pairs
        self._set(elements, pairs, notice)
        self._past.append(before)

    def _set(self, elements: list[str], pairs: list[tuple[str, str]], notice: str) -> None:
        self.order = PreferenceOrder.from_pairs(pairs, elements)
        self.elements, self.pairs, self.notice = elements, pairs, notice

    # What follows

    def verdict(self) -> str:
        """What the stated pairs amount to, in a sentence or two."""
        if cycle := self.order.cycle():
            steps = " or ".join(f"{a} ≻ {b}" for a, b in pairwise([*cycle, cycle[0]]))
            return f"A cycle: {cycle!r}. No order contains these pairs. To end it, remove {steps}."
        if not self.pairs:
            return "Nothing is stated yet, so nothing is compared: every two elements are incomparable."
        if not self.order.incomparable_pairs():
            return "A strict total order: every two elements are compared, so there is one ranking."
        weak = ", even a weak order: ∥ can be read as equally good" if self.order.not_weak() is None else ""
        return f"No cycle: these pairs, with all they imply, are a strict partial order{weak}."

    def facts(self) -> list[tuple[str, str]]:
        """(name, what it is now), and where it does not exist: why."""
        order, cycle = self.order, self.order.cycle()
        top = ", ".join(order.maximal())
        return [
            ("Stated", counted(self.pairs, "nothing yet")),
            *([("Cycles", self._cycles())] if cycle else []),
            ("Implied by transitivity", self._implied()),
            ("Maximal", top or "none: to each element another one is preferred"),
            ("Incomparable", counted(order.incomparable_pairs(), "none: every two are compared", " ∥ ")),
            *([("Hasse diagram", NO_HASSE)] if cycle else []),
            ("Linear extensions", self._extensions()),
            ("Is there a reward?", self._reward()),
        ]

    def _implied(self) -> str:
        if cycle := self.order.cycle():
            itself = f"{cycle[0]} ≻ {cycle[0]}"
            return f"{itself}, as for all on a cycle. No strict preference has that: ≻ must be irreflexive"
        extra = [p for p in self.pairs if p not in self.order.hasse().pairs]
        also = f". Stated, but it follows from the rest: {listed(extra)}" if extra else ""
        return counted(sorted(self.implied(), key=self._place), "nothing more") + also

    def implied(self) -> set[tuple[str, str]]:
        """Pairs of the closure that nobody stated."""
        return self.order.closure().pairs - set(self.pairs)

    def _place(self, pair: tuple[str, str]) -> list[int]:
        return [self.elements.index(a) for a in pair]

    def _cycles(self) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are more is said here
            found = self.order.cycles(CYCLES)
            more = len(self.order.cycles(CYCLES + 1)) > CYCLES
        shown = "; ".join(map(repr, found[:5])) + ("; …" if len(found) > 5 else "")
        return f"{'more than ' if more else ''}{len(found)}: {shown}"

    def _extensions(self) -> str:
        """How many rankings contain the order, of all n!."""
        total = f"{math.factorial(len(self.elements)):,}"
        if cycle := self.order.cycle():
            why = f"whichever of {', '.join(cycle)} is ranked first of them, the cycle prefers another to it"
            return f"0 of {total} rankings: {why}"
        count = self.order.count_linear_extensions()
        names = (" ≻ ".join(ranking) for ranking in islice(self.order.linear_extensions(), 4))
        which = f": {'; '.join(names)}" if count <= 4 else ""
        return f"{count:,} of {total} rankings contain{'s' if count == 1 else ''} this order{which}"

    def _reward(self) -> str:
        """Whether numbers r exist with r(x) > r(y) exactly where x ≻ y; a witness where not."""
        if cycle := self.order.cycle():
            chain = " > ".join(f"r({a})" for a in [*cycle, cycle[0]])
            return f"No: it would take {chain}, a number above itself"
        found = find_utility(self.order)
        if isinstance(found, dict):
            ranked = sorted(found.items(), key=lambda item: -item[1])
            return f"Yes, such as {', '.join(f'r({a}) = {value:g}' for a, value in ranked)}"
        return f"No: none has r(x) > r(y) exactly where x ≻ y. The witness: {found!r}"


NO_HASSE = "none: on a cycle nothing is on top, so there are no layers; the picture has the pairs as stated"


def label(element: Hashable) -> str:
    """An element as text; a tuple, as of a product order, as its parts."""
    return " & ".join(map(str, element)) if isinstance(element, tuple) else str(element)


def listed(pairs: list[tuple[str, str]], sign: str = " ≻ ") -> str:
    return ", ".join(sign.join(pair) for pair in pairs[:LISTED]) + (", …" if len(pairs) > LISTED else "")


def counted(pairs: list[tuple[str, str]], none: str, sign: str = " ≻ ") -> str:
    return f"{len(pairs)} pair{'s' * (len(pairs) != 1)}: {listed(pairs, sign)}" if pairs else none


def _checked(names: list[str]) -> list[str]:
    """Names that can be told apart and drawn; OrderError where not."""
    if not all(names):
        raise OrderError("An element without a name: write names between the commas")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise OrderError(f"{twice} is there twice: give each element a name of its own")
    if not 2 <= len(names) <= MOST:
        raise OrderError(f"{len(names)} element{'s' * (len(names) != 1)}: give 2 to {MOST}")
    return names
