"""How preference data are made, stage by stage: a stage takes rows and gives fuller ones.

    rows = sample_prompts(100)            # source, instruction, correct_answers, incorrect_answers
    rows = sample_answers(rows)           # four assistants, each under a hidden principle
    rows = rate(rows, annotator)          # the four on one page: four ratings each, with rationales
    rows = review(rows, annotator)        # each by itself: a critique and an overall_score

A row has UltraFeedback's raw schema from the start, with None where a stage is still to come; rows given to a
stage stay as they are. Every stage has a seed of its own, and what it draws for a row depends on that seed
and the prompt alone. So one stage can be run again with another choice and all the others stay as they were:
two annotators that differ in one knob make the same slips.

`answered` and `annotated` are the same stages on a single row, with a random.Random passed in: `build` makes
the bundled data with them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from pedagogy.howto.annotator import Annotator, verdict_of
from pedagogy.howto.assistants import ASSISTANTS, Assistant
from pedagogy.howto.judge import read_prompt
from pedagogy.howto.prompts import draw_prompt
from pedagogy.howto.voices import load_voices

ROW = ("source", "instruction", "models", "completions", "correct_answers", "incorrect_answers")
COMPLETION = (
    "annotations",
    "custom_system_prompt",
    "model",
    "principle",
    "response",
    "critique",
    "fine-grained_score",
    "overall_score",
)
PRINCIPLES = ("helpfulness", "honesty", "truthfulness", "verbalized_calibration")
PER_PROMPT = 4
MOST_DRAWS = 50  # for each prompt that is wanted


# Stage 1: prompts


def sample_prompts(
    n: int, seed: int = 0, split: str = "train", family: float = 0.6, plain: float = 0.5, myth: float = 0.18
) -> list[dict]:
    """n rows with distinct prompts and no answers. ValueError for an unknown split, or where n are not found.

    Shares of the prompts: `family`, those about a compositional task; `plain`, those that ask for no special
    form; `myth`, those that begin with a false belief.
    """
    rng, prompts = random.Random(f"prompts-{split}-{seed}"), {}
    for _ in range(MOST_DRAWS * n):
        prompts.setdefault(draw_prompt(split, rng, family, plain, myth)[1])
        if len(prompts) == n:
            break
    if (found := len(prompts)) < n:
        raise ValueError(f"only {found} distinct prompts were found, not {n}: lower n, family or plain")
    return [ask(prompt) for prompt in prompts]


def ask(prompt: str) -> dict:
    """The row of one prompt, without answers. ValueError where it names no task of the world."""
    case = read_prompt(prompt).case
    has_myth = any(case.say(claim) in prompt for claim in case.task.claim)
    return {
        "source": "howto_family" if case.task.is_family else "howto_single",
        "instruction": prompt,
        "models": [],
        "completions": [],
        "correct_answers": [case.say(case.task.correct[0])] if has_myth else ["None"],
        "incorrect_answers": [case.say(case.task.claim[0])] if has_myth else ["None"],
    }


def area(row: dict) -> str:
    """The area of the world that a row's prompt is about, such as "garden"."""
    return read_prompt(row["instruction"]).case.task.area


# Stage 2: answers


def sample_answers(
    rows: Iterable[dict],
    seed: int = 0,
    assistants: Sequence[str | Assistant] = ASSISTANTS,
    principles: Sequence[str] = PRINCIPLES,
    n: int = PER_PROMPT,
) -> list[dict]:
    """Each prompt answered by n of the assistants, drawn at random, each under a principle drawn at random.

    An assistant is a name of ASSISTANTS or an Assistant of your own; with just n of them all answer, in the
    order given. ValueError for an unknown name or principle, none at all, and fewer assistants than n.
    """
    pool = [find_assistant(who) for who in assistants]
    if len(pool) < n:
        raise ValueError(f"{len(pool)} assistants cannot give {n} answers: name more, or lower n")
    if not principles:
        raise ValueError(f"no principles: name at least one of {', '.join(PRINCIPLES)}")
    for principle in principles:
        if principle not in PRINCIPLES:
            raise ValueError(f"no principle {principle!r}: choose among {', '.join(PRINCIPLES)}")
    made = []
    for row in rows:
        rng = random.Random(f"answers-{seed}-{row['instruction']}")
        who = pool if len(pool) == n else rng.sample(pool, n)
        made.append(guided(answered(row, who, rng, principles), rng))
    return made


