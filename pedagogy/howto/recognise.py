"""Recognising sentences: which of the things the world can say is this one, and are its facts right?

A sentence is known by the content words it shares with a known one (a step, the warning, a filler …), so
small changes of wording do not matter; what it *denies* is told apart from what it affirms. Every tool,
number and object that the known sentence states is then looked up in the one at hand.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache

from pedagogy.howto.sentences import (
    QUANTITY,
    affirmed,
    content_words,
    in_digits,
    likeness,
    split_sentences,
)
from pedagogy.howto.voices import listed, load_voices
from pedagogy.howto.world import SLOT, Case, is_number, load_world

SURE = 0.5  # two sentences say the same thing when their likeness is at least this

# What a known sentence is when somebody says the opposite of it; for all others, nothing that can be placed.
_OPPOSITE = {"claim": "correct", "correct": "claim", "boasts": "hedges"}
_THEN = re.compile(r",? (?:and )?then,? ")  # between two statements of one sentence; so may be …
_AND = re.compile(r", and ")


@dataclass(frozen=True)
class Known:
    """One sentence the judge knows: what it is, its template, the words it is known by, those it affirms."""

    kind: str  # step, hazard, check, correct, claim, tools, or the name of a bank of voices.yaml
    index: int  # which step; 0 for the others
    template: str
    words: frozenset
    affirmed: frozenset


@cache
def _frame(template: str) -> tuple:
    """Content words and slots of a template, and those of its affirmed part."""
    rest = affirmed(template)
    return tuple(
        (content_words(SLOT.sub(" ", text)), frozenset(SLOT.findall(text))) for text in (template, rest)
    )


class Recogniser:
    """Everything that can be said about one case, indexed by content words."""

    def __init__(self, case: Case):
        self.case = case
        task, voices = case.task, load_voices()
        said = [("step", i, way) for i, step in enumerate(task.steps) for way in step]
        for kind in ("hazard", "check", "correct", "claim"):
            said += [(kind, 0, way) for way in getattr(task, kind)]
        said += [("tools", 0, form.replace("{tools}", listed(task.tools))) for form in voices["tools"]]
        said += [("openers", 0, "How do I {task}")]  # the question, said once more
        for kind in ("evasions", "boasts", "inventions", "hedges", "fillers", "accepts"):
            said += [(kind, 0, form) for form in voices[kind]]
        for kind in ("openers", "closers"):
            said += [(kind, 0, form) for bank in voices[kind].values() for form in bank]
        self.value_words = {slot: content_words(value) for slot, value in case.right.items()}
        self.known = [self._known(kind, i, way.replace("{task}", task.title)) for kind, i, way in said]
        self.exact = {(known.words, known.affirmed): known for known in reversed(self.known)}
        joiners = [word for bank in voices["joiners"].values() for word in bank]
        self.joiner = re.compile(rf"^(?:{'|'.join(joiners)}),? ", re.I)

    def _known(self, kind: str, index: int, template: str) -> Known:
        whole, rest = _frame(template)
        words = self._words(*whole)
        return Known(kind, index, template, words, words if rest == whole else self._words(*rest))

    def _words(self, frame: frozenset, slots: frozenset) -> frozenset:
        return frame.union(*(self.value_words[slot] for slot in slots))

    @cached_property
    def _where(self) -> dict[str, list[int]]:
        """content word -> places in `known` of the sentences that have it."""
        where = defaultdict(list)
        for place, known in enumerate(self.known):
            for word in known.words:
                where[word].append(place)
        return where

    def recognise(self, sentence: str) -> tuple[Known | None, float]:
        """The known sentence that this one is, or None, and how much they are alike."""
        sentence = self.joiner.sub("", sentence)
        words, holds = content_words(sentence), content_words(affirmed(sentence))
        if (words, holds) in self.exact:
            return self.exact[words, holds], 1.0
        # In the order of `known`: the order of a set of words changes from one run of Python to the next.
        places = {place for word in words for place in self._where.get(word, ())}
        near = [self.known[place] for place in sorted(places)]
        if not near:
            return None, 0.0
        best = max(near, key=lambda known: (likeness(words, known.words), likeness(holds, known.affirmed)))
        sure = likeness(words, best.words)
        if sure < SURE:
            return None, sure
        if holds == best.affirmed or likeness(holds, best.affirmed) >= SURE:
            return best, sure
        opposite = _OPPOSITE.get(best.kind)
        return (replace(best, kind=opposite, template="") if opposite else None), sure

    def hear(self, text: str) -> list[tuple[str, Known | None]]:
        """Every statement of a text with what it is."""
        return [statement for sentence in split_sentences(text) for statement in self._statements(sentence)]

    def _statements(self, sentence: str) -> list[tuple[str, Known | None]]:
        """'Do this, and then do that' is cut in two where its parts are better known than the whole."""
        known, best = self.recognise(sentence)
        chosen, cuts = (), [_THEN.split(sentence)]
        cuts += [(sentence[: joint.start()], sentence[joint.end() :]) for joint in _AND.finditer(sentence)]
        for parts in cuts if best < 0.9 and len(cuts) < 20 else ():
            heard = [self.recognise(part) for part in parts]
            different = len({(known.kind, known.index) for known, _ in heard if known}) > 1
            sure = sum(sure for _, sure in heard) / len(heard)
            if different and sure > best:
                chosen, best = parts, sure
        return _merged(statement for p in chosen for statement in self._statements(p)) or [(sentence, known)]

    def facts(self, sentence: str, template: str) -> list[tuple[str, str, str]]:
        """Each fact the template should state: (kind of error or 'right' or 'unsaid', said, truth)."""
        sentence, model, found = self.joiner.sub("", sentence), self.case.say(template), []
        as_it_is = sentence.lower() == model.lower()
        for slot in dict.fromkeys(SLOT.findall(template)):
            truth = self.case.right[slot]
            kind = "object" if slot in self.case.task.attributes else "number" if is_number(truth) else "tool"
            said = None if as_it_is else self._error(slot, kind, sentence, model)
            if said:
                found.append((f"wrong_{kind}", said, truth))
            else:
                right = as_it_is or truth in self._named(slot, sentence)
                found.append(("right", truth, truth) if right else ("unsaid", "", truth))
        return found

    def _error(self, slot: str, kind: str, sentence: str, model: str) -> str | None:
        """What `sentence` says in place of the fact that the correct sentence `model` states."""
        truth, said, usual = self.case.right[slot], affirmed(sentence), affirmed(model)
        if truth not in self._named(slot, usual):  # the correct sentence itself denies something here
            said, usual = sentence, model
        named = self._named(slot, said)
        wrong = [value for value in Counter(named) - Counter(self._named(slot, usual)) if value != truth]
        if not wrong and kind == "number":
            wrong = _stray_numbers(said, usual, truth if truth in named else None)
        if wrong or truth in named:
            return wrong[0] if wrong else None
        if truth in self._named(slot, sentence):
            return f"anything but {truth}"
        return _stray_words(said, usual, truth) if kind == "tool" else None

    def _named(self, slot: str, text: str) -> list[str]:
        """The values of a slot's pool that a text names, the longest wherever one contains another."""
        values, rivals = self._values(slot)
        found = _pattern(values, rivals).finditer(in_digits(text))
        return [values[match.lastindex - 1] for match in found if match.lastindex]

    def _values(self, slot: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A slot's pool, the longest first; and what other pools have that contains one of its values:
        a plastic spanner makes no plastic pipe."""
        pools = {name: (right, *self.case.wrong[name]) for name, right in self.case.right.items()}
        values = tuple(sorted(pools.pop(slot), key=lambda value: (-len(value), value)))
        others = sorted({value for pool in pools.values() for value in pool} - set(values))
        return values, tuple(other for other in others if any(v in other for v in values))


def _merged(statements: Iterable[tuple[str, Known | None]]) -> list[tuple[str, Known | None]]:
    """Neighbours that are parts of one thing, put together again: some steps have a 'then' of their own."""
    merged = []
    for text, known in statements:
        before = merged[-1][1] if merged else None
        if known and before and (known.kind, known.index) == (before.kind, before.index):
            merged[-1] = (f"{merged[-1][0]}, then {text}", before)
        else:
            merged.append((text, known))
    return merged


@cache
def _pattern(values: tuple[str, ...], rivals: tuple[str, ...]) -> re.Pattern:
    """One group a value; `rivals` match without a group. Articles do not matter."""
    forms = [re.escape(rival) for rival in rivals] + [f"({_value_form(value)})" for value in values]
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)", re.I)


def _value_form(value: str) -> str:
    """A number may be '2 full inches' or '2 inch', and not the tail of another or of a range."""
    form = re.escape(re.sub(r"^(?:an?|the) ", "", in_digits(value)))
    if not form[0].isdigit():
        return form
    number, _, unit = form.partition(r"\ ")
    unit = re.sub(r"(?<=\w\w)s$|(?<=ch)es$", "", unit) + "(?:e?s)?"
    return rf"(?<![\d.,/-])(?<!\d to )(?<!\d or ){number} (?:(?!to |or )[a-z]+ )?{unit}"


def _stray_numbers(sentence: str, model: str, truth: str | None) -> list[str]:
    """Quantities that have no place in the model sentence; beside the truth, only those of its unit count."""
    usual = [content_words(quantity) for quantity in QUANTITY.findall(in_digits(model))]
    unit = content_words(re.sub(r"\d", "", truth or ""))
    said = {
        quantity.strip(" .,"): content_words(quantity) for quantity in QUANTITY.findall(in_digits(sentence))
    }
    strays = [quantity for quantity, words in said.items() if not any(words <= known for known in usual)]
    return [quantity for quantity in strays if not truth or unit & said[quantity]]


def _stray_words(sentence: str, model: str, truth: str) -> str | None:
    """The words that stand where the model sentence has the truth, when all around them is the same."""
    frame, words = content_words(model) - content_words(truth), content_words(sentence)
    new = [
        word for word in re.findall(r"[a-z']+", sentence, re.I) if content_words(word) - content_words(model)
    ]
    return " ".join(new[:4]) if new and len(frame & words) >= 0.9 * len(frame) else None


@lru_cache(maxsize=512)
def recogniser_of(title: str) -> Recogniser:
    return Recogniser(load_world().find(title))


@lru_cache(maxsize=1)
def _steps_by_word() -> tuple[list, dict]:
    """All step templates of the world, and where each content word occurs: to find off-task sentences."""
    steps = [
        (task, content_words(SLOT.sub(" ", way)))
        for task in load_world().tasks
        for s in task.steps
        for way in s
    ]
    index = defaultdict(list)
    for number, (_, words) in enumerate(steps):
        for word in words:
            index[word].append(number)
    return steps, index


@lru_cache(maxsize=65536)
def other_task(sentence: str, own: str) -> str | None:
    """The title of the task, other than `own`, that this sentence names or is a step of; or None."""
    named = load_world().find(sentence)
    if named:
        return None if named.task.id == own else named.title
    steps, index = _steps_by_word()
    shared = Counter(number for word in content_words(sentence) for number in index.get(word, ()))
    for number, count in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:5]:
        task, words = steps[number]
        if task.id != own and count >= 3 and count / len(words) >= 0.6:
            named = {  # the values that the sentence names; elsewhere the first of the pool, as an example
                slot: next((value for value in pool if value.lower() in sentence.lower()), next(iter(pool)))
                for slot, pool in task.attributes.items()
            }
            return task.case(named).title
    return None
