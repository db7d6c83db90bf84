"""Notebook 03's self-checks: right answers pass, and each catalogued mistake is diagnosed as itself."""

import math
import random
import zlib

import numpy as np
import pytest
import torch

from pedagogy.checks import feedback as checks
from pedagogy.checks.feedback import (
    BIAS_EVIDENCE,
    check_bias_evidence,
    check_binarizer,
    check_h4_pairs,
    check_leaks,
    check_repair_rule,
    check_tens,
    check_tie_chance,
)


def row(scores, means):
    return checks._row(scores, means)


TIED = row((7, 9, 9, 4), (5, 3, 4, 2))  # B and C tie at the top, A has the best mean, D is the worst
OTHERS = {("B", "A"), ("B", "C"), ("B", "D")}

EVERY_CHECK = [
    lambda answer: check_h4_pairs(answer, TIED),
    lambda answer: check_tie_chance(answer, [9, 9, 4]),
    check_binarizer,
    lambda answer: check_tens(answer, [TIED], [TIED]),
    check_repair_rule,
    check_bias_evidence,
    lambda answer: check_leaks(answer, ["a"], ["a"]),
]


@pytest.mark.parametrize("check", EVERY_CHECK)
def test_no_answer_and_the_wrong_kind_get_a_plain_word(check):
    for nothing in (None, ...):
        found = check(nothing)
        assert (found.right, found.mistake) == (False, "no answer") and found.message
    for odd in (True, math.nan, [["not", "hashable"]], {3: 4}, object()):
        assert check(odd).mistake in {"type", "unknown name"}


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (OTHERS, None),
        (["BA", "BC", "BD"], None),
        ({("A", "B"), ("C", "B"), ("D", "B")}, "swapped"),
        ({("B", "A"), ("B", "D")}, "ties left out"),
        ({("B", "D")}, "worst rejected"),
        ({"BA", "BD", "CA", "CD", "AD"}, "all ordered pairs"),
        ({"BA", "BC", "BD", "CA", "CB", "CD"}, "every tied best"),
        ({"AB", "AC", "AD"}, "mean of the aspects"),
        (OTHERS | {("B", "B")}, "itself"),
        ({("B", "C")}, "left out"),
        ({("C", "A"), ("B", "D")}, "unknown"),
        (set(), "left out"),
        ({("B", "Z")}, "type"),
        ({("B",)}, "type"),
        ({3}, "type"),
    ],
)
def test_pairs_of_a_row(answer, mistake):
    found = check_h4_pairs(answer, TIED)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def test_a_rule_that_happens_to_be_right_is_right():
    plain = row((9, 3, 2, 1), (5, 3, 1, 1))
    assert check_h4_pairs({"AB", "AC", "AD"}, plain).right  # as by the mean, or without ties: the same here


def test_ratings_that_are_no_numbers_do_not_matter():
    unrated = row((7, 9, 9, 4), (5, 3, 4, 2))
    for completion in unrated["completions"]:
        completion["annotations"] = {"honesty": {"Rating": "N/A", "Rationale": "N/A"}}
    assert check_h4_pairs(OTHERS, unrated).right
    assert check_h4_pairs({("B", "A"), ("B", "D")}, unrated).mistake == "ties left out"


def test_each_wrong_chance_is_told_apart():
    scores = [9, 9, 4, 9, 3]
    assert check_tie_chance(0.5, scores).right and check_tie_chance(1 / 3, [9, 9, 6, 3]).right
    seen = {0.5}
    for name, (value, hint) in checks._tie_mistakes(scores, 5, 3).items():
        found = check_tie_chance(value, scores)
        if value not in seen:
            assert (found.right, found.mistake, found.message) == (False, name, hint)
        seen.add(value)
    assert len(seen) >= 6
    assert check_tie_chance(0.17, scores).mistake == "unknown"
    assert check_tie_chance(0, [3, 2]).right


# H4's rule as a function: one right, and the usual slips


def h4(row, rng, pick=lambda rng, others: rng.choice(others), best=None, keep=lambda c, top: True):
    answers = row["completions"]
    top = best(answers) if best else max(answers, key=lambda c: c["overall_score"])
    others = [c for c in answers if c is not top and keep(c, top)]
    return top["response"], (pick(rng, others) if others else top)["response"]


