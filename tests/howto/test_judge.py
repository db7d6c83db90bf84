"""Each defect, planted by hand in a correct answer, is found, and nothing else is."""

import random
import re
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy.howto.judge import INSTRUCTIONS, PENALTIES, judge, read_prompt
from pedagogy.howto.sentences import cleaned, content_words, split_sentences
from pedagogy.howto.voices import load_voices
from pedagogy.howto.world import decapitalised, is_number

Q = "How do I change a tire?"


def kinds(prompt, response) -> dict:
    return dict(Counter(defect.kind for defect in judge(prompt, response).defects))


def expect(wanted: dict, prompt: str, response: str):
    verdict = judge(prompt, response)
    found = dict(Counter(defect.kind for defect in verdict.defects))
    assert found == wanted, f"{prompt}\n{response}\n{verdict.defects}"
    return verdict


# --- Correct answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["prose", "sequence", "numbered"])
def test_correct_answers_have_no_defect(drafts, layout):
    for draft in drafts(layout):
        verdict = expect({}, draft.prompt, draft.text(layout))
        assert verdict.utility == 10.0 and verdict.coverage == 1.0
        assert verdict.steps == tuple(range(len(draft.steps)))
        assert verdict.facts_right == verdict.facts_stated > 0


def test_every_paraphrase_is_known_for_what_it_is(drafts):
    """Said alone, each sentence of a task is recognised: no two mean two things to the judge."""
    for draft in drafts(1):
        task, say = draft.case.task, draft.case.say
        for number, ways in enumerate(task.steps):
            for way in ways:
                assert judge(draft.prompt, say(way)).steps == (number,), say(way)
        assert all("no_hazard" not in kinds(draft.prompt, say(way)) for way in task.hazard)
        assert all("no_check" not in kinds(draft.prompt, say(way)) for way in task.check)
        assert all("myth_accepted" in kinds(draft.prompt, say(way)) for way in task.claim)


def test_courtesies_cost_nothing(drafts):
    """Openers, closers, hedges and one filler are not defects."""
    voices = load_voices()
    said = [form for tone in (*voices["openers"].values(), *voices["closers"].values()) for form in tone]
    said += [*voices["hedges"], *voices["fillers"]]
    for draft in drafts(2)[::12]:
        for form in said:
            expect({}, draft.prompt, form.replace("{task}", draft.case.title) + " " + draft.text())


# --- One planted defect -------------------------------------------------------------------------------


def spoil_fact(draft, wanted):
    """State one fact of the wanted kind wrongly, in one step."""
    case, rng = draft.case, draft.rng
    places = [
        (slot, number, way)
        for slot in case.right
        for number, ways in enumerate(case.task.steps)
        for way in ways
        if f"{{{slot}}}" in way
        and wanted
        == ("object" if slot in case.task.attributes else "number" if is_number(case.right[slot]) else "tool")
    ]
    if not places:
        return None
    slot, number, way = rng.choice(places)
    draft.steps[number] = case.say(way, **{slot.replace(".", "__"): rng.choice(case.wrong[slot])})
    return draft.text(), {f"wrong_{wanted}": 1}


def swap(draft):
    i = draft.rng.randrange(len(draft.steps) - 1)
    draft.steps[i], draft.steps[i + 1] = draft.steps[i + 1], draft.steps[i]
    return draft.text(), {"wrong_order": 1}


def drop_steps(draft):
    for i in draft.rng.sample(range(len(draft.steps)), draft.rng.randint(1, 3)):
        draft.steps[i] = ""
    return draft.text(), {"missing_steps": 1}


def drop(part):
    def plant(draft):
        setattr(draft, part, "")
        return draft.text(), {f"no_{part}": 1}

    return plant


def say(bank, kind, times=1):
    def plant(draft):
        forms = draft.rng.sample(load_voices()[bank], times)
        forms = [form.replace("{task}", draft.case.title) for form in forms]
        return " ".join([draft.text(), *forms]), {kind: times}

    return plant


