"""Correct answers, drawn at random, in parts: a test spoils one part and asks what the judge says."""

import random
from dataclasses import dataclass, field

import pytest

from pedagogy.howto.voices import listed, load_voices
from pedagogy.howto.world import Case, Task, decapitalised, load_world


@dataclass
class Draft:
    """A complete, correct answer to `prompt`."""

    case: Case
    rng: random.Random
    tools: str = ""
    hazard: str = ""
    steps: list[str] = field(default_factory=list)
    check: str = ""

    def __post_init__(self):
        say, pick, task = self.case.say, self.rng.choice, self.case.task
        self.tools = say(pick(load_voices()["tools"]).replace("{tools}", listed(task.tools)))
        self.hazard, self.check = say(pick(task.hazard)), say(pick(task.check))
        self.steps = [say(pick(ways)) for ways in task.steps]

    @property
    def prompt(self) -> str:
        return f"How do I {self.case.title}?"

    def voice(self, bank: str) -> str:
        return self.rng.choice(load_voices()[bank]).replace("{task}", self.case.title)

    def text(self, layout: str = "prose") -> str:
        steps = [step for step in self.steps if step]
        if layout == "numbered":
            steps = ["\n" + f"{number}. {step}" for number, step in enumerate(steps, 1)] + ["\n"]
        if layout == "sequence":
            steps = [f"Then, {decapitalised(step)}" for step in steps]
        return " ".join(part for part in (self.tools, self.hazard, *steps, self.check) if part)


def random_case(task: Task, rng: random.Random) -> Case:
    return task.case({slot: rng.choice(list(pool)) for slot, pool in task.attributes.items()})


@pytest.fixture(scope="session")
def world():
    return load_world()


@pytest.fixture(scope="session")
def one_draft(world):
    return lambda rng: Draft(random_case(rng.choice(world.tasks), rng), rng)


@pytest.fixture
def drafts(world):
    """drafts(seed): one Draft a task of the world, attribute values and wording drawn at random."""

    def draw(seed):
        rng = random.Random(seed)
        return [Draft(random_case(task, rng), rng) for task in world.tasks]

    return draw


@pytest.fixture
def tire(world):
    return lambda seed=0: Draft(world.by_id["change_tire"].case(), random.Random(seed))
