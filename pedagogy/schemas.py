"""UltraFeedback's two schemas as plain Python, and what is wrong with a row that does not fit.

A schema stands here once: Arrow types are made from it, and every row is checked against it.
Sources: Cui et al. 2023 (arXiv 2310.01377) and the data set HuggingFaceH4/ultrafeedback_binarized.
"""

from __future__ import annotations

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


TEXT, WORDS = Leaf("string"), Leaf("string", needed=True)
NUMBER, SCORE = Leaf("float64"), Leaf("float64", needed=True)
NUMERAL = r"[+-]?\d+(\.\d*)?"
WHOLE = "(the row)"
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
        if leaf.needed and not value.strip():
            yield Problem(field, "empty text", "fill it in, or leave the row out")
        if not value.isascii() and re.search("[\ud800-\udfff]", value):
            yield Problem(field, "half a character (a lone surrogate)", "read the text again as UTF-8")
    elif leaf.needed and not math.isfinite(value):
        yield Problem(field, f"the number {value}", "give a finite number, or leave the row out")


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