def last_best(answers):
    return max(reversed(answers), key=lambda c: c["overall_score"])


def lower(c, top):
    return c["overall_score"] < top["overall_score"]


def worst(rng, others):
    return min(others, key=lambda c: c["overall_score"])


def with_itself(row, rng):
    top = max(row["completions"], key=lambda c: c["overall_score"])
    return top["response"], rng.choice(row["completions"])["response"]


def random_best(row, rng):
    high = max(c["overall_score"] for c in row["completions"])
    top = rng.choice([c for c in row["completions"] if c["overall_score"] == high])
    return h4(row, rng, best=lambda answers: top)


FREE = random.Random(0)


def taken_out(row, rng):
    answers = row["completions"]
    best = max(answers, key=lambda c: c["overall_score"])
    answers.remove(best)
    return best["response"], rng.choice(answers)["response"]


def shuffled_in_place(row, rng):
    best = max(row["completions"], key=lambda c: c["overall_score"])
    rng.shuffle(row["completions"])
    return best["response"], next(c for c in row["completions"] if c is not best)["response"]


def sorted_in_place(row, rng):
    row["completions"].sort(key=lambda c: -c["overall_score"])  # stable: the first of the tied stays so
    best, *others = row["completions"]
    return best["response"], rng.choice(others)["response"]


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (h4, None),
        (lambda row, rng: list(h4(row, rng)), None),
        (lambda row, rng: h4(row, rng)[::-1], "swapped"),
        (lambda row, rng: h4(row, rng, best=last_best), "not the first on a tie"),
        (random_best, "random best"),
        (taken_out, "changes its input"),
        (shuffled_in_place, "changes its input"),
        (sorted_in_place, "changes its input"),
        (lambda row, rng: taken_out(row, rng)[::-1], "swapped"),
        (lambda row, rng: h4(row, rng, keep=lower), "ties left out"),
        (lambda row, rng: h4(row, rng, pick=worst), "worst rejected"),
        (lambda row, rng: h4(row, rng, pick=lambda rng, others: others[0]), "not random"),
        (lambda row, rng: h4(row, rng, pick=lambda rng, others: rng.choice(others[:2])), "others left out"),
        (lambda row, rng: h4(row, FREE), "not reproducible"),
        (with_itself, "itself"),
        (
            lambda row, rng: h4(row, rng, best=lambda a: max(a, key=lambda c: c["fine-grained_score"])),
            "mean of the aspects",
        ),
        (
            lambda row, rng: h4(row, rng, best=lambda a: min(a, key=lambda c: c["overall_score"])),
            "worst chosen",
        ),
        (lambda row, rng: h4(row, rng, best=lambda a: a[0]), "chosen"),
        (lambda row, rng: None, "nothing returned"),
        (lambda row, rng: ..., "nothing returned"),
        (lambda row, rng: "ab", "type"),
        (lambda row, rng: (row["completions"][0], row["completions"][1]), "type"),
        (lambda row: "one argument", "raises"),
        (lambda row, rng: row["no such field"], "raises"),
    ],
)
def test_binarizers(answer, mistake):
    found = check_binarizer(answer)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


# The score-10 bug


def with_critiques(scores, means):
    made = row(scores, means)
    for completion, score in zip(made["completions"], scores, strict=True):
        completion["critique"] = f"worth {score}"
    return made


