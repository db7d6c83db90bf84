"""Reading feedback for people to look at: what is missing or odd is shown as such and stops nothing.

A row is raw feedback (a prompt and its completions) or a pair (chosen and rejected, as messages or as text).
`feedback` is strict, because numbers are made from its rows; a browser must show the broken ones too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..feedback import letter
from ..feedback.schemas import ASPECTS, FeedbackError, Problem, show
from ..orders import best

CHOSEN, REJECTED = "y⁺ chosen", "y⁻ rejected"
SCORES = ("score_{}", "{}_score", "{}_rating", "{}-rating")  # a pair's score, as exports name it
OTHER_ROWS = "give rows with instruction and completions, or with prompt, chosen and rejected"
LARGEST = 1e9  # of a score: a larger one is no score, and no slider could reach it
NOTHING = ("", "None", "none", "N/A")  # a list or note that says no more than this is left out


@dataclass(frozen=True)
class Rating:
    """One aspect of one answer: the rating as it stands, its value (nan: none), and what goes with it."""

    aspect: str
    given: str
    value: float
    notes: tuple[tuple[str, str], ...]  # (heading, text), such as ("Rationale", "…")


@dataclass(frozen=True)
class Answer:
    """One response with everything that was said about it. `score` is nan where there is no number."""

    name: str
    text: str
    score: float = math.nan
    score_given: str = ""
    model: str = ""
    principle: str = ""
    system: str = ""
    ratings: tuple[Rating, ...] = ()
    critique: str | None = None  # None: this schema has none

    @property
    def words(self) -> int:
        return count_words(self.text)

    @property
    def mean(self) -> float:
        """Of the ratings in the four aspects; nan unless all four are numbers."""
        values = [rating.value for rating in self.ratings if rating.aspect in ASPECTS]
        return sum(values) / len(values) if values else math.nan


@dataclass(frozen=True)
class Row:
    """One row, ready to be shown."""

    is_pair: bool
    turns: list[tuple[str, str]]  # (role, text), the prompt last
    answers: list[Answer]
    source: str = ""
    asides: list[tuple[str, str]] = field(default_factory=list)  # (heading, text): reference answers
    notes: list[str] = field(default_factory=list)  # what is odd about the row

    @property
    def prompt(self) -> str:
        return self.turns[-1][1] if self.turns else ""

    @property
    def best(self) -> list[str]:
        """The names of the answers with the highest score: several on a tie, none without scores."""
        scores = {a.name: a.score for a in self.answers if not math.isnan(a.score)}
        return best(scores) if scores else []

    def twins(self, answer: Answer) -> list[str]:
        """Other answers with the very same text."""
        return [a.name for a in self.answers if a.name != answer.name and a.text == answer.text]


def read_row(row: Mapping, number: int | None = None) -> Row:
    """A row for people. FeedbackError, with the row's number, where it is no row of either schema."""
    return _pair(row) if is_pair(row, number) else _raw(row)


def is_pair(row: Mapping, number: int | None = None) -> bool:
    """Whether it is a pair; else it is raw feedback."""
    if not isinstance(row, Mapping):
        raise FeedbackError(Problem("(the row)", show(row), OTHER_ROWS, number))
    paired = "chosen" in row and "rejected" in row
    if not paired and "completions" not in row:
        found = f"only {', '.join(map(str, row)) or 'nothing'}"
        raise FeedbackError(Problem("(the row)", found, OTHER_ROWS, number))
    return paired and not row.get("completions")


# Single values


def to_text(value) -> str:
    """Any value as text, None as nothing. Half a character (a lone surrogate) cannot be sent: now a �."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)


def to_number(value) -> float:
    """A number, or a text that holds one; nan for anything else, such as "N/A", or beyond all scales."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if abs(number) <= LARGEST else math.nan


def count_words(text: str) -> int:
    return len(text.split())


def completions_of(row: Mapping) -> list:
    completions = row.get("completions")
    return list(completions) if isinstance(completions, list | tuple) else []


def response_of(completion) -> str:
    """A completion's text; a bare text counts as one."""
    return to_text(completion.get("response") if isinstance(completion, Mapping) else completion)


def annotation_of(completion, aspect: str) -> Mapping:
    """What was said in one aspect, {} where nothing was."""
    given = completion.get("annotations") if isinstance(completion, Mapping) else None
    found = given.get(aspect) if isinstance(given, Mapping) else None
    return found if isinstance(found, Mapping) else {} if found is None else {"Rating": found}


def rating_of(completion, aspect: str) -> float:
    return to_number(annotation_of(completion, aspect).get("Rating"))


