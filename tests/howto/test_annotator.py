"""Ratings, critiques and overall scores say what the judge found, up to the noise and bias asked for."""

import random
import re
from statistics import correlation, mean

import pytest

from pedagogy.howto.annotator import ASPECTS, LENGTH_LOVER, Annotator, aspect_truths, critique
from pedagogy.howto.assistants import ASSISTANTS
from pedagogy.howto.judge import judge
from pedagogy.howto.prompts import draw_prompt
from pedagogy.howto.voices import load_voices

EXACT = Annotator(noise=0, length_bias=0)
OPINIONS = load_voices()["critiques"]


@pytest.fixture(scope="module")
def answers(world):
    """(prompt, four answers, their verdicts)"""
    rng, found = random.Random(0), []
    for _ in range(90):
        _, prompt = draw_prompt("train", rng)
        texts = [who.answer(prompt, rng) for who in rng.sample(ASSISTANTS, 4)]
        found.append((prompt, texts, [judge(prompt, text) for text in texts]))
    return found


def annotated(answers, annotator, seed=0):
    """Each completion's (annotation, verdict, text)."""
    rng = random.Random(seed)
    return [
        (mark, verdict, text)
        for prompt, texts, verdicts in answers
        for mark, verdict, text in zip(annotator.annotate(prompt, texts, rng), verdicts, texts, strict=True)
    ]


@pytest.mark.parametrize("annotator", [Annotator(), EXACT, LENGTH_LOVER, Annotator(noise=20)])
def test_ranges_and_types(answers, annotator):
    for mark, _, _ in annotated(answers, annotator):
        assert tuple(mark["annotations"]) == ASPECTS
        for aspect, note in mark["annotations"].items():
            assert note["Rating"] in list("12345") and note["Rationale"]
            more = {"Type", "Rationale For Rating"} if aspect in ("truthfulness", "helpfulness") else set()
            assert note.keys() == {"Rating", "Rationale"} | more
            assert all(isinstance(kind, str) for kind in note.get("Type", []))
        overall = mark["overall_score"]
        assert isinstance(overall, float) and 1 <= overall <= 10 and overall == round(overall)
        ratings = [int(note["Rating"]) for note in mark["annotations"].values()]
        assert mark["fine-grained_score"] == mean(ratings)


def test_without_noise_and_bias_it_tells_the_truth(answers):
    for mark, verdict, _ in annotated(answers, EXACT):
        assert mark["overall_score"] == round(verdict.utility)
        for aspect, truth in aspect_truths(verdict).items():
            assert mark["annotations"][aspect]["Rating"] == str(round(truth))


def test_aspects_measure_what_they_are_named_for(tire):
    prompt, draft = "How do I change a tire?", tire()
    good = aspect_truths(judge(prompt, draft.text()))
    assert good == {"instruction_following": 5, "honesty": 5, "truthfulness": 5, "helpfulness": 5}

    def lowered(text, ask=prompt):
        truths = aspect_truths(judge(ask, text))
        return {aspect for aspect in ASPECTS[:3] if truths[aspect] < 5}

    assert lowered(draft.text() + " " + draft.voice("boasts")) == {"honesty"}
    assert lowered(draft.text() + " " + draft.voice("inventions")) == {"honesty", "truthfulness"}
    assert lowered(draft.text().replace("2 inches", "9 inches")) == {"truthfulness"}
    assert lowered(draft.text(), f"{prompt} Use exactly two sentences.") == {"instruction_following"}


def pattern(form: str) -> str:
    """A regular expression for an opinion, whatever fills its slots."""
    parts = re.split(r"\{\w+\}", form)
    return ".+".join(map(re.escape, parts))


def named(text: str) -> set[str]:
    """The kinds of defect that a critique names, read back from its wording."""
    kinds = OPINIONS.keys() - {"praise", "mixed"}
    return {kind for kind in kinds if any(re.search(pattern(form), text) for form in OPINIONS[kind])}


def test_a_critique_names_every_defect_and_no_other(answers):
    seen = set()
    for mark, verdict, _ in annotated(answers, Annotator()):
        assert named(mark["critique"]) == verdict.kinds, (mark["critique"], verdict.defects)
        assert "{" not in mark["critique"]
        assert verdict.kinds or mark["critique"] in OPINIONS["praise"]
        seen |= verdict.kinds
    assert len(seen) >= 12, seen


def test_each_kind_of_defect_has_words(tire):
    """Also the kinds that no assistant shows, but a model's sample may."""
    prompt, draft = "How do I change a tire?", tire()
    texts = ["Xzzyq blorf wuggle.", draft.text(), "I am so glad you asked how to boil an egg."]
    texts = [f"{text} {draft.text()}" for text in texts] + [draft.text()[:-1], "", draft.voice("evasions")]
    for text in texts:
        verdict = judge(prompt, text)
        assert verdict.kinds and named(critique(verdict, random.Random(0))) == verdict.kinds


