"""A pair: a prompt x, the chosen response y⁺ and the rejected y⁻. What is wrong with one, and its texts.

Texts may be plain or lists of messages, {"role", "content"}. `as_pair` brings any pair without problems into
the columns of HuggingFaceH4/ultrafeedback_binarized.
"""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Iterator

from .schemas import FINITE, MESSAGES, NUMBER, PAIR, TEXT, WORDS, FeedbackError, Problem, find_problems, show

SIDES = ("chosen", "rejected")
ROLES = ("system", "user", "assistant", "tool")


def prompt_id(prompt: str) -> str:
    """The SHA-256 of a prompt in hex, ultrafeedback_binarized's key of a row."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def as_pair(row: dict) -> dict:
    """Any pair without problems, in ultrafeedback_binarized's columns."""
    chosen, rejected = conversation(row, "chosen"), conversation(row, "rejected")
    prompt = row["prompt"]
    if not isinstance(prompt, str):
        prompt = next((m["content"] for m in prompt if m["role"] == "user"), prompt[0]["content"])
    return {
        "prompt": prompt,
        "prompt_id": row.get("prompt_id") or prompt_id(prompt),
        "chosen": chosen,
        "rejected": rejected,
        "messages": chosen,
        "score_chosen": score(row, "chosen"),
        "score_rejected": score(row, "rejected"),
    }


def pair_texts(row: dict) -> tuple[str | list[dict], str, str]:
    """(x, y⁺, y⁻) of a pair, ready for policy.gap: responses are the last messages of chosen and rejected.

    x is a string where it is one user message, else the list of messages before the response.
    """
    for problem in pair_problems(row):
        raise FeedbackError(problem)
    *context, chosen = conversation(row, "chosen")
    single = len(context) == 1 and context[0]["role"] == "user"
    rejected = conversation(row, "rejected")[-1]
    return context[0]["content"] if single else context, chosen["content"], rejected["content"]


def conversation(row: dict, side: str) -> list[dict]:
    """The messages of one side, the prompt's first and the response last."""
    prompt, said = row["prompt"], row[side]
    context = [_message("user", prompt)] if isinstance(prompt, str) else [_message(**m) for m in prompt]
    if isinstance(said, str):
        return [*context, _message("assistant", said)]
    said = [_message(**m) for m in said]
    return [*context, *said] if said[0]["role"] == "assistant" else said


def _message(role: str, content: str, **_) -> dict:
    return {"content": content, "role": role}


def score(row: dict, side: str) -> float | None:
    """The score in its own column or, as in some exports, under "metadata"."""
    metadata = row.get("metadata")
    return row.get(f"score_{side}", metadata.get(f"score_{side}") if isinstance(metadata, dict) else None)


# Checks


def pair_problems(row) -> Iterator[Problem]:
    """What keeps a row from being a pair, its texts as messages or as plain text."""
    if not isinstance(row, dict):
        yield from find_problems(row, PAIR)
        return
    schema = {"prompt": MESSAGES if isinstance(row.get("prompt"), list) else WORDS}
    for side in SIDES:
        schema[side] = WORDS if isinstance(row.get(side), str) else MESSAGES
    problems = list(find_problems(row, schema))
    for side in SIDES:
        problems += find_problems(score(row, side), NUMBER, f"score_{side}")
    problems += find_problems(row.get("prompt_id"), TEXT, "prompt_id")
    yield from problems or _conversation_problems(row)


def strict_pair_problems(row) -> Iterator[Problem]:
    """Besides: roles and scores that no trainer can use, though the row is a pair."""
    problems = list(pair_problems(row))
    yield from problems or (*_role_problems(row), *_score_problems(row))


def _role_problems(row: dict) -> Iterator[Problem]:
    if row.get("messages") is not None:
        yield from find_problems(row["messages"], MESSAGES, "messages")
    for name in ("prompt", *SIDES):
        for i, message in enumerate(row[name] if isinstance(row[name], list) else ()):
            if message["role"] not in ROLES:
                remedy = f"use one of {', '.join(ROLES)}: chat templates know these"
                yield Problem(f"{name}[{i}].role", show(message["role"]), remedy)


def _score_problems(row: dict) -> Iterator[Problem]:
    scores = {f"score_{side}": score(row, side) for side in SIDES}
    problems = [problem for name, value in scores.items() for problem in find_problems(value, FINITE, name)]
    yield from problems
    chosen, rejected = scores.values()
    if not problems and None not in (chosen, rejected) and chosen < rejected:
        found = f"{chosen}, less than the {rejected} of the rejected response"
        yield Problem("score_chosen", found, "swap the two responses, or leave the row out")


def _conversation_problems(row: dict) -> Iterator[Problem]:
    """A pair whose fields fit, but not together."""
    contexts = {}
    for side in SIDES:
        *contexts[side], last = conversation(row, side)
        if last["role"] != "assistant":
            remedy = "end with the response, the assistant's message"
            yield Problem(f"{side}[{len(contexts[side])}].role", show(last["role"]), remedy)
        elif not _holds(contexts[side], row["prompt"]):
            first = reprlib.repr(contexts[side][0]["content"])
            found = f"messages that begin with {first}, not with the prompt {reprlib.repr(row['prompt'])}"
            yield Problem(f"{side}[0].content", found, "make it the prompt, word for word")
    if contexts["chosen"] != contexts["rejected"]:
        found = "other messages before its response than chosen has"
        yield Problem("rejected", found, "compare two responses to the same messages")


def _holds(context: list[dict], prompt: str | list[dict]) -> bool:
    if isinstance(prompt, list):
        return context[: len(prompt)] == [_message(**m) for m in prompt]
    return prompt.strip() in {m["content"].strip() for m in context if m["role"] == "user"}
