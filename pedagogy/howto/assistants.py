"""Simulated assistants: each answers any how-to prompt in its own voice, with its own bad habits.

An assistant is a voice (a tone, a layout) and a set of *habits*: probabilities of leaving out steps,
swapping two of them, taking the wrong tool, boasting, dodging the question … A hidden *principle*
("helpfulness", "honesty" …), sampled for each answer as in UltraFeedback, bends the habits a little.
Everything is drawn from the `random.Random` passed in: the same seed gives the same words.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from pedagogy.howto.judge import BRIEF, SHORT, Request, read_prompt
from pedagogy.howto.voices import listed, load_voices
from pedagogy.howto.world import SLOT, Case, decapitalised, is_number, load_world


@dataclass(frozen=True)
class Habits:
    """Probabilities, unless said otherwise. The defaults describe a careful, complete answer."""

    keep: float = 1.0  # of saying a step
    swap: float = 0.0  # of exchanging two neighbouring steps where that does harm
    wrong_tool: float = 0.0  # of stating one tool, place or material wrongly
    wrong_number: float = 0.0  # of stating one number wrongly
    hazard: float = 0.9  # of giving the warning
    check: float = 0.85  # of giving the final check
    tools: float = 0.6  # of saying what is needed first
    open: float = 0.5  # of an opening courtesy
    close: float = 0.35  # of a closing one
    evade: float = 0.0  # of not answering at all
    boast: float = 0.0
    invent: float = 0.0  # of an invented fact or authority
    hedge: float = 0.05
    fillers: float = 0.0  # mean number of empty sentences
    drift: float = 0.0  # of wandering into another task
    obey: float = 0.9  # of following an explicit instruction about form
    correct: float = 0.85  # of correcting a false belief in the prompt (otherwise mostly agrees with it)


@dataclass(frozen=True)
class Assistant:
    name: str
    tone: str  # a bank of openers and closers in voices.yaml
    layout: str  # "prose", "sequence" (First, … Then, …) or "numbered"; "any" draws one of them
    habits: Habits

    def answer(
        self,
        prompt: str,
        rng: random.Random,
        principle: str | None = None,
        said: set[str] | None = None,
    ) -> str:
        """The assistant's reply. Raises ValueError where the prompt names no task of the world.

        `said` holds the ways of saying things that stand on the page already: they are avoided while there
        are others, and this answer's are added.
        """
        pick = Picker(rng, set() if said is None else said)
        return _compose(self, _bend(self.habits, principle), read_prompt(prompt), pick, rng)


class Picker:
    """Draws from banks of sentences, one that nobody on this page has said before if there is any."""

    def __init__(self, rng: random.Random, said: set[str]):
        self.rng, self.said = rng, said

    def __call__(self, bank) -> str:
        way = self.rng.choice(self._unsaid(bank, 1))
        self.said.add(way)
        return way

    def some(self, bank, n: int) -> list[str]:
        ways = self.rng.sample(self._unsaid(bank, n), n)
        self.said.update(ways)
        return ways

    def _unsaid(self, bank, n: int) -> list[str]:
        unsaid = [way for way in bank if way not in self.said]
        return unsaid if len(unsaid) >= n else list(bank)


ASSISTANTS = (
    Assistant("sim-mentor", "warm", "sequence", Habits(hazard=0.95, check=0.95, hedge=0.1)),
    Assistant("sim-manual", "plain", "numbered", Habits(open=0.15, close=0.1, tools=0.85, obey=0.75)),
    Assistant("sim-scholar", "careful", "prose", Habits(keep=0.95, hedge=0.7, correct=0.97, open=0.4)),
    Assistant(
        "sim-sprint",
        "brisk",
        "prose",
        Habits(keep=0.35, hazard=0.1, check=0.15, tools=0.1, open=0.15, close=0.15, obey=0.95, correct=0.4),
    ),
    Assistant(
        "sim-shrug",
        "plain",
        "prose",
        Habits(keep=0.4, evade=0.75, hazard=0.2, check=0.1, tools=0.1, hedge=0.5, obey=0.6, correct=0.3),
    ),
    Assistant("sim-jumble", "chatty", "any", Habits(keep=0.92, swap=0.9, hazard=0.6, check=0.7, correct=0.6)),
    Assistant(
        "sim-mixup",
        "warm",
        "any",
        Habits(keep=0.95, wrong_tool=0.75, wrong_number=0.6, hazard=0.7, correct=0.5),
    ),
    Assistant(
        "sim-oracle",
        "grand",
        "sequence",
        Habits(keep=0.9, boast=0.85, invent=0.75, wrong_number=0.3, hazard=0.35, hedge=0.0, correct=0.2),
    ),
    Assistant(
        "sim-brochure",
        "chatty",
        "prose",
        Habits(keep=0.9, fillers=4.0, open=0.9, close=0.9, obey=0.5, correct=0.6),
    ),
    Assistant(
        "sim-drifter", "chatty", "prose", Habits(keep=0.6, drift=0.85, check=0.3, fillers=1.0, correct=0.5)
    ),
)

# How a principle bends habits: field -> factor on its probability (or mean, for fillers).
BENT = {
    "helpfulness": {"evade": 0.4, "fillers": 1.2, "hazard": 1.05},
    "honesty": {"boast": 0.4, "invent": 0.4, "hedge": 1.5, "correct": 1.3},
    "truthfulness": {"wrong_tool": 0.5, "wrong_number": 0.5, "invent": 0.5},
    "verbalized_calibration": {"boast": 0.3, "hedge": 4.0, "evade": 1.2},
}


def _bend(habits: Habits, principle: str | None) -> Habits:
    changes = {
        name: getattr(habits, name) * factor
        if name == "fillers"
        else min(1.0, getattr(habits, name) * factor)
        for name, factor in BENT.get(principle, {}).items()
    }
    return replace(habits, **changes)


def _compose(who: Assistant, habits: Habits, request: Request, pick: Picker, rng: random.Random) -> str:
    voices, case = load_voices(), request.case
    obeys = request.instruction is not None and rng.random() < habits.obey
    layout = rng.choice(("prose", "sequence", "numbered")) if who.layout == "any" else who.layout
    if obeys and request.instruction == "numbered":
        layout = "numbered"

    def says(bank: list[str]) -> str:
        return _filled(pick(bank), case)

    belief = _belief(habits, case, pick, rng) if request.has_myth else []
    if rng.random() < habits.evade:
        dodges = pick.some(voices["evasions"], rng.randint(1, 3))
        return " ".join(belief + [_filled(dodge, case) for dodge in dodges])
    if obeys and request.instruction in BRIEF:
        return _brief(habits, request, belief, pick, rng)

    before, after = list(belief), []
    if rng.random() < habits.open:
        before.insert(0, says(voices["openers"][who.tone]))
    if rng.random() < habits.tools or (obeys and request.instruction == "beginner"):
        before.append(case.say(pick(voices["tools"]).replace("{tools}", listed(case.task.tools))))
    steps = _steps(habits, case, pick, rng)
    if rng.random() < habits.drift:
        steps = _drift(steps, case, rng)
    for habit, bank in (("boast", "boasts"), ("invent", "inventions"), ("hedge", "hedges")):
        if rng.random() < getattr(habits, habit):
            (before if rng.random() < 0.5 else after).append(says(voices[bank]))
    if rng.random() < habits.hazard:
        (before if rng.random() < 0.3 else after).insert(0, case.say(pick(case.task.hazard)))
    if rng.random() < habits.check:
        after.append(case.say(pick(case.task.check)))
    if rng.random() < habits.close:
        after.append(says(voices["closers"][who.tone]))
    for filler in pick.some(voices["fillers"], _poisson(habits.fillers, rng)):
        part = rng.choice((before, steps, after)) if layout == "prose" else rng.choice((before, after))
        part.insert(rng.randint(0, len(part)), _filled(filler, case))
    return _lay_out(layout, before, steps, after, rng)


def _filled(form: str, case: Case) -> str:
    return form.replace("{task}", case.title)


def _belief(habits: Habits, case: Case, pick: Picker, rng: random.Random) -> list[str]:
    """What to say to a false belief: correct it, agree with it, or pass it over."""
    if rng.random() < habits.correct:
        return [case.say(pick(case.task.correct))]
    return [pick(load_voices()["accepts"])] if rng.random() < 0.7 else []


def _steps(habits: Habits, case: Case, pick: Picker, rng: random.Random) -> list[str]:
    """The steps as this assistant says them: some left out, some swapped, some facts wrong."""
    task = case.task
    order = list(range(len(task.steps)))
    if task.swaps and rng.random() < habits.swap:
        first, _ = rng.choice(task.swaps)
        order[first], order[first + 1] = order[first + 1], order[first]
    kept = [i for i in order if rng.random() < habits.keep]
    for i in rng.sample(order, len(order)):  # at least two steps, or it is no answer
        if len(kept) < 2 and i not in kept:
            kept = [j for j in order if j in (*kept, i)]
    said = [pick(task.steps[i]) for i in kept]
    slips = _slips(habits, case, said, rng)
    return [case.say(way, **slips) for way in said]


def _slips(habits: Habits, case: Case, said: list[str], rng: random.Random) -> dict[str, str]:
    """Which fact is stated wrongly, the same way in every sentence of one answer."""
    stated = sorted({slot for way in said for slot in SLOT.findall(way)} - set(case.task.attributes))
    slips = {}
    for kind, chance in (("tool", habits.wrong_tool), ("number", habits.wrong_number)):
        slots = [s for s in stated if is_number(case.right[s]) == (kind == "number")]
        if slots and rng.random() < chance:
            slot = rng.choice(slots)
            slips[slot.replace(".", "__")] = rng.choice(case.wrong[slot])
    return slips


def _drift(steps: list[str], case: Case, rng: random.Random) -> list[str]:
    """Break off half-way and go on with another task of the same area."""
    others = [task for task in load_world().tasks if task.area == case.task.area and task.id != case.task.id]
    other = rng.choice(others)
    elsewhere = other.case({slot: rng.choice(list(pool)) for slot, pool in other.attributes.items()})
    start = rng.randint(0, len(other.steps) - 3)
    stray = [elsewhere.say(rng.choice(step)) for step in other.steps[start : start + rng.randint(2, 3)]]
    return steps[: max(1, len(steps) // 2)] + stray


def _brief(habits: Habits, request: Request, belief: list[str], pick: Picker, rng: random.Random) -> str:
    """The three key steps in two sentences or in SHORT words; a correction comes first and counts."""
    case = request.case
    words_left = SHORT - sum(len(text.split()) for text in belief)
    ways = [case.task.steps[i] for i in case.task.key if rng.random() < max(0.75, habits.keep)] or [
        case.task.steps[case.task.key[0]]
    ]
    said = [pick(way) for way in ways]
    slips = _slips(habits, case, said, rng)
    if request.instruction == "two_sentences":
        return " ".join(belief + _joined([case.say(way, **slips) for way in said], 2 - len(belief)))
    for i, way in enumerate(ways):  # shorten sentence by sentence, then drop the last ones, until it fits
        if _n_words(case, said) > words_left:
            said[i] = min(way, key=len)
    while len(said) > 1 and _n_words(case, said) > words_left:
        said.pop()
    return " ".join(belief + [case.say(way, **slips) for way in said])


def _n_words(case: Case, said: list[str]) -> int:
    return sum(len(case.say(way).split()) for way in said)


def _joined(steps: list[str], sentences: int) -> list[str]:
    """Fold steps into at most so many sentences: 'Do this, and then do that.'"""
    while len(steps) > sentences:
        first, second, *rest = steps
        steps = [f"{first[:-1]}, and then {decapitalised(second)}", *rest]
    return steps


def _poisson(mean: float, rng: random.Random) -> int:
    """A small count with the given mean (Knuth's method)."""
    count, product = 0, rng.random()
    limit = 2.718281828459045**-mean
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def _lay_out(layout: str, before: list, steps: list, after: list, rng: random.Random) -> str:
    if layout == "numbered":
        numbered = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
        return "\n".join(filter(None, [" ".join(before), *numbered, " ".join(after)]))
    if layout == "sequence":
        joiners = load_voices()["joiners"]
        middle = rng.sample(joiners["middle"], max(0, len(steps) - 2))  # no word twice in one answer
        words = [rng.choice(joiners["first"]), *middle, rng.choice(joiners["last"])]
        joined = rng.random  # not every step needs a joining word
        steps = [
            f"{word}, {decapitalised(step)}" if number in (0, len(steps) - 1) or joined() < 0.6 else step
            for number, (word, step) in enumerate(zip(words, steps, strict=False))
        ]
    return " ".join([*before, *steps, *after])