def score_of(completion) -> float:
    return to_number(completion.get("overall_score")) if isinstance(completion, Mapping) else math.nan


def pair_score(row: Mapping, side: str):
    """The score of "chosen" or "rejected", in a column of its own or under "metadata"; None: no score."""
    metadata = row.get("metadata")
    for place in (row, metadata if isinstance(metadata, Mapping) else {}):
        for name in SCORES:
            if (found := place.get(name.format(side))) is not None:
                return found
    return None


def prompt_of(row: Mapping) -> str:
    """The text that a search looks into."""
    return "\n".join(text for _, text in _turns(row))


def pair_answer(row: Mapping, side: str) -> str:
    """The response of one side: the last message, or the text."""
    messages = _messages(row.get(side))
    return messages[-1][1] if messages else ""


# Rows


def _raw(row: Mapping) -> Row:
    answers = [_answer(i, completion) for i, completion in enumerate(completions_of(row))]
    notes = [] if answers else ["This row has no completions."]
    return Row(False, _turns(row), answers, to_text(row.get("source")), list(_asides(row)), notes)


def _answer(i: int, completion) -> Answer:
    about = completion if isinstance(completion, Mapping) else {}
    given = about.get("annotations")
    others = [key for key in given if key not in ASPECTS] if isinstance(given, Mapping) else []
    return Answer(
        name=letter(i) if i < 26 else f"no. {i + 1}",
        text=response_of(completion),
        score=score_of(completion),
        score_given=to_text(about.get("overall_score")),
        model=to_text(about.get("model")),
        principle=to_text(about.get("principle")),
        system=to_text(about.get("custom_system_prompt")),
        ratings=tuple(_rating(completion, aspect) for aspect in (*ASPECTS, *others)),
        critique=to_text(about.get("critique")),
    )


def _rating(completion, aspect: str) -> Rating:
    found = annotation_of(completion, aspect)
    notes = ((to_text(key), _joined(value)) for key, value in found.items() if key != "Rating")
    said = tuple((key, text) for key, text in notes if text not in NOTHING)
    return Rating(to_text(aspect), to_text(found.get("Rating")), to_number(found.get("Rating")), said)


def _asides(row: Mapping) -> Iterator[tuple[str, str]]:
    """TruthfulQA's rows come with answers known to be right, and known to be wrong."""
    for key in ("correct_answers", "incorrect_answers"):
        if (text := _joined(row.get(key), "\n")) not in NOTHING:
            yield key, text


def _joined(value, mark: str = ", ") -> str:
    items = value if isinstance(value, list | tuple) else [value]
    return mark.join(text for text in map(to_text, items) if text)


def _pair(row: Mapping) -> Row:
    answers = []
    for side, name in (("chosen", CHOSEN), ("rejected", REJECTED)):
        given, model = pair_score(row, side), row.get(f"{side}_model", row.get(f"{side}-model"))
        text = pair_answer(row, side)
        answers.append(Answer(name, text, to_number(given), to_text(given), model=to_text(model)))
    return Row(True, _turns(row), answers, to_text(row.get("source")), notes=list(_pair_notes(row)))


def _pair_notes(row: Mapping) -> Iterator[str]:
    scores = [to_number(pair_score(row, side)) for side in ("chosen", "rejected")]
    if any(map(math.isnan, scores)):
        yield "Without two scores there is no margin."
    else:
        lead = f"score of chosen {scores[0]:g} − score of rejected {scores[1]:g} = {scores[0] - scores[1]:g}"
        verdict = {1: "", 0: ": a tie", -1: ": the rejected one scores higher"}
        yield lead.replace("= -", "= −") + verdict[(scores[0] > scores[1]) - (scores[0] < scores[1])] + "."
    before = [_messages(row.get(side))[:-1] for side in ("chosen", "rejected")]
    if all(before) and before[0] != before[1]:
        yield "The messages before the two responses differ: they answer different prompts."


def _turns(row: Mapping) -> list[tuple[str, str]]:
    """The conversation that the answers go on with, (role, text) each."""
    prompt = row.get("instruction", row.get("prompt"))
    asked = [(role or "user", text) for role, text in _messages(prompt)]
    before = _messages(row.get("chosen"))[:-1]
    return before if len(before) > len(asked) else asked


def _messages(value) -> list[tuple[str, str]]:
    """A list of messages, or a text as the only one, as (role, text)."""
    items = [] if value is None else value if isinstance(value, list | tuple) else [value]
    return [_message(item) for item in items]


def _message(item) -> tuple[str, str]:
    if isinstance(item, Mapping):
        return to_text(item.get("role")), to_text(item.get("content"))
    return "", to_text(item)
