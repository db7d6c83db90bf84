"""What is asked, and in which split: cases of the world, put into the words of a prompt.

Three splits share no prompt:

- `train`: most combinations of most tasks;
- `test`: families with attribute combinations that stand nowhere else, the model's own text included;
- `test_unseen`: whole tasks that no preference pair of `train` shows, though the model knows them from its
  text: the honest test of whether a preference generalises.
"""

from __future__ import annotations

import hashlib
import random
from functools import lru_cache

from pedagogy.howto.voices import load_voices
from pedagogy.howto.world import Case, Task, load_world

HELD_OUT = 0.12  # share of each family's combinations that only `test` may show
N_UNSEEN = {"families": 4, "singles": 14}
SPLITS = ("train", "test", "test_unseen", "text")
MASCOTS = ("change_tire", "boil_egg")  # always in train: the notebooks open with them


def is_held_out(case: Case) -> bool:
    """True for the attribute combinations reserved for `test`; single tasks are never held out."""
    if not case.task.is_family:
        return False
    digest = hashlib.sha256("|".join(case.key).encode()).digest()
    return digest[0] < 256 * HELD_OUT


@lru_cache(maxsize=1)
def unseen_tasks() -> frozenset[str]:
    """The ids of the tasks that only `test_unseen` shows, spread over the areas by a fixed draw."""
    rng = random.Random("unseen")
    families = [task.id for task in load_world().tasks if task.is_family]
    singles = [task.id for task in load_world().tasks if not task.is_family and task.id not in MASCOTS]
    return frozenset(rng.sample(families, N_UNSEEN["families"]) + rng.sample(singles, N_UNSEEN["singles"]))


def draw_case(task: Task, held_out: bool, rng: random.Random) -> Case:
    """A random case of `task`, held out or not as wished."""
    while True:
        case = task.case({slot: rng.choice(list(pool)) for slot, pool in task.attributes.items()})
        if is_held_out(case) == held_out:
            return case


def phrase(case: Case, rng: random.Random, plain: float = 0.5, myth: float = 0.18) -> str:
    """A prompt about the case: `plain` is the share without an explicit instruction about form, `myth`
    the share that begins with a false belief."""
    voices = load_voices()
    question = voices["questions"][0] if rng.random() < 0.3 else rng.choice(voices["questions"])
    parts = [question.replace("{task}", case.title)]
    if rng.random() < myth:
        parts.insert(0, case.say(rng.choice(case.task.claim)))
    if rng.random() >= plain:
        parts.append(rng.choice(voices["instructions"][rng.choice(list(voices["instructions"]))]))
    return " ".join(parts)


def draw_prompt(
    split: str, rng: random.Random, family: float = 0.6, plain: float = 0.5, myth: float = 0.18
) -> tuple[Case, str]:
    """A case and a prompt for it; `family` is the share of families (all in `test`); the rest as in `phrase`.

    `text` is the split that language models are trained on: everything but the held-out combinations.
    ValueError for a split that is none of SPLITS, or a share that is not between 0 and 1.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: choose among {', '.join(SPLITS)}")
    if bad := [share for share in (family, plain, myth) if not 0 <= share <= 1]:
        raise ValueError(f"a share of {bad[0]}: family, plain and myth lie between 0 and 1")
    unseen = unseen_tasks()
    families = [t for t in load_world().tasks if t.is_family]
    singles = [t for t in load_world().tasks if not t.is_family]
    if split in ("train", "test"):
        families = [t for t in families if t.id not in unseen]
        singles = [t for t in singles if t.id not in unseen]
    elif split == "test_unseen":
        families = [t for t in families if t.id in unseen]
        singles = [t for t in singles if t.id in unseen]
    tasks = families if split == "test" or rng.random() < family else singles
    case = draw_case(rng.choice(tasks), held_out=split == "test", rng=rng)
    return case, phrase(case, rng, plain, myth)