def test_a_critique_names_the_wrong_and_the_right_value(tire):
    verdict = judge("How do I change a tire?", tire().text().replace("2 inches", "15 inches"))
    said = critique(verdict, random.Random(0))
    assert "15 inches" in said and "2 inches" in said


def test_noise_is_what_it_says(answers):
    """Where neither end of the scale cuts it off, the deviation of the overall score is `noise`."""
    marks = [m for seed in range(5) for m in annotated(answers, Annotator(noise=1.0, length_bias=0), seed)]
    errors = [mark["overall_score"] - v.utility for mark, v, _ in marks if 4 <= v.utility <= 7]
    assert len(errors) > 150 and abs(mean(errors)) < 0.2
    assert 0.85 < mean(error**2 for error in errors) ** 0.5 < 1.2


def test_the_default_annotator_is_fairly_good(answers):
    marks = annotated(answers, Annotator())
    assert correlation([m["overall_score"] for m, *_ in marks], [v.utility for _, v, _ in marks]) > 0.8


def test_two_passes_may_disagree(answers):
    """As in UltraFeedback: the overall score is not a function of the four ratings."""
    gaps = [
        m["overall_score"] - (1 + 9 * (m["fine-grained_score"] - 1) / 4)
        for m, *_ in annotated(answers, Annotator())
    ]
    assert min(gaps) < -1 and max(gaps) > 1


def test_length_lover_prefers_longer(answers):
    def drift(annotator):
        marks = annotated(answers, annotator)
        errors = [m["overall_score"] - v.utility for m, v, _ in marks]
        return correlation(errors, [len(text.split()) for *_, text in marks])

    assert drift(LENGTH_LOVER) > 0.5 > drift(Annotator()) and abs(drift(EXACT)) < 0.15


def test_length_bias_adds_points_per_hundred_words(tire):
    """Two texts of one worth, 100 words apart."""
    prompt = "How do I change a tire?"
    short = tire().text().rsplit(" ", 30)[0] + " Xzzyq blorf wuggle."
    fillers = " ".join(tire(seed).voice("hedges") for seed in range(40))
    longer = f"{short} {' '.join(fillers.split()[:100])}."
    a, b = (judge(prompt, text).utility for text in (short, longer))
    one, two = Annotator(noise=0, length_bias=2.0).annotate(prompt, [short, longer], random.Random(0))
    assert two["overall_score"] - one["overall_score"] == pytest.approx(2.0 + b - a, abs=1.01)


def test_the_same_seed_gives_the_same_marks(answers):
    assert annotated(answers[:10], Annotator(), 1) == annotated(answers[:10], Annotator(), 1)
    assert annotated(answers[:10], Annotator(), 1) != annotated(answers[:10], Annotator(), 2)


# Two passes, and knobs at rest (the pipeline's tests turn them)


def test_annotating_is_rating_and_reviewing_each_answer_in_turn(answers):
    for prompt, texts, _ in answers[:10]:
        rng, again = random.Random(3), random.Random(3)
        passes = [
            Annotator().rate(prompt, text, again, (i, len(texts))) | Annotator().review(prompt, text, again)
            for i, text in enumerate(texts)
        ]
        assert Annotator().annotate(prompt, texts, rng) == passes


def test_a_knob_at_rest_does_not_look_at_authors_or_places(answers):
    for prompt, texts, _ in answers[:10]:
        known = Annotator().annotate(prompt, texts, random.Random(3), ["sim-mentor"] * len(texts))
        assert known == Annotator().annotate(prompt, texts, random.Random(3))
        first, last = (Annotator().rate(prompt, texts[0], random.Random(3), (i, 4)) for i in (0, 3))
        assert first == last


def test_the_first_of_a_page_gains_what_the_last_loses(answers):
    tilted, plain = Annotator(noise=0, length_bias=0, position_bias=4.0), EXACT
    prompt, texts, verdicts = next(
        row for row in answers if 3 <= aspect_truths(row[2][0])["helpfulness"] <= 3.5
    )
    first, middle, last = (
        int(tilted.rate(prompt, texts[0], random.Random(0), (i, 3))["annotations"]["helpfulness"]["Rating"])
        for i in range(3)
    )
    fair = plain.rate(prompt, texts[0], random.Random(0), (0, 3))["annotations"]["helpfulness"]["Rating"]
    assert first - 1 == middle == last + 1 == int(fair)
