"""Pairs as whole transcripts, the form of Anthropic/hh-rlhf (Bai et al. 2022, arXiv 2204.05862).

A row is {"chosen": T, "rejected": T′}, each a conversation as one text,

    "\\n\\nHuman: How do I boil an egg?\\n\\nAssistant: Simmer it for nine minutes."

The two agree in all but the last answer: what they share is the prompt.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator

from .pair_rows import SIDES, pair_problems
from .schemas import WORDS, Problem, find_problems

ROLES = {"Human": "user", "Assistant": "assistant"}
TURN = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")


def is_transcript(row) -> bool:
    """Whether a row is a pair of transcripts: no prompt of its own, and texts that begin with a speaker."""
    if not isinstance(row, dict) or row.get("prompt") is not None:
        return False
    return any(isinstance(row.get(side), str) and TURN.match(row[side]) for side in SIDES)


def parse(text: str) -> list[dict]:
    """A transcript as messages [{"content", "role"}, …], without the blanks around each."""
    _, *parts = TURN.split(text)  # before the first speaker stands nothing
    turns = zip(parts[::2], parts[1::2], strict=True)
    return [{"content": said.strip(), "role": ROLES[speaker]} for speaker, said in turns]


def as_messages(row: dict) -> dict:
    """A pair of transcripts without problems as a pair of messages: prompt, chosen, rejected."""
    sides = {side: parse(row[side]) for side in SIDES}
    return {**row, "prompt": sides["chosen"][:-1], **sides}


def transcript_problems(row) -> Iterator[Problem]:
    """Why a row cannot be split into a prompt and two responses."""
    problems = list(find_problems(row, dict.fromkeys(SIDES, WORDS)))
    for side in SIDES if not problems else ():
        problems += _turn_problems(row[side], side)
    yield from problems or _split_problems(row)


def _turn_problems(text: str, side: str) -> Iterator[Problem]:
    """What is wrong with one transcript by itself."""
    turns = parse(text)
    if not TURN.match(text):
        found = f"a text that begins with {reprlib.repr(text)}"
        yield Problem(side, found, "begin it with '\\n\\nHuman: ', or give the prompt as a column of its own")
    elif turns[-1]["role"] != "assistant":
        yield Problem(side, "a transcript that ends with the human", "end it with the assistant's answer")
    elif len(turns) == 1:
        yield Problem(side, "an answer without a question", "begin with what the human said")
    else:
        for i, turn in enumerate(turns):
            if not turn["content"]:
                yield Problem(f"{side}[{i}].content", "an empty turn", "fill it in, or leave the row out")


def _split_problems(row: dict) -> Iterator[Problem]:
    """Two transcripts, each fine, that are not two answers to the same conversation."""
    before, other = (parse(row[side])[:-1] for side in SIDES)
    if before == other:
        yield from pair_problems(as_messages(row))
        return
    turn = next((i for i, (a, b) in enumerate(zip(before, other, strict=False)) if a != b), None)
    if turn is None:
        found = f"{len(other)} turns before its last answer, where chosen has {len(before)}"
    else:
        said = reprlib.repr(other[turn]["content"])
        found = f"another conversation from turn {turn} on ({said})"
    yield Problem("rejected", found, "compare two answers to the same conversation, or leave the row out")