def find_assistant(who: str | Assistant) -> Assistant:
    """The assistant of that name; an Assistant is itself."""
    if isinstance(who, Assistant):
        return who
    known = {assistant.name: assistant for assistant in ASSISTANTS}
    if who not in known:
        raise ValueError(f"no assistant {who!r}: choose among {', '.join(known)}, or give an Assistant")
    return known[who]


def answered(
    row: dict, who: Sequence[Assistant], rng: random.Random, principles: Sequence[str] = PRINCIPLES
) -> dict:
    """The row with the answers of these assistants."""
    guides = [rng.choice(list(principles)) for _ in who]
    said: set[str] = set()  # nobody repeats, word for word, what another answer on the page says
    completions = [
        dict.fromkeys(COMPLETION)
        | {
            "model": assistant.name,
            "principle": principle,
            "response": assistant.answer(row["instruction"], rng, principle, said),
        }
        for assistant, principle in zip(who, guides, strict=True)
    ]
    return row | {"models": [assistant.name for assistant in who], "completions": completions}


def guided(row: dict, rng: random.Random) -> dict:
    """The row with the words in which each assistant was told its principle."""
    banks = load_voices()["principles"]
    return _with(row, lambda i, c: {"custom_system_prompt": rng.choice(banks[c["principle"]])})


# Stages 3 and 4: judgements


def rate(
    rows: Iterable[dict],
    annotator: Annotator | None = None,
    seed: int = 0,
    shown: Sequence[int] | None = None,
) -> list[dict]:
    """The first pass: the answers to a prompt stand on one page, and each gets four ratings.

    `shown` is their order on the page, such as (3, 2, 1, 0); by default that of the row. The noise belongs to
    the answer and not to its place. ValueError where `shown` does not name every answer once.
    """
    annotator = annotator or Annotator()

    def rated(row: dict) -> dict:
        prompt, n = row["instruction"], len(row["completions"])
        order = list(range(n) if shown is None else shown)
        if sorted(order) != list(range(n)):
            raise ValueError(f"shown must name each of the answers 0 to {n - 1} once, not {shown}")
        return _with(row, lambda i, c: annotator.rate(
            prompt, c["response"], _stream("rate", seed, prompt, i), (order.index(i), n), c["model"]
        ))  # fmt: skip

    return [rated(row) for row in rows]


def review(rows: Iterable[dict], annotator: Annotator | None = None, seed: int = 0) -> list[dict]:
    """The second pass: each answer by itself gets a critique and an overall_score."""
    annotator = annotator or Annotator()

    def reviewed(row: dict) -> dict:
        prompt = row["instruction"]
        return _with(row, lambda i, c: annotator.review(
            prompt, c["response"], _stream("review", seed, prompt, i), c["model"]
        ))  # fmt: skip

    return [reviewed(row) for row in rows]


def _stream(stage: str, seed: int, prompt: str, i: int) -> random.Random:
    """The random numbers of one stage for one answer."""
    return random.Random(f"{stage}-{seed}-{prompt}-{i}")


def annotate(rows: Iterable[dict], annotator: Annotator | None = None, seed: int = 0) -> list[dict]:
    """Both passes."""
    return review(rate(rows, annotator, seed), annotator, seed)


def annotated(row: dict, annotator: Annotator, rng: random.Random) -> dict:
    """Both passes over one row, answer by answer."""
    texts = [completion["response"] for completion in row["completions"]]
    marks = annotator.annotate(row["instruction"], texts, rng, row["models"])
    return _with(row, lambda i, _: marks[i])


def _with(row: dict, more: Callable[[int, dict], dict]) -> dict:
    """A copy of the row with `more(i, completion)` added to each completion."""
    return row | {"completions": [c | more(i, c) for i, c in enumerate(row["completions"])]}


# What only a simulation can tell


def worth(prompt: str, response: str) -> float:
    """The true utility of a response, between 1 and 10."""
    return verdict_of(prompt, response).utility


def utilities(row: dict) -> list[float]:
    """The true utility of each completion."""
    return [worth(row["instruction"], c["response"]) for c in row["completions"]]


# A bug, planted


def plant_tens(feedback: Iterable[dict], seed: int = 0, share: float = 1.0) -> list[dict]:
    """UltraFeedback's score-10 bug in a copy of these rows: an overall_score of 1 is stored as 10.

    It strikes a random `share` of the ones. Ratings and critiques stay as they are.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be between 0 and 1, not {share}")
    rng = random.Random(f"tens-{seed}")

    def struck(i: int, completion: dict) -> dict:
        return {"overall_score": 10.0} if completion["overall_score"] == 1 and rng.random() < share else {}

    return [_with(row, struck) for row in feedback]