ORIGINAL = [with_critiques((1, 10, 6, 1), (2, 5, 3, 3)), with_critiques((9, 1, 2, 10), (4, 3, 2, 5))]
PLANTED = [with_critiques((10, 10, 6, 10), (2, 5, 3, 3)), with_critiques((9, 10, 2, 10), (4, 3, 2, 5))]
FALSE = {(0, "A"), (0, "D"), (1, "B")}


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (FALSE, None),
        (list(FALSE), None),
        (FALSE | {(1, "C")}, "not a ten"),
        (FALSE | {(0, "B"), (1, "D")}, "every ten"),
        (FALSE | {(0, "B")}, "good answer accused"),
        ({(0, "A")}, "only the sure ones"),
        ({(0, "A"), (0, "D")}, "missed"),
        (set(), "missed"),
        ({(7, "A")}, "type"),
        ({"A"}, "type"),
        ([("A", ["B"])], "type"),
    ],
)
def test_tens(answer, mistake):
    found = check_tens(answer, PLANTED, ORIGINAL)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def rule(score, mean, low=lambda m: m <= 2, high=lambda m: m > 4, between="again", guard=True):
    if guard and score != 10:
        return score
    return 1 if low(mean) else 10 if high(mean) else between


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (rule, None),
        (lambda s, m: float(r) if (r := rule(s, m)) != "again" else r, None),
        (lambda s, m: rule(s, m, guard=False), "other scores changed"),
        (lambda s, m: rule(s, m, low=lambda m: m < 2), "edge at 2"),
        (lambda s, m: rule(s, m, high=lambda m: m >= 4), "edge at 4"),
        (lambda s, m: rule(s, m, between=1), "guessed in between"),
        (lambda s, m: rule(s, m, between=10), "guessed in between"),
        (lambda s, m: rule(s, round(m)), "means rounded"),
        (lambda s, m: s, "false ten kept"),
        (lambda s, m: "again" if s == 10 and m > 2 else rule(s, m), "good ten changed"),
        (lambda s, m: None, "nothing returned"),
        (lambda s, m: ..., "nothing returned"),
        (lambda s: s, "raises"),
    ],
)
def test_repair_rules(answer, mistake):
    found = check_repair_rule(answer)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def test_evidence_for_a_bias():
    assert check_bias_evidence("longer wins among equals").right
    for name in BIAS_EVIDENCE.keys() - {"longer wins among equals"}:
        assert check_bias_evidence(name).mistake == name
    assert check_bias_evidence("vibes").mistake == "unknown name"


TRAIN = ["How do I boil an egg?", "How do I change a tire?", "Help me fold a map, please."]
TEST = [
    "How do I boil two eggs?",
    "How do I change a tire?",
    "help me  fold a map, please. ",
    "How do I sew?",
]


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        ({1, 2}, None),
        ([2, 1], None),
        (set(np.array([1, 2])), None),
        ([*torch.tensor([1, 2])], None),
        ({True, 2}, "type"),
        ({1.0, 2.0}, "type"),
        ({1}, "exact match only"),
        ({0, 3}, "the clean ones"),
        ({0, 1, 2}, "alike is not the same"),
        ({2}, "missed"),
        (set(), "missed"),
        ({9}, "type"),
        ({"To sew?"}, "type"),
    ],
)
def test_leaks(answer, mistake):
    found = check_leaks(answer, TRAIN, TEST)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def test_numbers_of_train_rows_are_recognised():
    assert check_leaks({0}, ["x", "y"], ["y", "x", "z"]).mistake == "missed"
    assert check_leaks({1}, ["q", "x"], ["x", "z"]).mistake == "train rows"


# A draw by seed and prompt


def drawn(row, seed, own=None, among=None):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    others = among(scores, best) if among else [i for i in range(len(scores)) if i != best]
    return best, int((own or random.Random(f"{seed} {row['instruction']}")).choice(others))


def draw_from_everybody(row, seed):
    random.seed(f"{seed} {row['instruction']}")
    return drawn(row, seed, random)


def draw_from_numpys(row, seed):
    np.random.seed(zlib.crc32(f"{seed} {row['instruction']}".encode()))
    return drawn(row, seed, np.random)


def best_taken_out(row, seed):
    pair = drawn(row, seed)
    row["completions"].pop(pair[0])
    return pair


