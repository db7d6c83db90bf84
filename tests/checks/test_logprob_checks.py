"""Every catalogued mistake is diagnosed as itself, whoever writes it; every right way to write it passes."""

import math
import re
from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import pedagogy as pg
from pedagogy.checks import check, logprobs, sequences
from pedagogy.checks.finding import Finding
from pedagogy.checks.sequences import cases, check_sequence_logprobs
from pedagogy.logprobs import response_mask, token_logprobs
from pedagogy.slips import SLIPS, Working, after
from tests.conftest import by_hand

NOTEBOOK = Path(pg.__file__).parents[1] / "notebooks" / "05_chained_probabilities.ipynb"

# log π(y|x), written rightly in many ways


def by_gather(logits, ids, mask):
    chosen = logits[:, :-1].gather(-1, ids[:, 1:, None]).squeeze(-1) - logits[:, :-1].logsumexp(-1)
    return (chosen * mask[:, 1:]).sum(-1)


def by_index(model, input_ids, response_mask):
    logps = model(input_ids).logits.log_softmax(-1)
    rows, steps = torch.arange(len(input_ids))[:, None], torch.arange(input_ids.shape[1] - 1)
    chosen = logps[rows, steps, input_ids[:, 1:]]
    return chosen.masked_fill(~response_mask[:, 1:], 0).sum(-1).numpy()