def repeat_step(draft):
    i = draft.rng.randrange(len(draft.steps))
    draft.steps.insert(i + 1, draft.case.say(draft.rng.choice(draft.case.task.steps[i])))
    return draft.text(), {"repetitive": 1}


def add(sentence, kind):
    return lambda draft: (f"{draft.text()} {sentence}", {kind: 1})


def cut_off(draft):
    return draft.text()[:-1].rsplit(" ", 1)[0], {"unfinished": 1}


def claim(draft):
    return draft.case.say(draft.rng.choice(draft.case.task.claim)) + " " + draft.text(), {"myth_accepted": 1}


def evade(draft):
    return draft.voice("evasions"), {"evasive": 1}


def confuse_title(draft):
    """Greet the asker with another attribute value than the one asked about."""
    slot = draft.rng.choice(list(draft.case.task.attributes) or [None])
    if slot is None:
        return None
    title = draft.case.say(draft.case.task.title, **{slot: draft.rng.choice(draft.case.wrong[slot])})
    return f"I am so glad you asked how to {decapitalised(title)}. {draft.text()}", {"wrong_object": 1}


def negate_step(draft):
    """'Do not …' before a step takes the step back."""
    i = draft.rng.randrange(len(draft.steps))
    draft.steps[i] = "You should never " + decapitalised(draft.steps[i])
    return draft.text(), {"missing_steps": 1, "unclear": 1}