def last_of_the_tied(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = max(range(len(scores)), key=lambda i: (scores[i], i))
    return best, random.Random(f"{seed} {row['instruction']}").choice([i for i in range(4) if i != best])


def below(scores, best):
    return [i for i in range(len(scores)) if scores[i] < scores[best]] or [best - 1 if best else 1]


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (drawn, None),
        (lambda row, seed: None, "nothing returned"),
        (lambda row, seed: list(drawn(row, seed)), "type"),
        (lambda row, seed: (0, 9), "no such answer"),
        (lambda row, seed: (1, 1), "itself"),
        (lambda row, seed: row["nothing"], "raises"),
        (lambda row, seed: drawn(row, seed)[::-1], "swapped"),
        (lambda row, seed: (0, 2), "not the best"),
        (last_of_the_tied, "not the first on a tie"),
        (lambda row, seed: drawn(row, seed, among=below), "ties left out"),
        (lambda row, seed: drawn(row, seed, random), "not reproducible"),
        (draw_from_everybody, "everybody's random numbers"),
        (draw_from_numpys, "everybody's random numbers"),
        (lambda row, seed: drawn(row, seed, np.random), "not reproducible"),
        (best_taken_out, "changes its input"),
        (
            lambda row, seed: drawn(row, seed, random.Random(hash((seed, row["instruction"])))),
            "hash of a text",
        ),
        (lambda row, seed: drawn(row, seed, random.Random(row["instruction"])), "seed ignored"),
        (lambda row, seed: drawn(row, seed, random.Random(seed)), "seed alone"),
        (5, "type"),
        (None, "no answer"),
    ],
)
def test_a_draw_by_seed_and_prompt(answer, mistake):
    before = checks._generators_state()
    found = checks.check_seeded_pair(answer)
    assert (found.right, found.mistake) == (mistake is None, mistake) and found.message
    assert checks._generators_state() == before


# Evidence, pair by pair


def counting(name):
    def answer(a, b, alike):
        differences = (a[key] - b[key] for key in ("worth", "score", "words"))
        return checks._evidence_rules(alike)[name][0](*differences)

    return answer


@pytest.mark.parametrize("name", checks._evidence_rules(0.5))
def test_which_pairs_are_evidence(name):
    found = checks.check_length_evidence(counting(name))
    assert found.mistake == (None if name == "right" else name.strip()) and found.message


@pytest.mark.parametrize("flag", [np.bool_, np.array, torch.tensor])
def test_a_flag_may_be_numpys_or_torchs(flag):
    assert checks.check_length_evidence(lambda *given: flag(counting("right")(*given))).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        (lambda a, b, alike: None, "no answer"),
        (True, "type"),
        (lambda a, b, alike: 1, "type"),
        (lambda a, b, alike: a["length"], "raises"),
        (lambda a, b, alike: a["words"] % 2 == 0, "unknown"),
    ],
)
def test_an_evidence_rule_that_is_none(answer, mistake):
    assert checks.check_length_evidence(answer).mistake == mistake


# A split without a leak


def split(pairs, share, seed, key=lambda text: " ".join(text.casefold().split()), own=None):
    prompts = list(dict.fromkeys(key(pair["prompt"]) for pair in pairs))
    (own or random.Random(seed)).shuffle(prompts)
    held = set(prompts[: round(share * len(prompts))])
    return [p for p in pairs if key(p["prompt"]) not in held], [p for p in pairs if key(p["prompt"]) in held]


def split_pairs(pairs, share, seed):
    random.Random(seed).shuffle(pairs)
    n = round(share * len(pairs))
    return pairs[n:], pairs[:n]


def one_a_prompt(pairs, share, seed):
    return split(list({pair["prompt"]: pair for pair in pairs}.values()), share, seed)


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (split, None),
        (split_pairs, "a prompt on both sides"),
        (lambda pairs, share, seed: split(pairs, share, seed, key=str), "exact match only"),
        (one_a_prompt, "pairs lost"),
        (lambda pairs, share, seed: (pairs, pairs), "pairs doubled"),
        (lambda pairs, share, seed: (pairs, []), "one side empty"),
        (lambda pairs, share, seed: split(pairs, 2 * share, seed), "another share"),
        (lambda pairs, share, seed: split(pairs, share, 7), "seed ignored"),
        (lambda pairs, share, seed: split(pairs, share, seed, own=random.SystemRandom()), "not reproducible"),
        (lambda pairs, share, seed: list(split(pairs, share, seed)), "type"),
        (lambda pairs, share, seed: None, "nothing returned"),
        (lambda pairs, share, seed: pairs["prompt"], "raises"),
        ("a text", "type"),
        (None, "no answer"),
    ],
)
def test_a_split_without_a_leak(answer, mistake):
    found = checks.check_prompt_split(answer)
    assert (found.right, found.mistake) == (mistake is None, mistake) and found.message
