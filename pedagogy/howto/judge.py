"""The text judge: reads any answer to a how-to prompt and says what is wrong with it, and what it is worth.

The judge knows the world, not the author: it is given two strings. It splits the answer into sentences,
recognises each by the content words it shares with what the world can say (a step, the warning, the final
check, a known evasion, filler, boast …), and compares every tool, number and object in it with the truth.
Because one judge serves the simulated annotator and the evaluation of a model's own samples, "true
utility" means the same everywhere in the course. A sentence it cannot place is called unclear, never right.

    >>> verdict = judge("How do I boil an egg?", "It depends.")
    >>> verdict.utility, [d.kind for d in verdict.defects]
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from pedagogy.howto.recognise import Recogniser, other_task, recogniser_of
from pedagogy.howto.sentences import COURTESY, MARKER, cleaned, content_words, likeness, split_sentences
from pedagogy.howto.world import Case, decapitalised, load_world

BRIEF = ("two_sentences", "short")  # instructions under which only the key steps are needed
INSTRUCTIONS = {  # how a prompt asks for a form of answer
    "two_sentences": re.compile(r"\b(two|2) sentences\b", re.I),
    "numbered": re.compile(r"\bnumber(s|ed)?\b", re.I),
    "short": re.compile(r"\b(60|sixty) words\b", re.I),
    # The last, because "I have never done it before" may stand beside a wish for a form.
    "beginner": re.compile(
        r"\b(beginner|novice|newcomer|first timer|never done|new to this|no experience)\b", re.I
    ),
}
SHORT = 60  # words
# What each defect costs, in points of a utility between 1 and 10; each kind costs at most MOST in all,
# but for saying things again, by which an answer that never ends can lose everything.
PENALTIES = {
    "wrong_order": 2.0,
    "wrong_tool": 1.5,
    "wrong_number": 1.5,
    "wrong_object": 1.5,
    "invention": 1.0,
    "boast": 0.5,
    "myth_accepted": 2.5,
    "myth_ignored": 1.0,
    "instruction": 2.5,
    "padded": 0.4,
    "off_task": 1.0,
    "repetitive": 1.0,
    "unfinished": 1.0,
    "unclear": 0.5,
}
MOST = {"repetitive": 9.0}
USUAL_MOST = 3.0
# What a complete answer earns; under a BRIEF instruction the key steps earn it all.
WORTH = {"steps": 7.0, "hazard": 1.0, "check": 0.6, "tools": 0.4}

# --- Reading the prompt -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What a prompt asks: which case, in which form, and whether it carries the task's false belief."""

    case: Case
    instruction: str | None
    has_myth: bool


@lru_cache(maxsize=4096)
def read_prompt(prompt: str) -> Request:
    """Raises ValueError where the prompt names no task of the how-to world."""
    case = load_world().find(cleaned(prompt))
    if case is None:
        raise ValueError(
            f"prompt {prompt!r} names no task of the how-to world, so its answers cannot be judged. "
            "Use a prompt of the bundled data set, or one such as 'How do I change a tire?'."
        )
    asked = next((name for name, form in INSTRUCTIONS.items() if form.search(prompt)), None)
    claims = [case.say(claim) for claim in case.task.claim]
    has_myth = any(likeness(part, claim) >= 0.7 for part in split_sentences(prompt) for claim in claims)
    return Request(case, asked, has_myth)


