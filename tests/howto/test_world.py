"""The knowledge base keeps its promises, and the validator sees each way of breaking them."""

import copy
import itertools
import random

import pytest
import yaml

from pedagogy.howto.world import KNOWLEDGE, World, is_number, main, problems, with_articles

# --- What the world contains --------------------------------------------------------------------------


def test_sizes(world):
    families = [task for task in world.tasks if task.is_family]
    assert len(families) >= 15 and sum(task.n_cases for task in families) >= 5000
    assert len(world.tasks) - len(families) >= 60
    assert len({task.area for task in world.tasks}) >= 10


def test_the_bundled_knowledge_has_no_problems(world):
    assert problems(world) == []


def test_every_task_has_what_an_answer_needs(world):
    for task in world.tasks:
        assert 5 <= len(task.steps) <= 9, task.id
        assert all(len(set(step)) == len(step) >= 4 for step in task.steps), task.id
        assert len(task.key) == 3 and task.swaps and task.hazard and task.check and task.tools, task.id
        assert not task.is_family or (len(task.attributes) >= 3 and task.n_cases >= 300), task.id


def test_facts_are_functions_of_one_visible_attribute(world):
    """Two cases that share an attribute's value share its facts, whatever the rest."""
    for task in (task for task in world.tasks if task.is_family):
        told = {}
        for choice in task.choices():
            case = task.case(choice)
            assert all(value in case.title for value in choice.values()), case.title
            for slot in case.right.keys() - task.attributes.keys():
                attribute = slot.split(".")[0]
                assert told.setdefault((slot, choice[attribute]), case.right[slot]) == case.right[slot]


def test_wrong_values_are_wrong_and_of_the_same_kind(world):
    for task in world.tasks:
        for choice in itertools.islice(task.choices(), 5):
            case = task.case(choice)
            for slot, wrong in case.wrong.items():
                assert wrong and case.right[slot] not in wrong and len(set(wrong)) == len(wrong)
                if is_number(case.right[slot]):
                    assert any(map(is_number, wrong)), (task.id, slot)


def test_nothing_rendered_has_a_slot_left_or_a_wrong_article(world):
    for task in world.tasks:
        rng = random.Random(task.id)
        for choice in rng.sample(list(task.choices()), min(3, max(1, task.n_cases))):
            case = task.case(choice)
            for text in itertools.chain(*task.steps, task.hazard, task.check, task.claim, task.correct):
                said = case.say(text)
                assert "{" not in said and "  " not in said and said[0].isupper(), said
                assert " a a" not in said and " a an " not in said and " the the " not in said, said


ARTICLES = {
    "a egg": "an egg",
    "a USB stick": "a USB stick",
    "A old mug": "An old mug",
    "a hour": "an hour",
    "a uniform": "a uniform",
    "a unusual idea": "an unusual idea",
    "a one": "a one",
    "a jack": "a jack",
}


@pytest.mark.parametrize("before, after", ARTICLES.items())
def test_articles(before, after):
    assert with_articles(before) == after


# --- Finding the case in a prompt ---------------------------------------------------------------------


def test_the_bare_question_is_found(world):
    assert world.find("How do I change a tire?").task.id == "change_tire"
    assert world.find("HOW DO I CHANGE A TIRE???").task.id == "change_tire"


def test_every_title_is_found_as_itself(world):
    for task in world.tasks:
        choices = list(task.choices())
        for choice in random.Random(task.id).sample(choices, min(8, len(choices))):
            case = task.case(choice)
            found = world.find(f"Please explain how to {case.title.upper()}, dear friend.")
            assert found.key == case.key, case.title


@pytest.mark.parametrize("prompt", ["", "How do I", "What is the capital of France?", "change a tired mind"])
def test_foreign_prompts_are_not_found(world, prompt):
    assert world.find(prompt) is None


# --- The validator: one planted mistake, one complaint ------------------------------------------------

FAMILY, SINGLE = "clean_car_spot", "change_tire"


@pytest.fixture(scope="module")
def area():
    """One good family and one good single task."""
    source = yaml.safe_load((KNOWLEDGE / "car.yaml").read_text("utf-8"))
    source["families"] = [entry for entry in source["families"] if entry["id"] == FAMILY]
    source["tasks"] = [entry for entry in source["tasks"] if entry["id"] == SINGLE]
    return source


def complaints(area, tmp_path, spoil) -> list[str]:
    area = copy.deepcopy(area)
    spoil(area, area["families"][0], area["tasks"][0])
    (tmp_path / "area.yaml").write_text(yaml.safe_dump(area, sort_keys=False), "utf-8")
    return problems(World([tmp_path / "area.yaml"]))


def step(sentence):
    """A mistake that consists in one sentence standing as the first paraphrase of a single task's step 5."""
    return lambda area, family, single: single["steps"][4].__setitem__(0, sentence)


def two_values(area, family, single):
    for number, facts in enumerate(area["pools"]["grime"].values()):
        facts["dwell"] = f"{number % 2 + 1} minutes"


