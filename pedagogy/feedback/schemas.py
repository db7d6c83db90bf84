"""UltraFeedback's two schemas as plain Python, and what is wrong with a row that does not fit.

A schema stands here once: Arrow types are made from it, and every row is checked against it.
Sources: Cui et al. 2023 (arXiv 2310.01377) and the data set HuggingFaceH4/ultrafeedback_binarized.
"""

from __future__ import annotations

import copy
import math
import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Features

ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a data set; field is such as completions[2].response, rows count from 0."""

    field: str
    found: str
    remedy: str
    row: int | None = None
    source: str = ""

    def __str__(self) -> str:
        row = None if self.row is None else f"row {self.row}"
        where = ", ".join(part for part in (self.source, row, f"field {self.field!r}") if part)
        return f"{where}: found {self.found}. To mend it: {self.remedy}."


class FeedbackError(ValueError):
    """Data that cannot be used. Message and `.problem` say field, row, what was found and the remedy."""

    @property
    def problem(self) -> Problem:
        return self.args[0]


# The schemas: a dict is an object, [item] a list, a Leaf one value


@dataclass(frozen=True)
class Leaf:
    dtype: str
    needed: bool = False  # neither null nor empty
    scale: tuple[float, float] | None = None  # the least and the most that it may be


TEXT, WORDS = Leaf("string"), Leaf("string", needed=True)
NUMBER, SCORE = Leaf("float64"), Leaf("float64", needed=True)
FINITE = Leaf("float64", scale=(-math.inf, math.inf))
NUMERAL = r"[+-]?\d+(\.\d*)?"
NOT_RATED = "N/A"  # what stands for a rating where an aspect does not apply
RATINGS, OVERALL = (1, 5), (1, 10)  # UltraFeedback's two scales
EXACT = 2**53  # whole numbers beyond it are no longer exact as floats
WHOLE, FILE = "(the row)", "(file)"  # fields of problems that concern no field
KINDS = {"string": (str, "text"), "float64": ((int, float), "a number")}

RATED = {"Rating": TEXT, "Rationale": TEXT}
TYPED = {"Type": [TEXT], "Rationale": TEXT, "Rating": TEXT, "Rationale For Rating": TEXT}
RAW = {
    "source": TEXT,
    "instruction": WORDS,
    "models": [TEXT],
    "completions": [
        {
            "annotations": dict(zip(ASPECTS, (RATED, RATED, TYPED, TYPED), strict=True)),
            "custom_system_prompt": TEXT,
            "model": TEXT,
            "principle": TEXT,
            "response": WORDS,
            "critique": TEXT,
            "fine-grained_score": NUMBER,
            "overall_score": NUMBER,
        }
    ],
    "correct_answers": [TEXT],
    "incorrect_answers": [TEXT],
}
BINARIZABLE = {"instruction": WORDS, "completions": [{"response": WORDS, "overall_score": SCORE}]}
RATED_ONLY = {
    "instruction": WORDS,
    "completions": [{"response": WORDS, "annotations": {aspect: {"Rating": TEXT} for aspect in ASPECTS}}],
}
MESSAGES = [{"content": WORDS, "role": WORDS}]
PAIR = {
    "prompt": WORDS,
    "prompt_id": TEXT,
    "chosen": MESSAGES,
    "rejected": MESSAGES,
    "messages": MESSAGES,
    "score_chosen": NUMBER,
    "score_rejected": NUMBER,
}


def strict(schema: dict = RAW) -> dict:
    """RAW as it is published: every rating given, scores on their scales. What `validate` asks for."""
    schema = copy.deepcopy(schema)
    completion = schema["completions"][0]
    for aspect in completion["annotations"].values():
        aspect["Rating"] = Leaf("string", needed=True, scale=RATINGS)
    completion["overall_score"] = Leaf("float64", needed=True, scale=OVERALL)
    completion["fine-grained_score"] = Leaf("float64", scale=RATINGS)
    return schema


def to_features(schema: dict) -> Features:
    """The Arrow types of a schema, as `datasets` writes them."""
    from datasets import Features, Value

    def convert(node):
        if isinstance(node, dict):
            return {key: convert(inner) for key, inner in node.items()}
        return [convert(node[0])] if isinstance(node, list) else Value(node.dtype)

    return Features(convert(schema))


# Checks: a row in, its problems out


def find_problems(value, schema, field: str = "") -> Iterator[Problem]:
    """All the places where `value` does not fit `schema`. Null is fine where nothing in it is needed."""
    if value is None or (isinstance(schema, list) and isinstance(value, list) and not value):
        if _needed(schema):
            found = "nothing (null)" if value is None else "an empty list"
            yield Problem(field or WHOLE, found, "fill it in, or leave the row out")
    elif isinstance(schema, Leaf):
        yield from _leaf_problems(value, schema, field)
    elif not isinstance(value, type(schema)):
        yield Problem(field or WHOLE, show(value), f"make it {_expected(schema)}")
    elif isinstance(schema, list):
        for i, item in enumerate(value):
            yield from find_problems(item, schema[0], f"{field}[{i}]")
    else:
        for key, inner in schema.items():
            name = f"{field}.{key}" if field else key
            if key in value:
                yield from find_problems(value[key], inner, name)
            else:
                found = f"no such field, only {', '.join(map(str, value)) or 'none'}"
                yield Problem(name, found, f"add it ({_expected(inner)}), or rename the field that holds it")


def _leaf_problems(value, leaf: Leaf, field: str) -> Iterator[Problem]:
    python, expected = KINDS[leaf.dtype]
    if isinstance(value, bool) or not isinstance(value, python):
        yield Problem(field, show(value), f"make it {expected}" + _hint(value, leaf))
    elif isinstance(value, str):
        yield from _text_problems(value, leaf, field)
    elif isinstance(value, int) and abs(value) > EXACT:
        yield Problem(field, show(value), "give a number of a usual size")
    elif (leaf.needed or leaf.scale) and not math.isfinite(value):
        yield Problem(field, f"the number {value}", "give a finite number, or leave the row out")
    elif leaf.scale and not leaf.scale[0] <= value <= leaf.scale[1]:
        yield Problem(field, show(value), _on_scale(leaf))


def _text_problems(value: str, leaf: Leaf, field: str) -> Iterator[Problem]:
    if leaf.needed and not value.strip():
        yield Problem(field, "empty text", "fill it in, or leave the row out")
    elif leaf.scale and value.strip() != NOT_RATED:
        rating = numeral(value)
        if rating is None or not leaf.scale[0] <= rating <= leaf.scale[1]:
            yield Problem(field, show(value), f"{_on_scale(leaf)}, or {NOT_RATED!r} where it does not apply")
    if not value.isascii() and re.search("[\ud800-\udfff]", value):
        yield Problem(field, "half a character (a lone surrogate)", "read the text again as UTF-8")


def numeral(text) -> float | None:
    """A number written as text, such as a rating, or None where it is something else."""
    return float(str(text)) if re.fullmatch(NUMERAL, str(text).strip()) else None


def _on_scale(leaf: Leaf) -> str:
    least, most = leaf.scale
    return f"give a number from {least} to {most}"


def _needed(schema) -> bool:
    if isinstance(schema, Leaf):
        return schema.needed
    return any(map(_needed, schema.values() if isinstance(schema, dict) else schema))


def _expected(schema) -> str:
    if isinstance(schema, Leaf):
        return KINDS[schema.dtype][1]
    if isinstance(schema, list):
        return "a list of " + {"text": "texts"}.get(_expected(schema[0]), _expected(schema[0]))
    return "{" + ", ".join(schema) + "} objects"


def show(value) -> str:
    """A value in a message: its kind, and its beginning."""
    kinds = {str: "the text", bool: "the truth value", int: "the number", float: "the number", list: "a list"}
    return f"{kinds.get(type(value), type(value).__name__)} {reprlib.repr(value)}"


def _hint(value, leaf: Leaf) -> str:
    if isinstance(value, str) and leaf.dtype == "float64":
        return f": {value.strip()} without quotation marks" if re.fullmatch(NUMERAL, value.strip()) else ""
    return ""
