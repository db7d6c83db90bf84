"""The how-to world's knowledge: what is true, and every way of saying it.

`knowledge/*.yaml` holds one file an area. A *task* is either a family, whose title shows attributes
("remove a {stain} stain from a {fabric} {garment}") and whose every fact is a function of one visible
attribute ({stain.remover}), or a single hand-written task with facts of its own ({wrench}). A *case* is
a task with its slots filled: one thing a person can ask how to do. This module loads, checks and renders
that knowledge, and finds the case a prompt asks about. It knows nothing of who answers or who judges.

    python -m pedagogy.howto.world [file.yaml ...]      # check the knowledge base, list every problem
"""

from __future__ import annotations

import itertools
import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import yaml

from pedagogy.howto.sentences import likeness

HERE = Path(__file__).parent
KNOWLEDGE = HERE / "knowledge"
SLOT = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)?)\}")
PARAPHRASED = ("hazard", "check", "claim", "correct")  # the parts that are a list of ways to say one thing


def with_articles(text: str) -> str:
    """Turn `a` into `an` before a vowel sound: 'a egg' -> 'an egg', 'a USB stick' stays."""
    vowel = r"(?=(?!one\b|once\b|uni(?![nm])|us[aeu]|usb|ut[ei]|eu)[aeiou]|hour|honest|heir)"
    return re.sub(rf"\b(a) {vowel}", r"\1n ", text, flags=re.IGNORECASE)


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


