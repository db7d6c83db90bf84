"""A learner's answer: a function tried on inputs of the check's own, or numbers; compared with what is known.

A function may raise, and it cannot spoil anything: it gets copies.
"""

from __future__ import annotations

import copy
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .finding import CLOSE, Finding, plain, shown

EXACT = 1e-3  # nats, on numbers that a function works out: float32 sums of some hundred tokens agree so far
RELATIVE = 1e-5


class Mistake(NamedTuple):
    """The wrong answer that it gives, and what to tell the learner."""

    value: object
    why: str
    hint: str | None = None
    reread: str | None = None


class Refused(Exception):
    """An answer that cannot be compared with anything; it carries the finding that says why."""

    def __init__(self, mistake: str, message: str, hint: str | None = None, reread: str | None = None):
        super().__init__(message)
        self.finding = Finding(False, mistake, message, hint, reread)


class Misused(TypeError):
    """A check that the notebook calls wrongly: no answer is to blame."""


def diagnosed(check: Callable[..., Finding]) -> Callable[..., Finding]:
    """A check that returns a finding, whatever the answer: that of a Refused, or that it cannot be compared.

    TypeError where what should come after the answer is missing.
    """
    signature = inspect.signature(check)

    @wraps(check)
    def checked(answer, *given, **by_name) -> Finding:
        signature.bind(answer, *given, **by_name)  # outside of try: whoever writes a notebook must hear of it
        try:
            return check(plain(answer), *given, **by_name)
        except Refused as refused:
            return refused.finding
        except Misused:
            raise
        except Exception as error:  # the last resort: an answer that nobody thought of
            told = f"This, or what it gives, cannot be compared with the right answer: {shown(answer)}"
            return Finding(False, "type", f"{told}. Trying it raised {shown(error)}.")

    return checked


def after_answer(given: tuple, *names: str) -> tuple:
    """`given`, what a check got after the answer, one for each name. Misused where it is more or less."""
    if len(given) != len(names):
        raise Misused(f"after the answer give {', '.join(names)}: {len(names)} things, not {len(given)}")
    return given


def call(function: Callable, *inputs) -> tuple[object, bool]:
    """What it returns, and whether it wrote into its inputs, which are copies. Refused where it raises."""
    given = copy.deepcopy(inputs)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            value = function(*given)
        except Exception as error:
            raise _raised(function, error, inputs) from error
    return value, any(_changed(a, b) for a, b in zip(inputs, given, strict=True))


def _changed(before, after) -> bool:
    """Of tensors, and of plain Python's containers of plain values."""
    if isinstance(before, Tensor):
        return not torch.equal(before, after)
    return isinstance(before, (dict, list, set)) and before != after


def tried(answer, wanted: str, cases: Sequence[tuple]) -> tuple[list, bool]:
    """What a function returns for each of these inputs, and whether it changed any. Refused where `answer`
    is no function, raises, or returns nothing at all.
    """
    if answer is None or answer is ...:
        raise Refused("no answer", f"No answer yet: {wanted} is wanted.")
    if not callable(answer):
        raise Refused("type", f"Wanted: {wanted}. This is a {type(answer).__name__}.")
    values, wrote = zip(*(call(answer, *case) for case in cases), strict=True)
    if all(value is None or value is ... for value in values):
        raise Refused(
            "no answer", "No answer yet: your function gives None.", "It needs a return at its end."
        )
    return list(values), any(wrote)


def unspoilt(finding: Finding, wrote: bool) -> Finding:
    """The finding, but a right one only where the function left its inputs as they were."""
    if not (finding.right and wrote):
        return finding
    hint = "Build a new object and return it, or start from a copy: whoever called you still needs theirs."
    return Finding(
        False, "changes its input", "The values are right, but your function changes what it is given.", hint
    )


def call_either(function: Callable, *inputs) -> object:
    """What it returns for tensors, or where it wants numpy's arrays, for these."""
    try:
        return call(function, *inputs)[0]
    except Refused:
        arrays = [x.numpy() if isinstance(x, Tensor) else x for x in inputs]
        try:
            return call(function, *arrays)[0]
        except Refused:
            pass
        raise


def _raised(function: Callable, error: Exception, inputs: tuple) -> Refused:
    code = getattr(inspect.unwrap(function), "__code__", None)
    steps = traceback.extract_tb(error.__traceback__)
    own = [step for step in steps if code and step.filename == code.co_filename]
    where = f", at line {own[-1].lineno}: {own[-1].line}" if own else ""
    shapes = ", ".join(f"{type(x).__name__} {tuple(getattr(x, 'shape', ())) or ''}".strip() for x in inputs)
    return Refused(
        "error", f"Your function raised {type(error).__name__}: {error}{where}",
        f"It was called with {len(inputs)} inputs: {shapes}. Call it so yourself, and look at each shape.",
    )  # fmt: skip


def as_numbers(value) -> np.ndarray | None:
    """Numbers in a tensor, an array, a list or a tuple, nested as may be, as float64; None for others."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().double().numpy()
    elif isinstance(value, (list, tuple)):
        value = [as_numbers(row) for row in value]
        if any(row is None for row in value):
            return None
    elif isinstance(value, (str, bytes)) or value is None:
        return None
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def as_wanted(value, wanted: str, *shapes: tuple[int, ...]) -> np.ndarray:
    """`value` as numbers of one of these shapes. Refused where it is none, or holds a NaN."""
    if value is None or value is ...:
        hint = "A function needs a return at its end. A value goes in place of None."
        raise Refused("no answer", f"No answer yet: {wanted} is wanted, and this is {value}.", hint)
    given = as_numbers(value)
    if given is None or isinstance(value, bool):
        raise Refused("type", f"Wanted: {wanted}. This is {shown(value)}, of type {type(value).__name__}.")
    if given.shape not in shapes:
        raise Refused("shape", f"Wanted: {wanted}, of shape {shapes[0]}. This has shape {given.shape}.")
    if np.isnan(given).any():
        hint = "0 × −∞ and −∞ − (−∞) are not numbers. Leave positions out with masked_fill or where."
        raise Refused("not a number", "There is a NaN among your numbers.", hint)
    return given


def flat(parts: Sequence) -> np.ndarray:
    """Several arrays end to end."""
    return np.concatenate([as_numbers(part).ravel() for part in parts])


def same(given: np.ndarray, truth, exact: float = EXACT) -> bool:
    truth = as_numbers(truth)
    return given.shape == truth.shape and bool(np.allclose(given, truth, RELATIVE, exact))


def compare(
    given, truth, mistakes: Mapping[str, Mistake], right: str, reread: str, exact: float = CLOSE
) -> Finding:
    """Right, a catalogued mistake, or neither. `given` and all values: numbers of one shape."""
    given = as_numbers(given)
    if same(given, truth, exact):
        return Finding(True, None, right)
    for name, mistake in mistakes.items():
        if same(given, mistake.value, exact):
            return named(name, mistake.why, mistake.hint, mistake.reread or reread)
    hint = "Try it on one token, or two, where you can work it out by hand."
    return Finding(False, "unknown", "Not that, nor a mistake known here.", hint, reread)


def named(name: str, why: str, hint: str | None = None, reread: str | None = None) -> Finding:
    return Finding(False, name, f"This is exactly the “{name}” result: {why}.", hint, reread)