BROKEN = {
    "5 to 9 wanted": lambda a, f, s: s.update(steps=s["steps"][:4]),
    "10 given": lambda a, f, s: s.update(steps=(s["steps"] * 2)[:10]),
    "increasing step numbers": lambda a, f, s: s.update(key=[4, 2, 8]),
    "exactly 3": lambda a, f, s: s.update(key=[2, 4]),
    "key: ": lambda a, f, s: s.update(key=[2, 4, 40]),
    "tools: 1 given": lambda a, f, s: s.update(tools=s["tools"][:1]),
    "tools: 6 given": lambda a, f, s: s.update(tools=["a cloth"] * 6),
    "there are no steps 8 and 9": lambda a, f, s: s["swaps"][0].update(steps=[8, 9]),
    "hazard: 3 or more": lambda a, f, s: s.update(hazard=s["hazard"][:2]),
    "check: 3 or more": lambda a, f, s: s.update(check=s["check"][:2]),
    "claim: 2 or more": lambda a, f, s: s["myth"].update(claim=s["myth"]["claim"][:1]),
    "correct: 3 or more": lambda a, f, s: s["myth"].update(correct=s["myth"]["correct"][:2]),
    "step 5: 3 paraphrases": lambda a, f, s: s["steps"].__setitem__(4, s["steps"][4][:3]),
    "no full stop": step("Unscrew the nuts and pull the flat toward you"),
    "punctuation other than commas": step("Unscrew the nuts: pull the flat toward you."),
    "a digit outside the facts": step("Unscrew the 5 nuts and pull the flat toward you."),
    "not plain ASCII": step("Unscrew the nuts — pull the flat toward you."),
    "does not begin with a capital": step("unscrew the nuts and pull the flat toward you."),
    "begins with a joining word": step("Then unscrew the nuts and pull the flat toward you."),
    "3 words": step("Unscrew the nuts."),
    "unknown slot {spanner}": step("Unscrew the nuts with {spanner} and pull the flat off."),
    "unknown slot {color}": lambda a, f, s: s.update(title="change a {color} tire"),
    "unknown slot {mood}": lambda a, f, s: s["swaps"][0].update(why="{mood} may suffer"),
    "each shown in the title": lambda a, f, s: f.update(title="clean {grime} off the {part} of a car"),
    "combinations, 300 wanted": lambda a, f, s: a["pools"].update(automobile=["sedan", "taxi"]),
    "no number among them": lambda a, f, s: [s["facts"].pop("lift"), _forget(s, "{lift}", "two inches")],
    "no tool among them": lambda a, f, s: [
        [s["facts"].pop(fact), _forget(s, f"{{{fact}}}", "a wrench")] for fact in ("wrench", "jack_spot")
    ],
    "{spare_fact} occurs in no step": lambda a, f, s: s["facts"].update(
        spare_fact={"right": "a rope", "wrong": ["a chain"]}
    ),
    "paraphrases only, 3 wanted": lambda a, f, s: [
        s["steps"][3].__setitem__(i, f"Raise the car with the crank, number {word} of the day.")
        for i, word in enumerate(("one", "two", "three"))
    ],
    "is contained in": lambda a, f, s: s["facts"]["wrench"].update(wrong=["a big lug wrench", "lug wrench"]),
    "different values, 4 wanted": two_values,
    "look alike": lambda a, f, s: s["check"].__setitem__(0, s["hazard"][0]),
    "the same sentence stands in": lambda a, f, s: s["hazard"].__setitem__(0, s["hazard"][1]),
    "title is contained in": lambda a, f, s: s.update(title=f["title"].format(
        grime="tree sap", part="hood", automobile="sedan") + " in the rain"),
    "the id occurs twice": lambda a, f, s: s.update(id=FAMILY),
}  # fmt: skip


def _forget(task, slot, words):
    for sentences in [*task["steps"], task["hazard"], task["check"], task["tools"], *task["myth"].values()]:
        sentences[:] = [sentence.replace(slot, words) for sentence in sentences]


def test_a_good_area_passes(area, tmp_path):
    assert complaints(area, tmp_path, lambda *_: None) == []
    assert main([str(tmp_path / "area.yaml")]) == 0


@pytest.mark.parametrize("complaint", BROKEN)
def test_the_validator_names_a_planted_mistake(area, tmp_path, complaint):
    found = complaints(area, tmp_path, BROKEN[complaint])
    assert any(complaint in line for line in found), found


def test_the_command_line_fails_on_a_broken_file(area, tmp_path, capsys):
    complaints(area, tmp_path, BROKEN["exactly 3"])
    assert main([str(tmp_path / "area.yaml")]) == 1
    assert "car/change_tire: key" in capsys.readouterr().out


def test_two_areas_cannot_define_one_pool(area, tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(area, sort_keys=False), "utf-8")
    with pytest.raises(ValueError, match="two.yaml: pool 'grime' is already defined"):
        World([tmp_path / "one.yaml", tmp_path / "two.yaml"])