def by_cross_entropy(model, ids, mask):
    logits = model(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
    loss = cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    return tuple(torch.where(mask[:, 1:], -loss, 0.0).sum(-1))


def by_ignored_labels(m, i, r):  # names that say nothing
    labels = i.masked_fill(~r, -100)[:, 1:]
    logits = m(i).logits[:, :-1]
    losses = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none", ignore_index=-100)
    return -losses.view(labels.shape).sum(1)


def by_prefixes(model, ids, mask):
    sums = []
    for row, marks in zip(ids, mask, strict=True):
        total = 0.0
        for t in range(1, len(row)):
            if marks[t]:
                total += model(row[None, :t]).logits[0, -1].log_softmax(-1)[row[t]].item()
        sums.append(total)
    return sums


def by_probabilities(l, y, where):  # noqa: E741
    p = torch.softmax(l.double(), -1)[:, :-1]
    p = torch.take_along_dim(p, y[:, 1:, None], -1)[..., 0]
    return np.log(p.numpy(), where=where[:, 1:].numpy(), out=np.zeros(p.shape)).sum(1)


def with_attention(model, input_ids, response_mask, attention_mask):
    return pg.sequence_logprobs(model, input_ids, response_mask, attention_mask)


def aligned_to_labels(scores, ids, mask):
    """Logits moved, not cut."""
    moved = torch.cat([torch.zeros_like(scores[:, :1]), scores[:, :-1]], 1).log_softmax(-1)
    return torch.einsum(
        "btv,btv,bt->b", moved, torch.nn.functional.one_hot(ids, moved.shape[-1]) * 1.0, mask * 1.0
    )


RIGHT = [
    pg.sequence_logprobs, by_gather, by_index, by_cross_entropy, by_ignored_labels, by_prefixes,
    by_probabilities, with_attention, aligned_to_labels,
]  # fmt: skip


@pytest.mark.parametrize("function", RIGHT)
def test_right_ways_pass(function):
    found = check("sequence_logprobs", function)
    assert found.right and found.mistake is None, found


# … and wrongly, as learners do


def learner(way="gather", shift=(slice(None, -1), slice(1, None)), marks=slice(1, None), axis=-1, end=None):
    """log π(y|x) with slices put as they may be put."""

    def function(logits, ids, mask):
        logits, ids, mask = logits[:, shift[0]], ids[:, shift[1]], mask[:, marks]
        logps = logits.log_softmax(axis) if way == "gather" else way(logits)
        chosen = logps.gather(-1, ids[..., None])[..., 0]
        return (end or (lambda s, m: (s * m).sum(-1)))(chosen, mask)

    return function


def drop_last(mask):
    return mask & ~(mask.flip(-1).long().cumsum(-1).flip(-1) == 1)


def mean(scores, mask):
    return (scores * mask).sum(-1) / mask.sum(-1)


ALL, CUT, LATE = slice(None), slice(None, -1), slice(1, None)
WRONG = {
    "no shift": [
        learner(shift=(ALL, ALL), marks=ALL), learner(shift=(CUT, CUT), marks=CUT),
        learner(shift=(LATE, LATE)),
    ],
    "shifted the wrong way": [learner(shift=(LATE, CUT), marks=CUT)],
    "shifted twice": [learner(shift=(slice(None, -2), slice(2, None)), marks=slice(2, None))],
    "mask not shifted": [learner(marks=CUT)],
    "softmax over positions": [
        learner(axis=1), learner(way=lambda z: z.flatten(0, 1).log_softmax(0).view(z.shape)),
    ],
    "softmax over the batch": [learner(axis=0)],
    "softmax twice": [learner(way=lambda z: z.softmax(-1).log_softmax(-1))],
    "logits summed": [learner(way=lambda z: z)],
    "likeliest token scored": [
        lambda logits, ids, mask: (logits.log_softmax(-1).amax(-1)[:, :-1] * mask[:, 1:]).sum(-1)
    ],
    "mean for sum": [learner(end=mean)],
    "mean over the padded width": [learner(end=lambda s, m: (s * m).mean(-1))],
    "sign": [lambda *a: -by_gather(*a)],
    "bits, not nats": [lambda *a: by_gather(*a) / math.log(2), lambda *a: by_gather(*a) / math.log(10)],
    "probability": [lambda *a: by_gather(*a).exp()],
    "probabilities summed": [learner(end=lambda s, m: (s.exp() * m).sum(-1))],
    "log of the summed probabilities": [learner(end=lambda s, m: (s.exp() * m).sum(-1).log())],
    "log of the mean probability": [learner(end=lambda s, m: ((s.exp() * m).sum(-1) / m.sum(-1)).log())],
    "product, then its log": [
        learner(end=lambda s, m: torch.where(m, s.exp(), 1.0).prod(-1).log()),
        learner(end=lambda s, m: (s.exp() * m).prod(-1).log()),
    ],
    "no mask": [learner(end=lambda s, m: s.sum(-1))],
    "mean loss": [learner(end=lambda s, m: -mean(s, m))],
    "EOS dropped and mean for sum": [learner(end=lambda s, m: mean(s, drop_last(m)))],
    "no shift and sign": [learner(shift=(ALL, ALL), marks=ALL, end=lambda s, m: -(s * m).sum(-1))],
    "no shift and mean for sum": [learner(shift=(ALL, ALL), marks=ALL, end=mean)],
}  # fmt: skip


def by_pad_id(model, ids, mask):
    return by_gather(model(ids).logits, ids, mask & (ids != 0))


def all_tokens(model, ids, mask):
    return pg.sequence_logprobs(model, ids, (torch.arange(ids.shape[1]) > 0) & ~after(mask))


def to_the_end(model, ids, mask):
    return pg.sequence_logprobs(model, ids, mask | after(mask))


def alone(model, ids, mask):
    """Each response by itself."""
    answers = [row[m][None] for row, m in zip(ids, mask, strict=True)]
    return [token_logprobs(model(y).logits, y).sum() for y in answers]


WRONG |= {
    "masked by pad id": [by_pad_id], "prompt counted": [all_tokens], "pad counted": [to_the_end],
    "EOS dropped": [lambda model, ids, mask: pg.sequence_logprobs(model, ids, drop_last(mask))],
    "prompt left out": [alone],
    "prompt counted and masked by pad id": [lambda z, i, m: (token_logprobs(z, i) * (i[:, 1:] != 0)).sum(-1)],
}  # fmt: skip


@pytest.mark.parametrize(("name", "function"), [(n, f) for n, fs in WRONG.items() for f in fs])
def test_mistakes_are_named(name, function):
    found = check("sequence_logprobs", function)
    assert (found.right, found.mistake) == (False, name), found
    assert found.message and found.hint and found.reread


def variants():
    return [variant for slip in SLIPS.values() for variant in slip.variants()]


@pytest.mark.parametrize("slip", variants(), ids=lambda slip: slip.name)
def test_each_slip_of_the_catalogue_is_diagnosed_as_itself(slip):
    found = check("sequence_logprobs", lambda logits, ids, mask: Working(logits, ids, mask).logprobs(slip))
    assert (found.right, found.mistake) == (False, slip.name)
    assert slip.why in found.message and (found.hint, found.reread) == (slip.hint, slip.section)


def test_the_catalogue_keeps_clear_of_the_truth_and_of_itself():
    """No two mistakes, nor a mistake and the truth, come near each other on both batches."""
    values = {"right": [sequences.by_loop(c.logits, c.ids, c.mask) for c in cases()]}
    for i, slip in enumerate(variants()):
        rows = [Working(c.logits.double(), c.ids, c.mask).logprobs(slip).numpy() for c in cases()]
        values[f"{slip.name}/{i}"] = rows
    numbers = {name: np.concatenate(rows) for name, rows in values.items()}
    for (a, x), (b, y) in combinations(numbers.items(), 2):
        assert a.split("/")[0] == b.split("/")[0] or not np.allclose(x, y, rtol=0.02, atol=0.05), (a, b)


def test_without_a_slip_the_working_is_the_plain_definition(policies):
    policy = policies["llama"]
    x, y = policy.encode_prompt("How do I boil an egg?"), policy.encode_response("Put the egg in cold water.")
    ids, mask = torch.tensor([x + y]), torch.tensor([[False] * len(x) + [True] * len(y)])
    with torch.no_grad():
        logits = policy.model(ids).logits
    assert Working(logits, ids, mask).logprobs().item() == pytest.approx(
        by_hand(policy.model, x, y).sum(), abs=1e-3
    )
    assert sequences.by_loop(logits, ids, mask)[0] == pytest.approx(
        by_hand(policy.model, x, y).sum(), abs=1e-3
    )
    found = check("sequence_logprobs", pg.sequence_logprobs(policy.model, ids, mask), policy.model, ids, mask)
    assert found.right
    assert check("sequence_logprobs", by_gather(logits, ids, mask).item(), logits, ids, mask).right
    wrong = Working(logits, ids, mask).logprobs("no shift")
    assert check("sequence_logprobs", round(wrong.item(), 2), logits, ids, mask).mistake == "no shift"


def test_slips_combine_and_exclude_each_other():
    case = cases()[0]
    working = Working(case.logits, case.ids, case.mask)
    both = working.logprobs("prompt counted", "EOS dropped") - working.logprobs()
    each = sum(working.logprobs(s) - working.logprobs() for s in ("prompt counted", "EOS dropped"))
    torch.testing.assert_close(both, each, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="no shift and shifted twice"):
        working.logprobs("no shift", "shifted twice")


# What else a function may do


def test_what_it_raises_is_a_finding_with_the_line():
    def mine(logits, ids, mask):
        wrong = logits[:, :-1].gather(-1, ids)
        return wrong

    found = check("sequence_logprobs", mine)
    assert not found.right and found.mistake == "error"
    assert "wrong = logits" in found.message and "3 inputs" in found.hint


@pytest.mark.parametrize(
    ("function", "mistake"),
    [
        (None, "no answer"),
        (..., "no answer"),
        (3.0, "type"),
        (lambda logits, ids, mask: None, "no answer"),
        (lambda logits, ids, mask: "−3 nats", "type"),
        (lambda logits, ids, mask: by_gather(logits, ids, mask).sum(), "one number for the batch"),
        (lambda logits, ids, mask: token_logprobs(logits, ids), "not summed"),
        (lambda logits, ids, mask: by_gather(logits, ids, mask)[:, None], "shape"),
        (lambda logits, ids, mask: by_gather(logits, ids, mask) * math.nan, "not a number"),
        (lambda logits, ids, mask: by_gather(logits, ids, mask).bfloat16(), "imprecise"),
        (lambda logits, ids, mask: logits[:, 0, 0], "unknown"),
        (lambda logits: logits, "error"),
        (lambda: 1, "error"),
    ],
)
def test_other_answers_get_a_plain_word(function, mistake):
    found = check("sequence_logprobs", function)
    assert not found.right and found.mistake == mistake and found.message


def test_it_cannot_spoil_inputs_model_or_random_state():
    def careless(model, ids, mask):
        out = pg.sequence_logprobs(model, ids.clone(), mask.clone())
        torch.manual_seed(1)
        ids.zero_(), mask.zero_()
        for p in model.parameters():
            p.zero_()
        return out

    before = [(c.ids.clone(), c.mask.clone(), c.logits.clone()) for c in cases()]
    torch.manual_seed(3)
    draw = torch.rand(1)
    torch.manual_seed(3)
    found = check("sequence_logprobs", careless)
    assert torch.equal(torch.rand(1), draw)
    assert found.right and "writes into its inputs" in found.message
    assert "writes" not in check("sequence_logprobs", by_gather).message
    for case, kept in zip(cases(), before, strict=True):
        assert all(torch.equal(a, b) for a, b in zip((case.ids, case.mask, case.logits), kept, strict=True))
        logits = case.model(case.ids, attention_mask=(~after(case.mask)).long()).logits
        torch.testing.assert_close(logits, case.logits)


# The other functions


def token_ways():
    return [
        token_logprobs,
        lambda logits, ids: -cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none"),
        lambda logits, ids: [
            [row[t - 1].log_softmax(-1)[i[t]].item() for t in range(1, len(i))]
            for row, i in zip(logits, ids, strict=True)
        ],
    ]  # fmt: skip


@pytest.mark.parametrize("function", token_ways())
def test_right_token_logprobs(function):
    assert check("token_logprobs", function).right


TOKEN_MISTAKES = {
    "no shift": lambda z, i: z.log_softmax(-1).gather(-1, i[..., None])[..., 0],
    "shifted the wrong way": lambda z, i: z[:, 1:].log_softmax(-1).gather(-1, i[:, :-1, None])[..., 0],
    "shifted twice": lambda z, i: token_logprobs(z[:, :-1], i[:, 1:]),
    "logits summed": lambda z, i: z[:, :-1].gather(-1, i[:, 1:, None])[..., 0],
    "softmax over positions": lambda z, i: z[:, :-1].log_softmax(1).gather(-1, i[:, 1:, None])[..., 0],
    "softmax over the batch": lambda z, i: z[:, :-1].log_softmax(0).gather(-1, i[:, 1:, None])[..., 0],
    "softmax twice": lambda z, i: token_logprobs(z.softmax(-1), i),
    "likeliest token scored": lambda z, i: z[:, :-1].log_softmax(-1).amax(-1),
    "probability": lambda z, i: token_logprobs(z, i).exp(),
    "sign": lambda z, i: cross_entropy(z[:, :-1].mT, i[:, 1:], reduction="none"),
    "bits, not nats": lambda z, i: token_logprobs(z, i) / math.log(2),
    "shape": lambda z, i: token_logprobs(z, i).sum(-1),
    "unknown": lambda z, i: token_logprobs(z, i) + 1,
    "error": lambda z: z,
    "no answer": None,
    "type": [1.0],
}


@pytest.mark.parametrize("name", TOKEN_MISTAKES)
def test_token_mistakes_are_named(name):
    found = check("token_logprobs", TOKEN_MISTAKES[name])
    assert (found.right, found.mistake) == (False, name), found


def test_every_scoring_slip_is_named_for_tokens():
    for slip in variants():
        if slip.step == "score":

            def function(logits, ids, slip=slip):
                scores = Working(logits, ids, ids > 0).scores(slip)
                return scores[:, ~scores.isnan().any(0)]  # the columns that are scored at all

            assert check("token_logprobs", function).mistake == slip.name


LENGTHS = torch.tensor([4, 3, 6, 2]), torch.tensor([9, 7, 8, 5])


@pytest.mark.parametrize(
    "function",
    [
        response_mask,
        lambda ps, ns: [[int(p <= t < n) for t in range(int(max(ns)))] for p, n in zip(ps, ns, strict=True)],
        lambda p, n: ((torch.arange(9) >= p[:, None]) & (torch.arange(9) < n[:, None])).float().numpy(),
    ],
)  # fmt: skip
def test_right_masks(function):
    assert check("response_mask", function).right
    assert check("response_mask", function(*LENGTHS), *LENGTHS).right


def test_each_mask_mistake_is_told_apart():
    truth = response_mask(*LENGTHS)
    mistakes = sequences._mask_mistakes(truth)
    assert len(mistakes) >= 8
    for name, mistake in mistakes.items():
        found = check("response_mask", mistake.value, *LENGTHS)
        assert (found.right, found.mistake) == (False, name)
    assert check("response_mask", lambda p, n: torch.arange(9) >= p[:, None]).mistake == "pad counted"
    assert check("response_mask", truth[:, :-1], *LENGTHS).mistake == "shape"
    assert check("response_mask", None, *LENGTHS).mistake == "no answer"


S = np.array([-0.5, -2.0, -0.25, -1.25])


@pytest.mark.parametrize("function", [
    lambda s: math.exp(-s.mean()), lambda s: np.exp(-np.mean(s)), lambda s: torch.exp(-s.mean()),
    lambda s: 1 / math.exp(sum(s) / len(s)), lambda s: (1 / s.exp().prod()) ** (1 / len(s)),
])  # fmt: skip
def test_right_perplexities(function):
    assert check("perplexity", function).right


def test_each_perplexity_mistake_is_told_apart():
    assert check("perplexity", math.exp(1), S).right
    for name, (f, _) in logprobs._PERPLEXITY_MISTAKES.items():
        assert check("perplexity", float(f(S)), S).mistake == name
        assert check("perplexity", lambda s, f=f: f(s.numpy())).mistake == name
    for answer, mistake in ((None, "no answer"), ("e", "type"), (99, "unknown"), ([1, 2], "shape")):
        assert check("perplexity", answer, S).mistake == mistake
    assert check("perplexity", 2.0).mistake == "type"


def tempered_by_power(logits, temperature):
    p = torch.softmax(logits.double(), -1) ** (1 / temperature)
    return (p / p.sum(-1, keepdim=True)).log()


@pytest.mark.parametrize("function", [
    lambda z, tau: (z / tau).log_softmax(-1), lambda z, tau: (z.log_softmax(-1) / tau).log_softmax(-1),
    lambda z, tau: z / tau - (z / tau).logsumexp(-1, keepdim=True), tempered_by_power,
    lambda z, tau: np.asarray(z / tau) - np.log(np.exp(z / tau).sum(-1, keepdims=True)),
])  # fmt: skip
def test_right_temperatures(function):
    assert check("temperature", function).right


def test_each_temperature_mistake_is_told_apart():
    logits = torch.tensor([[1.0, 0.0, -2.0], [0.5, 1.5, 0.0]])
    for name, (f, _) in logprobs._TEMPERATURE_MISTAKES.items():
        found = check("temperature", f)
        assert (found.right, found.mistake) == (False, name)
        assert check("temperature", f(logits, 0.5), logits, 0.5).mistake == name
    assert check("temperature", None).mistake == "no answer"
    assert check("temperature", lambda z, tau: z.sum()).mistake == "shape"
    assert check("temperature", lambda z: z).mistake == "error"


FOUR = [
    np.array(s) for s in ([-1.5, -0.25, -2.0, -0.75], [-3.0, -0.5], [-2.5, -0.125, -3.0, -0.5], [-1.0, -0.75])
]


def test_each_log_ratio_mistake_is_told_apart():
    a, b, c, d = (s.sum() for s in FOUR)
    assert check("log_ratio_gap", (a - c) - (b - d), *FOUR).right
    wrong = {
        "reference left out": a - b, "reference only": c - d, "reference added": a - b + c - d,
        "swapped": (b - d) - (a - c), "chosen only": a - c, "rejected only": b - d,
        "log-ratios added": a - c + b - d, "ratio of logs": a / c - b / d,
        "mean for sum": a / 4 - c / 4 - (b / 2 - d / 2), "unknown": 77, "no answer": None, "type": "x",
    }  # fmt: skip
    for name, value in wrong.items():
        assert check("log_ratio_gap", value, *FOUR).mistake == name


@pytest.mark.parametrize("p", [0.5, 0.25, 0.1])
def test_underflow_is_where_numpy_says(p):
    product, n = np.float32(1), 0
    while np.float32(product * np.float32(p)) > 0:
        product, n = np.float32(product * np.float32(p)), n + 1
    assert check("underflow", n, p).right
    assert check("underflow", n + 1, p).mistake == "one too many"
    wrong = {24 // -np.log2(p): "digits, not range", 126 // -np.log2(p): "full precision only",
             1074 // -np.log2(p): "float64", 3: "unknown", None: "no answer", "many": "type"}  # fmt: skip
    for answer, mistake in wrong.items():
        assert check("underflow", answer, p).mistake == mistake


def test_half_a_token_a_time():
    assert check("underflow", 149).right and check("underflow", 38).mistake == "decimal digits"


# Findings, and what they point to


def test_a_finding_shows_its_hint_where_it_can_unfold_and_escapes_all_of_it():
    found = Finding(False, "x", "<b>wrong</b>", "look <here>", "The <shift>")
    html = found._repr_html_()
    assert "<details><summary>A hint</summary>look &lt;here&gt;</details>" in html
    assert "&lt;b&gt;wrong" in html and "The &lt;shift&gt;" in html and "✗" in html
    assert "look" not in repr(found) and "The <shift>" in repr(found) and ".hint" in repr(found)
    right = Finding(True, None, "Right.")
    assert repr(right) == "✓ Right." and "details" not in right._repr_html_()


def sections() -> set[str]:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return {re.sub(r"[*`$]", "", line) for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_what_to_reread_is_a_section_of_the_notebook():
    named = {slip.section for slip in SLIPS.values()}
    named |= {logprobs.LENGTH, logprobs.REFERENCE, logprobs.TEMPERATURE}
    assert {name.removesuffix(", notebook 05") for name in named} <= sections()


def test_the_catalogue_is_large_and_says_why():
    assert len(SLIPS) >= 20 and all(slip.why and slip.hint for slip in SLIPS.values())
    assert {slip.step for slip in SLIPS.values()} == {"score", "mask", "sum"}
    assert check_sequence_logprobs.__doc__