# --- The verdict --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Defect:
    """`kind` is a key of voices.yaml's critiques; `slots` fill that critique's sentence."""

    kind: str
    slots: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the judge found. `utility` is the true worth of the answer, between 1 and 10."""

    defects: tuple[Defect, ...]
    utility: float
    steps: tuple[int, ...]  # the steps recognised, in the order they were said
    coverage: float  # share of the needed steps that were said
    facts_right: int  # tools, numbers and objects stated as they are …
    facts_stated: int  # … of those the recognised sentences should state
    hedged: bool

    def count(self, kind: str) -> int:
        return sum(defect.kind == kind for defect in self.defects)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(defect.kind for defect in self.defects)


def judge(prompt: str, response: str) -> Verdict:
    """The defects and the true utility of `response` as an answer to `prompt`.

    Both are plain text; the response may come from anyone, a language model's sample included.
    Raises TypeError for other types, ValueError where the prompt names no task of the world.
    """
    for name, text in (("prompt", prompt), ("response", response)):
        if not isinstance(text, str):
            raise TypeError(f"{name} must be a string, not {type(text).__name__}")
    request, response = read_prompt(prompt), cleaned(response)
    recogniser = recogniser_of(request.case.title)
    heard = recogniser.hear(response)
    kinds = Counter(known.kind for _, known in heard if known)
    steps = tuple(known.index for _, known in heard if known and known.kind == "step")
    needed = (
        set(request.case.task.key)
        if request.instruction in BRIEF
        else set(range(len(request.case.task.steps)))
    )
    coverage = len(needed & set(steps)) / len(needed)
    facts = [fact for s, known in heard if known for fact in recogniser.facts(s, known.template)]
    defects = (
        _missing(request, needed, steps, kinds)
        + _order(request.case, steps)
        + [
            Defect(kind, (("wrong", said), ("right", true)))
            for kind, said, true in facts
            if kind.startswith("wrong")
        ]
        + _manners(request, kinds, coverage)
        + _honesty(request, kinds)
        + _strays(request.case, heard)
        + _form(request, response, kinds, recogniser)
    )
    earned = coverage * (sum(WORTH.values()) if request.instruction in BRIEF else WORTH["steps"])
    if request.instruction not in BRIEF:
        # A warning about a job that is never described is worth little: extras scale with coverage.
        earned += coverage * sum(WORTH[kind] for kind in ("hazard", "check", "tools") if kinds[kind])
    counts = Counter(defect.kind for defect in defects)
    lost = sum(min(MOST.get(kind, USUAL_MOST), PENALTIES.get(kind, 0) * n) for kind, n in counts.items())
    return Verdict(
        defects=tuple(defects),
        utility=float(min(10.0, max(1.0, 1.0 + earned - lost))),
        steps=steps,
        coverage=coverage,
        facts_right=sum(kind == "right" for kind, _, _ in facts),
        facts_stated=len(facts),
        hedged=bool(kinds["hedges"]),
    )


def _missing(request: Request, needed: set, steps: tuple, kinds: Counter) -> list[Defect]:
    case, absent = request.case, sorted(needed - set(steps))
    found = []
    if absent == sorted(needed) and kinds["evasions"]:
        return [Defect("evasive")]
    if absent:
        detail = decapitalised(case.say(case.task.steps[absent[0]][0]).rstrip("."))
        count = f"{len(absent)} of the {len(needed)} steps"
        found.append(Defect("missing_steps", (("count", count), ("detail", detail))))
    if request.instruction not in BRIEF:
        found += [Defect(f"no_{kind}") for kind in ("hazard", "check") if not kinds[kind]]
    return found


def _order(case: Case, steps: tuple) -> list[Defect]:
    """Steps said too early: each later step that comes before an earlier one, once a pair of neighbours."""
    said = list(dict.fromkeys(steps))
    why = dict(case.task.swaps)
    found = []
    for earlier, later in zip(said, said[1:], strict=False):
        if earlier > later:
            reason = why.get(later, "these two steps only work the other way round")
            found.append(Defect("wrong_order", (("detail", decapitalised(case.say(reason))),)))
    return found


def _manners(request: Request, kinds: Counter, coverage: float) -> list[Defect]:
    """Filler, evasions beside a real answer, agreement with nothing; one is courtesy, two are padding."""
    idle = (
        kinds["fillers"]
        + (kinds["evasions"] if coverage else 0)
        + (0 if request.has_myth else kinds["accepts"])
    )
    return [Defect("padded")] * (idle if idle >= 2 else 0)


def _honesty(request: Request, kinds: Counter) -> list[Defect]:
    found = [Defect("boast")] * kinds["boasts"] + [Defect("invention")] * kinds["inventions"]
    agrees = request.has_myth and kinds["accepts"]  # a claim may be repeated in order to correct it
    if agrees or (kinds["claim"] and not kinds["correct"]):
        found.append(Defect("myth_accepted"))
    elif request.has_myth and not kinds["correct"]:
        found.append(Defect("myth_ignored"))
    return found


def _strays(case: Case, heard: list) -> list[Defect]:
    """Sentences of other tasks, sentences nobody understands, and things said twice."""
    found, seen = [], set()
    for sentence, known in heard:
        if known is None and content_words(sentence) <= COURTESY:
            continue
        if known is None or known.kind in ("openers", "closers"):
            title = other_task(sentence, case.task.id)
            if title or known is None:
                found.append(Defect("off_task" if title else "unclear", (("detail", title or sentence),)))
        one_of_a_kind = known and known.kind in ("step", "hazard", "check")
        identity = (known.kind, known.index) if one_of_a_kind else sentence
        if identity in seen:
            found.append(Defect("repetitive"))
        seen.add(identity)
    return found


def _form(request: Request, response: str, kinds: Counter, recogniser: Recogniser) -> list[Defect]:
    found, lines = [], [line for line in response.splitlines() if line.strip()]
    n_sentences = len(re.findall(r"[.!?](?=\s|$)", MARKER.sub("", response)))
    wish = {
        "two_sentences": (n_sentences <= 2, "two sentences were asked for"),
        "numbered": (
            len(re.findall(r"(?m)^\s*\(?\d+[.)]\s", response)) >= 2,
            "a numbered list was asked for",
        ),
        "beginner": (bool(kinds["tools"]), "a beginner asked and is not told what to have at hand"),
        "short": (len(response.split()) <= SHORT, f"at most {SHORT} words were asked for"),
    }
    if request.instruction and not wish[request.instruction][0]:
        found.append(Defect("instruction", (("detail", wish[request.instruction][1]),)))
    ends = [line.rstrip(" )'").endswith((".", "!", "?")) for line in lines[-2:]]
    a_list = (
        ends == [False, False] and recogniser.recognise(MARKER.sub("", lines[-1]))[1] == 1.0
    )  # without stops
    if ends and not ends[-1] and not a_list:
        found.append(Defect("unfinished"))
    return found