@dataclass(frozen=True)
class Task:
    """One entry of the knowledge base. `attributes` is empty for a single hand-written task."""

    id: str
    area: str
    title: str
    tools: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]  # in the order that matters; each step is a tuple of paraphrases
    key: tuple[int, ...]  # indices of the steps that even a brief answer needs
    swaps: tuple[tuple[int, str], ...]  # (i, why it harms to exchange steps i and i + 1)
    hazard: tuple[str, ...]
    check: tuple[str, ...]
    claim: tuple[str, ...]  # a false belief that a prompt may carry …
    correct: tuple[str, ...]  # … and its correction
    attributes: Mapping[str, Mapping[str, Mapping[str, str]]]  # slot -> value -> its facts
    facts: Mapping[str, Mapping]  # single tasks: name -> {"right": str, "wrong": [str]}

    @property
    def is_family(self) -> bool:
        return bool(self.attributes)

    @property
    def n_cases(self) -> int:
        return math.prod(len(pool) for pool in self.attributes.values())

    def choices(self) -> Iterator[dict[str, str]]:
        """Every combination of visible attribute values, in the file's order."""
        for values in itertools.product(*self.attributes.values()):
            yield dict(zip(self.attributes, values, strict=True))

    def case(self, choice: Mapping[str, str] | None = None) -> Case:
        """Fill the slots. `choice` maps each attribute to a value of its pool."""
        right, wrong = {}, {}
        for slot, value in (choice or {}).items():
            pool = self.attributes[slot]
            right[slot], wrong[slot] = value, tuple(other for other in pool if other != value)
            for fact, truth in pool[value].items():
                right[f"{slot}.{fact}"] = truth
                others = dict.fromkeys(facts[fact] for facts in pool.values())  # unique, in order
                wrong[f"{slot}.{fact}"] = tuple(other for other in others if other != truth)
        for name, fact in self.facts.items():
            right[name], wrong[name] = fact["right"], tuple(fact["wrong"])
        return Case(self, right, wrong)

    @cached_property
    def title_pattern(self) -> re.Pattern:
        """Matches the title anywhere in a prompt, whatever the attribute values; one group a slot."""
        pattern = ""
        for position, part in enumerate(SLOT.split(self.title)):
            if position % 2:
                values = sorted(self.attributes[part], key=len, reverse=True)
                pattern += f"(?P<{part}>{'|'.join(map(re.escape, values))})"
            else:
                pattern += re.sub(r"\ba\\ ", r"an?\\ ", re.escape(part))
        return re.compile(rf"\b{pattern}\b", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """A task with every slot filled: the truth (`right`) and the plausible errors (`wrong`) per slot."""

    task: Task
    right: Mapping[str, str]
    wrong: Mapping[str, tuple[str, ...]]

    def say(self, template: str, **instead: str) -> str:
        """Render a template; `instead` overrides slots (dots written as `__`) to plant an error."""
        values = {**self.right, **{slot.replace("__", "."): value for slot, value in instead.items()}}
        return sentence_case(with_articles(SLOT.sub(lambda m: values[m[1]], template)))

    @cached_property
    def title(self) -> str:
        return with_articles(SLOT.sub(lambda m: self.right[m[1]], self.task.title))

    @property
    def key(self) -> tuple:
        """What makes two cases the same: the task and its visible attribute values."""
        return (self.task.id, *(self.right[slot] for slot in self.task.attributes))

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """Noun phrases with an article where the count noun has none of its own."""
        return tuple(with_articles(SLOT.sub(lambda m: self.right[m[1]], tool)) for tool in self.task.tools)


def is_number(value: str) -> bool:
    """Facts with a digit are numbers ('15 minutes'); all others are tools, objects or places."""
    return any(letter.isdigit() for letter in value)


class World:
    """All tasks of a folder of area files."""

    def __init__(self, paths: list[Path]):
        sources = [(path, yaml.safe_load(path.read_text("utf-8"))) for path in paths]
        pools = {}
        for path, source in sources:
            for name, values in (source.get("pools") or {}).items():
                if name in pools:
                    raise ValueError(
                        f"{path.name}: pool {name!r} is already defined in another area; rename one"
                    )
                pools[name] = values
        self.tasks = tuple(
            _read_task(entry, source["area"], pools)
            for _, source in sources
            for entry in [*(source.get("families") or []), *(source.get("tasks") or [])]
        )
        self.by_id = {task.id: task for task in self.tasks}

    def find(self, prompt: str) -> Case | None:
        """The case that a prompt asks about: the longest title found in it, or None."""
        found = ((task.title_pattern.search(prompt), task) for task in self.tasks)
        found = [(len(match[0]), match, task) for match, task in found if match]
        if not found:
            return None
        _, match, task = max(found, key=lambda item: item[0])
        choice = {
            slot: _same_spelling(value, task.attributes[slot]) for slot, value in match.groupdict().items()
        }
        return task.case(choice)


def _same_spelling(value: str, pool) -> str:
    return next(known for known in pool if known.lower() == value.lower())


def _read_task(entry: dict, area: str, pools: dict) -> Task:
    attributes = {}
    for slot, pool in (entry.get("attributes") or {}).items():
        values = pools[pool]
        if isinstance(values, list):  # a pool without facts
            values = {value: {} for value in values}
        attributes[slot] = {str(v): {k: str(x) for k, x in (f or {}).items()} for v, f in values.items()}
    return Task(
        id=entry["id"],
        area=area,
        title=entry["title"],
        tools=tuple(entry["tools"]),
        steps=tuple(tuple(step) for step in entry["steps"]),
        key=tuple(number - 1 for number in entry["key"]),
        swaps=tuple((swap["steps"][0] - 1, swap["why"]) for swap in entry["swaps"]),
        hazard=tuple(entry["hazard"]),
        check=tuple(entry["check"]),
        claim=tuple(entry["myth"]["claim"]),
        correct=tuple(entry["myth"]["correct"]),
        attributes=attributes,
        facts=entry.get("facts") or {},
    )


@lru_cache(maxsize=1)
def load_world() -> World:
    """The bundled knowledge base."""
    return World(sorted(KNOWLEDGE.glob("*.yaml")))


# --- Checking the knowledge base: every problem is named, not only the first. -------------------------


def problems(world: World) -> list[str]:
    """What is wrong with the knowledge, one line a problem: `area/task: field: what`."""
    found, seen, sound = [], {}, [task for task in world.tasks if not _unknown_slots(task)]
    for task in world.tasks:
        where = f"{task.area}/{task.id}"
        found += [f"{where}: {what}" for what in _task_problems(task)]
        for sentence in _sentences(task):
            if sentence in seen:
                found.append(f"{where}: the same sentence stands in {seen[sentence]}: {sentence!r}")
            seen[sentence] = where
        for other in sound if task in sound else ():
            if other is not task and other.title_pattern.search(task.case(next(task.choices())).title):
                found.append(f"{where}: title is contained in or contains that of {other.id}")
    for name in {task.id for task in world.tasks if [t.id for t in world.tasks].count(task.id) > 1}:
        found.append(f"{name}: the id occurs twice")
    return found


def _sentences(task: Task) -> list[str]:
    return [*itertools.chain(*task.steps), *task.hazard, *task.check, *task.claim, *task.correct]


def _task_problems(task: Task) -> Iterator[str]:
    if not 5 <= len(task.steps) <= 9:
        yield f"steps: {len(task.steps)} given, 5 to 9 wanted"
    if len(task.key) != 3 or list(task.key) != sorted(set(task.key)) or task.key[-1] >= len(task.steps):
        yield "key: exactly 3 increasing step numbers wanted"
    if not 2 <= len(task.tools) <= 5:
        yield f"tools: {len(task.tools)} given, 2 to 5 wanted"
    for first, _ in task.swaps:
        if not 0 <= first < len(task.steps) - 1:
            yield f"swaps: there are no steps {first + 1} and {first + 2}"
    for field in PARAPHRASED:
        least = 2 if field == "claim" else 3
        if len(getattr(task, field)) < least:
            yield f"{field}: {least} or more paraphrases wanted"
    unknown = _unknown_slots(task)
    yield from unknown
    if not unknown:  # what has an unknown slot cannot be rendered
        yield from _slot_problems(task)
        yield from _likeness_problems(task)
    for number, step in enumerate(task.steps, 1):
        if not 4 <= len(step) <= 6:
            yield f"step {number}: {len(step)} paraphrases, 4 or 5 wanted"
        for sentence in step:
            yield from (f"step {number}: {what}: {sentence!r}" for what in _style(sentence))
    for field in PARAPHRASED:
        for sentence in getattr(task, field):
            yield from (f"{field}: {what}: {sentence!r}" for what in _style(sentence))


def _style(sentence: str) -> Iterator[str]:
    bare = SLOT.sub("x", sentence)
    if not sentence.endswith("."):
        yield "no full stop at the end"
    if re.search(r"[.:;?!\"()\n]", bare[:-1]):
        yield "punctuation other than commas inside"
    if re.search(r"\d", bare):
        yield "a digit outside the facts"
    if not sentence.isascii():
        yield "not plain ASCII"
    if not sentence[0].isupper() and not sentence.startswith("{"):
        yield "does not begin with a capital"
    if re.match(r"(First|Then|Next|Finally|After that|To begin)\b", sentence):
        yield "begins with a joining word"
    if not 6 <= len(bare.split()) <= 24:
        yield f"{len(bare.split())} words"


def _unknown_slots(task: Task) -> list[str]:
    known = task.case(next(task.choices())).right
    texts = [*_sentences(task), *task.tools, task.title, *(why for _, why in task.swaps)]
    return [
        f"unknown slot {{{s}}} in {text!r}" for text in texts for s in SLOT.findall(text) if s not in known
    ]


def _slot_problems(task: Task) -> Iterator[str]:
    case = task.case(next(task.choices()))
    if task.is_family:
        if len(task.attributes) < 3 or set(SLOT.findall(task.title)) != set(task.attributes):
            yield "attributes: 3 or more wanted, each shown in the title"
        if task.n_cases < 300:
            yield f"attributes: only {task.n_cases} combinations, 300 wanted"
    facts = [slot for slot in case.right if slot not in task.attributes]
    if not any(is_number(case.right[slot]) for slot in facts):
        yield "facts: no number among them"
    if all(is_number(case.right[slot]) for slot in facts):
        yield "facts: no tool among them"
    for slot in case.right:
        uses = [sum(f"{{{slot}}}" in sentence for sentence in step) for step in task.steps]
        used_elsewhere = slot in task.attributes or max(uses) > 0
        if not used_elsewhere:
            yield f"{{{slot}}} occurs in no step"
        for number, count in enumerate(uses, 1):
            if slot not in task.attributes and 0 < count < 3:
                yield f"step {number}: {{{slot}}} is in {count} paraphrases only, 3 wanted"
        values = [case.right[slot], *case.wrong[slot]]
        for a, b in itertools.permutations(values, 2):
            if re.search(rf"\b{re.escape(a)}\b", b):
                yield f"{{{slot}}}: value {a!r} is contained in {b!r}"
        if task.is_family and slot not in task.attributes and len(values) < 4:
            yield f"{{{slot}}}: {len(values)} different values, 4 wanted"


def _likeness_problems(task: Task) -> Iterator[str]:
    """Paraphrases of one step must share words; different steps must not look alike."""
    case = task.case(next(task.choices()))
    parts = {f"step {n}": step for n, step in enumerate(task.steps, 1)}
    parts |= {"hazard": task.hazard, "check": task.check, "correct": task.correct}
    for (name, ways), (other, others) in itertools.combinations(parts.items(), 2):
        for a, b in itertools.product(ways, others):
            if likeness(case.say(a), case.say(b)) >= 0.6:
                yield f"{name} and {other} look alike: {a!r} ~ {b!r}"


def main(arguments: list[str]) -> int:
    paths = [Path(name) for name in arguments] or sorted(KNOWLEDGE.glob("*.yaml"))
    world = World(paths)
    found = problems(world)
    families = [task for task in world.tasks if task.is_family]
    print(
        f"{len(families)} families with {sum(task.n_cases for task in families):,} combinations, "
        f"{len(world.tasks) - len(families)} single tasks, "
        f"{len({task.area for task in world.tasks})} areas; {len(found)} problems"
    )
    for problem in found:
        print(" ", problem)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
