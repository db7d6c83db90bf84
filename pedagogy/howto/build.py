"""Build the bundled preference data set: prompts, four simulated answers each, one simulated annotator.

The rows have UltraFeedback's raw schema, field for field. Three splits share no prompt:

- `train`: most combinations of most tasks;
- `test`: families with attribute combinations that stand nowhere else, the model's own text included;
- `test_unseen`: whole tasks that no preference pair of `train` shows, though the model knows them from its
  text: the honest test of whether a preference generalises.

    python -m pedagogy.howto.build [--seed 0] [--out pedagogy/assets/data]
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

from pedagogy.howto.annotator import Annotator
from pedagogy.howto.assistants import ASSISTANTS
from pedagogy.howto.voices import load_voices
from pedagogy.howto.world import HERE, Case, Task, load_world

SIZES = {"train": 3200, "test": 420, "test_unseen": 220}
OUT = HERE.parent / "assets" / "data"
HELD_OUT = 0.12  # share of each family's combinations that only `test` may show
N_UNSEEN = {"families": 4, "singles": 14}
MASCOTS = ("change_tire", "boil_egg")  # always in train: the notebooks open with them
FIRST_ROW = ("sim-mentor", "sim-sprint", "sim-shrug", "sim-jumble")  # complete, brief, evasive, out of order
FIRST_DRAW = 362  # a draw in which each of the four is at its most typical


def is_held_out(case: Case) -> bool:
    """True for the attribute combinations reserved for `test`; single tasks are never held out."""
    if not case.task.is_family:
        return False
    digest = hashlib.sha256("|".join(case.key).encode()).digest()
    return digest[0] < 256 * HELD_OUT


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


def draw_prompt(split: str, rng: random.Random, family: float = 0.6) -> tuple[Case, str]:
    """A case and a prompt for it; `family` is the share of families (all in `test`).

    `text` is the split that language models are trained on: everything but the held-out combinations.
    """
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
    return case, phrase(case, rng)


def rows(split: str, n: int, seed: int, annotator: Annotator | None = None) -> Iterator[dict]:
    """`n` rows of UltraFeedback's raw schema with distinct prompts, the same for the same seed."""
    annotator = annotator or Annotator()
    rng, seen = random.Random(f"{split}-{seed}"), set()
    if split == "train":  # the course's own question opens the data set, with four telling answers
        prompt = "How do I change a tire?"
        seen.add(prompt)
        first = [assistant for name in FIRST_ROW for assistant in ASSISTANTS if assistant.name == name]
        yield _row(
            load_world().find(prompt), prompt, first, annotator, random.Random(f"first-{FIRST_DRAW + seed}")
        )
    while len(seen) < n:
        case, prompt = draw_prompt(split, rng)
        if prompt not in seen:
            seen.add(prompt)
            yield _row(case, prompt, rng.sample(ASSISTANTS, 4), annotator, rng)


def _row(case: Case, prompt: str, who: list, annotator: Annotator, rng: random.Random) -> dict:
    principles = load_voices()["principles"]
    guided = [rng.choice(list(principles)) for _ in who]
    said: set[str] = set()  # nobody repeats, word for word, what another answer on the page says
    answers = [a.answer(prompt, rng, principle, said) for a, principle in zip(who, guided, strict=True)]
    marks = annotator.annotate(prompt, answers, rng)
    has_myth = any(case.say(claim) in prompt for claim in case.task.claim)
    return {
        "source": "howto_family" if case.task.is_family else "howto_single",
        "instruction": prompt,
        "models": [assistant.name for assistant in who],
        "completions": [
            {
                "annotations": mark["annotations"],
                "custom_system_prompt": rng.choice(principles[principle]),
                "model": assistant.name,
                "principle": principle,
                "response": answer,
                "critique": mark["critique"],
                "fine-grained_score": mark["fine-grained_score"],
                "overall_score": mark["overall_score"],
            }
            for assistant, principle, answer, mark in zip(who, guided, answers, marks, strict=True)
        ],
        "correct_answers": [case.say(case.task.correct[0])] if has_myth else ["None"],
        "incorrect_answers": [case.say(case.task.claim[0])] if has_myth else ["None"],
    }


def main() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from tqdm.auto import tqdm

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for split, n in SIZES.items():
        made = list(tqdm(rows(split, n, arguments.seed), total=n, desc=split))
        path = arguments.out / f"{split}.parquet"
        pq.write_table(pa.Table.from_pylist(made), path, compression="zstd", compression_level=19)
        print(f"{path}: {n} prompts, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
