"""The assistants have the habits they are said to have, and the same words for the same seed."""

import random
from collections import Counter
from statistics import mean

import pytest

from pedagogy.howto.assistants import ASSISTANTS, Habits
from pedagogy.howto.judge import PENALTIES, SHORT, judge, read_prompt
from pedagogy.howto.prompts import draw_prompt
from pedagogy.howto.voices import load_voices

N = 80
BY_NAME = {assistant.name: assistant for assistant in ASSISTANTS}


@pytest.fixture(scope="module")
def habits(world):
    """name -> (prompt, answer, verdict) for the same N prompts."""
    rng = random.Random(0)
    prompts = [draw_prompt("train", rng)[1] for _ in range(N)]
    answers = {a.name: [(prompt, a.answer(prompt, rng)) for prompt in prompts] for a in ASSISTANTS}
    return {name: [(p, r, judge(p, r)) for p, r in said] for name, said in answers.items()}


def share(said, *kinds) -> float:
    """How often an assistant's answers show one of the defects."""
    return mean(bool(verdict.kinds & set(kinds)) for _, _, verdict in said)


def test_there_are_ten_with_names_of_their_own():
    assert len(ASSISTANTS) == len(BY_NAME) == 10


@pytest.mark.parametrize("name, kinds, least", [
    ("sim-sprint", ["missing_steps"], 0.75),
    ("sim-shrug", ["evasive", "missing_steps"], 0.8),
    ("sim-jumble", ["wrong_order"], 0.45),
    ("sim-mixup", ["wrong_tool", "wrong_number"], 0.7),
    ("sim-oracle", ["boast"], 0.5),
    ("sim-oracle", ["invention"], 0.4),
    ("sim-brochure", ["padded"], 0.7),
    ("sim-drifter", ["off_task"], 0.5),
])  # fmt: skip
def test_bad_habits_show_and_are_theirs_alone(habits, name, kinds, least):
    """The defect is frequent in this assistant's answers, and most frequent there."""
    shares = {who: share(said, *kinds) for who, said in habits.items()}
    assert shares[name] >= least, shares
    if kinds != ["missing_steps"]:
        assert max(shares, key=shares.get) == name, shares


def test_good_habits_show(habits):
    for name in ("sim-mentor", "sim-manual", "sim-scholar"):
        untrue = share(habits[name], *PENALTIES.keys() - {"instruction", "myth_accepted"})
        assert untrue <= 0.02, (name, untrue)
        assert mean(verdict.utility for *_, verdict in habits[name]) > 8.5
    assert mean(verdict.hedged for *_, verdict in habits["sim-scholar"]) > 0.4


def test_quality_is_mixed(habits):
    """Nobody is always best: also the careful ones have poor answers, the careless ones good ones."""
    utilities = {name: [verdict.utility for *_, verdict in said] for name, said in habits.items()}
    average = {name: mean(values) for name, values in utilities.items()}
    assert min(average.values()) < 4.5 and max(average.values()) > 9
    assert sum(max(values) >= 9.5 for values in utilities.values()) >= 8
    assert all(min(values) < 8.5 for values in utilities.values()), {n: min(v) for n, v in utilities.items()}


def test_assistants_are_never_unclear_repetitive_or_cut_off(habits):
    """What they say is the judge's own language. (A stray step may be too short to be told from nonsense.)"""
    for said in habits.values():
        assert share(said, "repetitive", "unfinished", "wrong_object") == 0
        assert share(said, "unclear") <= 0.05


def test_answers_are_text_that_ends(habits):
    for said in habits.values():
        for _, response, _ in said:
            assert response == response.strip() and response[-1] in ".!?" and "{" not in response
            assert "  " not in response and "\n\n" not in response


def test_layouts(habits):
    numbered = {
        name: mean("\n1. " in r or r.startswith("1. ") for _, r, _ in said) for name, said in habits.items()
    }
    assert numbered["sim-manual"] > 0.6 and numbered["sim-brochure"] < 0.2
    words = load_voices()["joiners"]["last"]
    for name in ("sim-mentor", "sim-oracle"):
        assert mean(any(word in r for word in words) for _, r, _ in habits[name]) > 0.5


def test_no_sentence_twice_in_one_answer(habits):
    for said in habits.values():
        for _, response, _ in said:
            sentences = Counter(part for line in response.splitlines() for part in line.split(". "))
            assert max(sentences.values()) == 1, response


def test_instructions_are_mostly_obeyed_and_sometimes_broken(world):
    rng, obeyed = random.Random(1), Counter()
    for wish, forms in load_voices()["instructions"].items():
        for _ in range(40):
            task = rng.choice(world.tasks)
            case = task.case({slot: rng.choice(list(pool)) for slot, pool in task.attributes.items()})
            prompt = f"How do I {case.title}? {rng.choice(forms)}"
            obeyed[wish] += (
                "instruction" not in judge(prompt, rng.choice(ASSISTANTS).answer(prompt, rng)).kinds
            )
    assert all(0.6 * 40 <= count < 40 for count in obeyed.values()), obeyed


def test_an_obedient_assistant_keeps_to_the_limits(drafts):
    """With obey = 1 the two brief forms are always kept, whatever the task and the belief in the prompt."""
    always = type(ASSISTANTS[0])("sim-obedient", "plain", "prose", Habits(obey=1.0, correct=1.0))
    rng = random.Random(2)
    for draft in drafts(2):
        for wish in ("two_sentences", "short"):
            form = rng.choice(load_voices()["instructions"][wish])
            for start in ("", draft.case.say(draft.case.task.claim[0]) + " "):
                prompt = f"{start}{draft.prompt} {form}"
                answer = always.answer(prompt, rng)
                assert not judge(prompt, answer).kinds - {"missing_steps"}, (prompt, answer)
                assert wish != "short" or len(answer.split()) <= SHORT


def test_false_beliefs_are_corrected_agreed_with_or_passed_over(drafts):
    kinds = {"sim-scholar": Counter(), "sim-oracle": Counter()}
    for draft in drafts(3):
        prompt = draft.case.say(draft.rng.choice(draft.case.task.claim)) + " " + draft.prompt
        assert read_prompt(prompt).has_myth
        for name, count in kinds.items():
            verdict = judge(prompt, BY_NAME[name].answer(prompt, draft.rng))
            count.update(verdict.kinds & {"myth_accepted", "myth_ignored"})
    scholar, oracle = kinds["sim-scholar"], kinds["sim-oracle"]
    assert scholar["myth_accepted"] < 0.12 * 95 < 0.4 * 95 < oracle["myth_accepted"]
    assert scholar["myth_ignored"] < 0.1 * 95 < oracle["myth_ignored"] < oracle["myth_accepted"]


def test_principles_bend_habits(world):
    def boasts(principle):
        rng = random.Random(4)
        prompts = [draw_prompt("train", rng)[1] for _ in range(40)]
        answers = [(p, BY_NAME["sim-oracle"].answer(p, rng, principle)) for p in prompts]
        return mean("boast" in judge(p, r).kinds for p, r in answers)

    assert boasts("honesty") < boasts(None) - 0.15


def test_the_same_seed_gives_the_same_words():
    prompt = "How do I change a tire?"
    for assistant in ASSISTANTS:
        one, two, other = (assistant.answer(prompt, random.Random(seed)) for seed in (7, 7, 8))
        assert one == two != other


def test_a_foreign_prompt_is_refused():
    with pytest.raises(ValueError, match="names no task"):
        ASSISTANTS[0].answer("Who wrote Hamlet?", random.Random(0))