PLANTED = {
    "wrong_number": lambda draft: spoil_fact(draft, "number"),
    "wrong_tool": lambda draft: spoil_fact(draft, "tool"),
    "wrong_object": lambda draft: spoil_fact(draft, "object"),
    "wrong object in the greeting": confuse_title,
    "wrong_order": swap,
    "missing_steps": drop_steps,
    "no_hazard": drop("hazard"),
    "no_check": drop("check"),
    "boast": say("boasts", "boast"),
    "boasts": say("boasts", "boast", 3),
    "invention": say("inventions", "invention"),
    "padded": say("fillers", "padded", 2),
    "very padded": say("fillers", "padded", 5),
    "evasions beside an answer": say("evasions", "padded", 2),
    "evasive": evade,
    "repetitive": repeat_step,
    "unfinished": cut_off,
    "a myth believed": claim,
    "gibberish": add("Xzzyq blorf wuggle fnord snarf.", "unclear"),
    "Spanish": add("El perro duerme toda la tarde sobre una alfombra roja.", "unclear"),
    "Russian": add("Сначала снимите колесо и положите его рядом.", "unclear"),
    "a foreign task": add("That was all about how to fold a paper swan.", "unclear"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_defects_are_found_and_nothing_else(drafts, name):
    planted = 0
    for draft in drafts(name):
        prompt, clean = draft.prompt, judge(draft.prompt, draft.text())
        spoiled = PLANTED[name](draft)
        if spoiled:
            verdict = expect(spoiled[1], prompt, spoiled[0])
            assert verdict.utility < clean.utility
            planted += 1
    assert planted >= 20


def test_a_plastic_spanner_makes_no_plastic_pipe(world):
    """A wrong tool may contain a value of another attribute: that is one defect, not two."""
    drain = world.by_id["clear_drain"]
    case = drain.case({**next(drain.choices()), "pipe": "cast iron"})
    said = case.say("With {pipe.gripper}, loosen the two nuts that hold the {pipe} bend.",
                    pipe__gripper="a plastic spanner")  # fmt: skip
    kinds_found = kinds(f"How do I {case.title}?", said)
    assert kinds_found["wrong_tool"] == 1 and "wrong_object" not in kinds_found


def test_negated_steps_are_not_said(drafts):
    """Where the sentence can be understood either way, the negated step still does not count."""
    for draft in drafts(3):
        response, _ = negate_step(draft)
        assert judge(draft.prompt, response).coverage < 1, response


def test_steps_of_another_task_are_off_task(drafts, world):
    """The judge tells them by the words of their own that they have; with few of these they are unclear."""
    rng, found = random.Random(4), Counter()
    for draft in drafts(4):
        other = rng.choice([task for task in world.tasks if task.id != draft.case.task.id])
        case = other.case({slot: rng.choice(list(pool)) for slot, pool in other.attributes.items()})
        stray = case.say(rng.choice(rng.choice(other.steps)))
        verdict = judge(draft.prompt, f"{draft.text()} {stray}")
        found.update(verdict.kinds or ["missed"])
        named = [dict(defect.slots)["detail"] for defect in verdict.defects if defect.kind == "off_task"]
        assert all(world.find(title) for title in named), named  # a real title, its slots filled
    assert found["off_task"] >= 0.95 * len(world.tasks) and not found["missed"], found


def test_an_answer_to_another_question_is_worth_nothing(drafts):
    asked = drafts(5)
    for draft, other in zip(asked, asked[7:] + asked[:7], strict=True):
        verdict = judge(draft.prompt, other.text())
        assert verdict.utility <= 2 and "missing_steps" in verdict.kinds, (draft.prompt, other.prompt)


# --- False beliefs ------------------------------------------------------------------------------------


def test_myths(drafts):
    for draft in drafts(6):
        case, rng = draft.case, draft.rng
        for way in case.task.claim:
            prompt = f"{case.say(way)} {draft.prompt}"
            assert read_prompt(prompt).has_myth
            yes, no = draft.voice("accepts"), case.say(rng.choice(case.task.correct))
            expect({"myth_ignored": 1}, prompt, draft.text())
            expect({"myth_accepted": 1}, prompt, f"{yes} {draft.text()}")
            expect({"myth_accepted": 1}, prompt, f"{yes} {no} {draft.text()}")
            expect({}, prompt, f"{no} {draft.text()}")
            expect({}, prompt, f"{case.say(way)} {no} {draft.text()}")  # repeated in order to correct it
            ignored, accepted = (
                judge(prompt, text).utility for text in (draft.text(), f"{yes} {draft.text()}")
            )
            assert accepted < ignored < 10
        assert not read_prompt(draft.prompt).has_myth


def test_no_question_or_instruction_is_taken_for_a_myth(drafts):
    voices = load_voices()
    others = [form for bank in voices["instructions"].values() for form in bank]
    for draft in drafts(7)[::5]:
        for form in voices["questions"]:
            prompt = form.replace("{task}", draft.case.title) + " " + draft.rng.choice(others)
            assert not read_prompt(prompt).has_myth and read_prompt(prompt).case.key == draft.case.key


# --- Instructions about form --------------------------------------------------------------------------


def test_every_wish_for_a_form_is_understood():
    for wish, forms in load_voices()["instructions"].items():
        for form in forms:
            assert read_prompt(f"{Q} {form}").instruction == wish, form
            first_time = f"I want to change a tire but I have never done it before. Where do I start? {form}"
            assert read_prompt(first_time).instruction == wish, form
    assert read_prompt(Q).instruction is None


def test_titles_and_claims_ask_for_no_form(drafts):
    for draft in drafts(8):
        for text in (draft.prompt, *map(draft.case.say, draft.case.task.claim)):
            assert not any(form.search(text) for form in INSTRUCTIONS.values()), text


def test_obeyed_and_broken(drafts):
    for draft in drafts(9):
        ask = draft.prompt
        expect({}, f"{ask} Please number the steps.", draft.text("numbered"))
        expect({"instruction": 1}, f"{ask} Please number the steps.", draft.text())
        expect({}, f"{ask} I am a beginner, so assume that I know nothing.", draft.text())
        draft.tools = ""
        expect({"instruction": 1}, f"{ask} Pitch it at a person with no experience.", draft.text())


def test_where_brevity_wins(drafts):
    """Asked for brevity, the three key steps earn everything, and completeness costs."""
    for draft in drafts(10):
        one, two, three = (draft.steps[i] for i in draft.case.task.key)
        brief = f"{one[:-1]}, and then {decapitalised(two)} {three}"
        words = " ".join(min(draft.case.task.steps[i], key=len) for i in draft.case.task.key)
        for wish, answer in (
            ("Two sentences will do.", brief),
            ("Use no more than 60 words.", draft.case.say(words)),
        ):
            prompt = f"{draft.prompt} {wish}"
            assert expect({}, prompt, answer).utility == 10
            assert expect({"instruction": 1}, prompt, draft.text()).utility < 8
            assert judge(draft.prompt, answer).utility < judge(draft.prompt, draft.text()).utility
        assert kinds(f"{draft.prompt} Two sentences will do.", f"{one} {two} {three}") == {"instruction": 1}
        assert kinds(f"{draft.prompt} Two sentences will do.", f"{one} {three}") == {"missing_steps": 1}


# --- Utility ------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(seed=st.integers(0, 10**9))
def test_utility_is_monotone_and_bounded(one_draft, seed):
    """A further flaw never raises utility; a missing step put in its place never lowers it."""
    rng = random.Random(seed)
    draft = one_draft(rng)
    whole = list(draft.steps)
    draft.steps = [step if rng.random() < 0.6 else "" for step in whole]
    flaws = [draft.voice(bank) for bank in ("boasts", "inventions", "fillers", "fillers", "evasions")]
    flaws += ["Xzzyq blorf wuggle.", draft.case.say(rng.choice(draft.case.task.claim))]
    flaws = rng.sample(flaws, rng.randint(0, 4))

    def utility():
        return judge(draft.prompt, " ".join([draft.text(), *flaws])).utility

    value = utility()
    assert 1 <= value <= 10
    for i in rng.sample(range(len(whole)), len(whole)):
        if not draft.steps[i]:
            draft.steps[i] = whole[i]
            value, before = utility(), value
            assert value >= before
    for flaw in (draft.voice("boasts"), draft.voice("fillers"), draft.voice("evasions"), draft.hazard):
        flaws.append(flaw)
        value, before = utility(), value
        assert 1 <= value <= before


def test_each_penalty_is_charged(tire):
    """The price list is what an otherwise complete answer loses."""
    for bank, kind in (("boasts", "boast"), ("inventions", "invention")):
        draft = tire()
        assert judge(Q, f"{draft.text()} {draft.voice(bank)}").utility == 10 - PENALTIES[kind]


# --- Adversarial sentences: what a learner or a language model might write ----------------------------

LOOSEN = "oosen each lug nut half a turn {} while the wheel stands on the road."
LIFT = "Crank the handle and raise the car until the tire hangs {} above the ground."
AIR = "nuts are easier to loosen once the wheel is in the air"
IN_STEP_2 = {
    "L" + LOOSEN.format("with the lug wrench"): {},
    "L" + LOOSEN.format("with it"): {},
    "L" + LOOSEN.format("with a lug wrench, not a claw hammer,"): {},
    "L" + LOOSEN.format("with a lug wrench instead of a pair of pliers"): {},
    "Do not use a claw hammer, use a lug wrench to l" + LOOSEN.format(""): {},
    "Don't forget to l" + LOOSEN.format("with a lug wrench"): {},
    "Now carefully loosen every lug nut by half a turn using a lug wrench while it is still on the road.": {},
    "L" + LOOSEN.format("with a claw hammer"): {"wrong_tool": 1},
    "L" + LOOSEN.format("with a claw hammer, not a lug wrench,"): {"wrong_tool": 1},
    "L" + LOOSEN.format("with a lug wrench or a claw hammer"): {"wrong_tool": 1},
    "L" + LOOSEN.format("without a lug wrench"): {"wrong_tool": 1},
    "L" + LOOSEN.format("with a banana"): {"wrong_tool": 1},
    "Do not l" + LOOSEN.format("with a lug wrench"): {"missing_steps": 1, "unclear": 1},
    "You can skip to l" + LOOSEN.format("with a lug wrench"): {"missing_steps": 1, "unclear": 1},
    "Skip step 3.": {"missing_steps": 1, "unclear": 1},
}
IN_STEP_4 = {
    LIFT.format("2 inches"): {},
    LIFT.format("two inches"): {},
    LIFT.format("2-inches"): {},
    LIFT.format("2 full inches"): {},
    LIFT.format("at most 2 inches, never 9 inches,"): {},
    LIFT.format("high"): {},
    LIFT.format("12 inches"): {"wrong_number": 1},
    LIFT.format("1.2 inches"): {"wrong_number": 1},
    LIFT.format("nine inches"): {"wrong_number": 1},
    LIFT.format("2 feet"): {"wrong_number": 1},
    LIFT.format("2 or 9 inches"): {"wrong_number": 1},
    LIFT.format("2-9 inches"): {"wrong_number": 1},
    LIFT.format("9 inches, sorry, 2 inches"): {"wrong_number": 1},
    LIFT.format("2 inches, or rather 47 inches,"): {"wrong_number": 1},
}
BESIDE = {
    "Good luck!": {},
    "I hope this helps.": {},
    "I cannot guarantee a perfect result.": {},
    Q: {},
    f"It is not true that {AIR}.": {},
    f"It is a myth that {AIR}.": {},
    f"{AIR.capitalize()}.": {"myth_accepted": 1},
    "Yes, what you heard is quite right.": {},  # nobody asked: one idle remark
    "I am so glad you asked how to boil an egg.": {"off_task": 1},
    "你好,请先把水烧开。": {"unclear": 1},
}


@pytest.mark.parametrize("sentence, wanted", IN_STEP_2.items())
def test_a_step_reworded(tire, sentence, wanted):
    draft = tire()
    draft.steps[1] = sentence
    expect(wanted, Q, draft.text())


@pytest.mark.parametrize("sentence, wanted", IN_STEP_4.items())
def test_a_number_reworded(tire, sentence, wanted):
    draft = tire()
    draft.steps[3] = sentence
    expect(wanted, Q, draft.text())


@pytest.mark.parametrize("sentence, wanted", BESIDE.items())
def test_a_remark_beside_the_answer(tire, sentence, wanted):
    expect(wanted, Q, f"{sentence} {tire().text()}")


def test_a_warning_turned_round_is_no_warning(tire):
    draft = tire()
    for said in ("Put any part of your body under a car that only a jack holds up.",
                 "Always put any part of your body under a car that only a jack holds up."):  # fmt: skip
        draft.hazard = said
        expect({"no_hazard": 1, "unclear": 1}, Q, draft.text())
    draft.hazard = "You should never put a part of your body under the car while only a jack holds it up."
    expect({}, Q, draft.text())


def test_many_steps_in_one_sentence(drafts):
    for draft in drafts(11)[::4]:
        first, *rest = [step[:-1] for step in draft.steps]
        for joint in (", and then ", ", then ", " and then "):
            said = joint.join([first, *map(decapitalised, rest)])
            verdict = judge(draft.prompt, f"{said}.")
            assert verdict.steps == tuple(range(len(draft.steps))), (verdict.steps, said)


# --- Form does not matter -----------------------------------------------------------------------------


def listed_with(marker):
    return lambda text: "\n".join(f"{marker(i)} {s}" for i, s in enumerate(split_sentences(text), 1))


SAME = {
    "lower case": str.lower,
    "upper case": str.upper,
    "dashes": listed_with(lambda i: "-"),
    "stars": listed_with(lambda i: "*"),
    "dots": listed_with(lambda i: "•"),
    "1)": listed_with(lambda i: f"{i})"),
    "(1)": listed_with(lambda i: f"({i})"),
    "Step 1:": listed_with(lambda i: f"Step {i}:"),
    "bold": lambda text: "\n".join(f"**{s}**" for s in split_sentences(text)),
    "a list without full stops": lambda text: "\n".join(f"- {s[:-1]}" for s in split_sentences(text)),
    "numbers in one line": lambda text: " ".join(f"{i}. {s}" for i, s in enumerate(split_sentences(text), 1)),
    "semicolons": lambda text: text.replace(". ", "; "),
    "exclamations": lambda text: text.replace(".", "!"),
    "double spaces": lambda text: text.replace(" ", "  "),
    "hard spaces": lambda text: text.replace(" ", "\u00a0"),
    "zero-width spaces": lambda text: text.replace(" ", "\u200b "),
    "Windows newlines": lambda text: "\r\n".join(split_sentences(text)),
    "paragraphs": lambda text: "\n\n".join(split_sentences(text)) + "\n\n",
    "curly quotes": lambda text: "\u201c" + text.replace("'", "\u2019") + "\u201d",
    "end tokens": lambda text: text + "<|end|></s>",
    "hyphenated units": lambda text: re.sub(r"(\d) (minutes?|inch|inches|hours?|days?)\b", r"\1-\2", text),
    "short units": lambda text: re.sub(r"(?<=\d )(min|sec)\w+", r"\1", text),
}


@pytest.mark.parametrize("form", SAME)
def test_the_form_of_a_correct_answer_does_not_matter(drafts, form):
    for draft in drafts(form):
        expect({}, draft.prompt, SAME[form](draft.text()))


@pytest.mark.parametrize("form", ["lower case", "dashes", "Windows newlines", "double spaces", "end tokens"])
def test_nor_does_that_of_a_wrong_one(drafts, form):
    for draft in drafts(form):
        response, wanted = spoil_fact(draft, "number") or spoil_fact(draft, "tool")
        expect(wanted, draft.prompt, SAME[form](response))


def test_slightly_reworded_sentences_are_still_known(drafts):
    """One content word left out and a polite word put in."""
    total = found = 0
    for draft in drafts(12):
        facts = {word for value in draft.case.right.values() for word in value.lower().split()}
        for i, step in enumerate(draft.steps):
            words = step[:-1].split()
            spare = [w for w in words[1:] if content_words(w) and w.lower().strip(",") not in facts]
            if spare:
                words.remove(draft.rng.choice(spare))
                draft.steps[i] = f"Please {decapitalised(' '.join(words))}."
        verdict = judge(draft.prompt, draft.text())
        total, found = total + len(draft.steps), found + len(set(verdict.steps))
    assert found >= 0.98 * total


@pytest.mark.parametrize(
    "text", ["", " ", "\n", ".", "???", "1.", "🙂", "<|end|>", "\x00", "- \n- \n", "a", "‮‏"]
)
def test_nothing_said_is_worth_one(text):
    verdict = judge(Q, text)
    assert verdict.utility == 1.0 and verdict.coverage == 0 and "missing_steps" in verdict.kinds


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_any_text_can_be_judged(text):
    assert judge(Q, text).utility == 1.0
    assert cleaned(cleaned(text)) == cleaned(text) or len(cleaned(text)) > 0


LONG = {
    "one word": "a" * 20_000,
    "one sentence": "blorf " * 3_333,
    "many sentences": "Xy zzqq blorf wuggle. " * 900,
    "joints": "loosen the nuts, and then raise the car, and " * 440,
    "negations": "do not use " * 1_800,
    "digits": "1 " * 10_000,
    "brackets": "<a " * 6_600,
    "newlines": "\n" * 20_000,
    "stops": ". " * 10_000,
    "stars": "* " * 10_000,
}


@pytest.mark.parametrize("name", LONG)
def test_long_texts_take_little_time(name):
    judge(Q, "")
    start = time.perf_counter()
    assert judge(Q, LONG[name]).utility == 1.0
    assert time.perf_counter() - start < 2


def test_wrong_types_and_foreign_prompts_are_refused():
    with pytest.raises(TypeError, match="response must be a string, not NoneType"):
        judge(Q, None)
    with pytest.raises(TypeError, match="prompt must be a string, not int"):
        judge(3, "text")
    with pytest.raises(ValueError, match="names no task"):
        judge("What is the capital of France?", "Paris.")
