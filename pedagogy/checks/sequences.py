"""Checks of notebook 05 that try a function: log π(y|x) of a batch, of each token, the response's mask.

The right numbers come from a loop in float64, the wrong ones from `slips.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from ..logprobs import pad_batch, response_mask
from ..slips import MASK, SHIFT, SLIPS, Slip, Working, after, before
from .finding import CLOSE, Finding
from .trial import (
    EXACT,
    Mistake,
    Refused,
    after_answer,
    as_numbers,
    as_wanted,
    call,
    compare,
    diagnosed,
    flat,
    named,
    same,
)

VOCAB, EOS = 13, 0  # of the made-up batches; they are padded with EOS, as many real ones are
WRITES = " One remark: it writes into its inputs. Work on a copy, .clone(), or the next reader is surprised."
NEARLY = "Within 1 %, but not the same: 16-bit numbers on the way, or rounding?"
JOINABLE = ("prompt counted", "EOS dropped", "first token dropped", "pad counted", "masked by pad id")
LEFT_OUT = named(
    "prompt left out", "the model saw the response alone, so this is no longer *given* x",
    "The state is (x, y_<t): run prompt and response together, and sum over the response.", SHIFT,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Case:
    """A batch, and the logits of a model on it; `model` None where only logits are there."""

    model: Callable | None
    logits: Tensor  # (B, T, V)
    ids: Tensor  # (B, T)
    mask: Tensor  # (B, T), true on the response

    @property
    def workings(self) -> list[Working]:
        """What a learner may have computed with: models see padding through an attention mask, or without."""
        runs = [self.logits]
        if self.model is not None:
            runs.append(_run(self.model, self.ids, None))
        return [Working(logits.double(), self.ids, self.mask) for logits in runs]


def _run(model: Callable, ids: Tensor, mask: Tensor | None) -> Tensor:
    attention = None if mask is None else (~after(mask.bool())).long()
    with torch.no_grad():
        return model(ids, attention_mask=attention).logits


@lru_cache(1)
def cases() -> tuple[Case, ...]:
    """Two made-up batches. In the first: rows of all sorts, one cut off before EOS. In the second: long rows,
    whose probability is 0 in float32."""
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(**shape, vocab_size=VOCAB, initializer_range=1.0, max_position_embeddings=256)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = LlamaForCausalLM(config).eval().requires_grad_(False)
        short = _batch([(4, 8), (3, 5), (5, 4), (2, 6)], cut_off=2)
        long = _batch([(5, 170), (7, 120)])
    return tuple(Case(model, _run(model, *batch), *batch) for batch in (short, long))


def _batch(lengths: list[tuple[int, int]], cut_off: int | None = None) -> tuple[Tensor, Tensor]:
    """ids (B, T) and mask (B, T) of rows with so many tokens of prompt and response, EOS included."""
    rows = [torch.randint(1, VOCAB, (x + y,)).tolist() for x, y in lengths]
    for i, row in enumerate(rows):
        if i != cut_off:
            row[-1] = EOS
    ids, total = pad_batch(rows, fill=EOS)
    return ids, response_mask(torch.tensor([x for x, _ in lengths]), total)


def by_loop(logits: Tensor, ids: Tensor, mask: Tensor) -> np.ndarray:
    """(B,): log π(y|x) in float64, one token after the other, with a softmax written out."""
    sums = np.zeros(len(ids))
    for b, t in mask.bool().nonzero().tolist():
        scores = logits[b, t - 1].detach().double().cpu().numpy()  # these predict token t
        weights = np.exp(scores - scores.max())
        sums[b] += np.log(weights[ids[b, t]] / weights.sum())
    return sums


# log π(y|x) of a batch


@diagnosed
def check_sequence_logprobs(answer, *given) -> Finding:
    """Is `answer` log π(y|x) of each row, (B,), in nats?

    answer: a function (model, input_ids, response_mask), or (logits, input_ids, response_mask), tried on
    made-up batches; or numbers, and `given` the three that they were worked out from.
    """
    names = ("the model or its logits", "input_ids", "response_mask")
    tried = (_case(*after_answer(given, *names)),) if given else cases()
    if callable(answer):
        values, writes = _outcomes(answer, tried)
        exact = EXACT
    elif given or answer is None or answer is ...:
        values, writes, exact = [answer], False, CLOSE
    else:
        need = "give a function, or after the numbers what they were worked out from: logits, ids, mask"
        raise Refused("type", f"Numbers alone cannot be checked: {need}.")
    numbers = flat([_one_a_row(value, case) for value, case in zip(values, tried, strict=True)])
    return _diagnose(numbers, tried, exact, WRITES if writes else "")


def _case(source, ids: Tensor, mask: Tensor) -> Case:
    ids, mask = torch.as_tensor(ids), torch.as_tensor(mask).bool()
    if callable(source):
        return Case(source, _run(source, ids, mask), ids, mask)
    return Case(None, torch.as_tensor(source), ids, mask)


def _outcomes(function: Callable, tried: tuple[Case, ...]) -> tuple[list, bool]:
    """What the function returns for each case, called in the way that its first parameter's name suggests;
    where it raises, in the other way."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    first = parameters[0].name.lower() if parameters else ""
    needed = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    ways = ["logits", "model"] if "log" in first else ["model", "logits"]
    refusals = []
    for way in ways:
        try:
            called = [call(function, *_inputs(case, way, len(needed))) for case in tried]
        except Refused as refused:
            refusals.append(refused)
        else:
            return [value for value, _ in called], any(writes for _, writes in called)
    raise refusals[0]


def _inputs(case: Case, way: str, needed: int) -> list:
    source = case.model if way == "model" and case.model is not None else case.logits
    inputs = [source, case.ids, case.mask]
    return inputs + [(~after(case.mask)).long()] if needed == 4 else inputs  # an attention mask


def _one_a_row(value, case: Case) -> np.ndarray:
    rows, width = case.ids.shape
    given = as_numbers(value)
    reread = SLIPS["no mask"].section
    if given is not None and given.ndim == 0 and rows > 1:
        hint = "Sum over the tokens alone, sum(-1): each row is another (x, y)."
        raise Refused("one number for the batch", f"One number, for {rows} rows of the batch.", hint, reread)
    if given is not None and given.shape in ((rows, width), (rows, width - 1)):
        hint = "log π(y|x) is their sum over the response: mask, then sum(-1)."
        raise Refused("not summed", "This is one number for each token, not for each row.", hint, reread)
    wanted = "one log-probability for each row of the batch"
    return np.atleast_1d(as_wanted(value, wanted, (rows,), *([()] if rows == 1 else [])))


def _diagnose(given: np.ndarray, tried: tuple[Case, ...], exact: float, remark: str) -> Finding:
    truth = flat([by_loop(case.logits, case.ids, case.mask) for case in tried])
    if same(given, truth, exact):
        return Finding(True, None, f"Right: the response's log-probabilities, summed, EOS included.{remark}")
    runs = list(zip(*[case.workings for case in tried], strict=True))
    for slips in _suspects(pairs=len(given) > 1):  # of one number, a pair of slips may hit upon it by chance
        if any(same(given, flat([w.logprobs(*slips) for w in run]), exact) for run in runs):
            return _told(slips)
    if all(case.model is not None for case in tried):
        if same(given, flat([_without_prompt(case) for case in tried]), exact):
            return LEFT_OUT
    if np.allclose(given, truth, rtol=0.01):
        return Finding(False, "imprecise", NEARLY, "Sum in float32 or wider.", SHIFT)
    hint = "Take a batch of one row, decode ids[mask], and print one log-probability for each token."
    return Finding(False, "unknown", "Not log π(y|x), nor a mistake known here.", hint, SHIFT)


def _suspects(pairs: bool) -> Iterator[tuple[Slip, ...]]:
    """Each slip in each of its ways, then two slips at once."""
    for slip in SLIPS.values():
        yield from ((variant,) for variant in slip.variants())
    for a, b in combinations(SLIPS.values(), 2) if pairs else ():
        if a.step != b.step or {a.name, b.name} <= set(JOINABLE):
            yield a, b


def _told(slips: tuple[Slip, ...]) -> Finding:
    if len(slips) == 1:
        slip = slips[0]
        return named(slip.name, slip.why, slip.hint, slip.section)
    name = " and ".join(slip.name for slip in slips)
    why = " ".join(f"“{slip.name}”: {slip.why}." for slip in slips)
    hint = " ".join(slip.hint for slip in slips)
    return Finding(False, name, f"Two slips at once. {why}", hint, slips[0].section)


def _without_prompt(case: Case) -> np.ndarray:
    """log π of the response's tokens after its first, run through the model without x: (B,)."""
    alone = [ids[mask][None] for ids, mask in zip(case.ids, case.mask, strict=True)]  # (1, T) each
    runs = [(_run(case.model, ids, None), ids, torch.ones_like(ids)) for ids in alone]
    return flat([Working(*run).logprobs() for run in runs])


# log π of each token


@diagnosed
def check_token_logprobs(answer) -> Finding:
    """Is `answer` a function (logits (B, T, V), ids (B, T)) -> (B, T−1), log π of tokens 1 … T−1?"""
    if answer is None or answer is ...:
        raise Refused("no answer", "No answer yet: put a function of (logits, ids) in place of None.")
    if not callable(answer):
        raise Refused("type", f"A function of (logits, ids) is wanted, not a {type(answer).__name__}.")
    called = [call(answer, case.logits, case.ids) for case in cases()]
    values = [as_numbers(value) for value, _ in called]
    remark = WRITES if any(writes for _, writes in called) else ""
    workings = [Working(case.logits.double(), case.ids, case.mask) for case in cases()]
    if _all_same(values, [w.scores()[:, 1:] for w in workings]):
        return Finding(True, None, f"Right: the logits at t−1 score the token at t.{remark}")
    for slip, arrays in _token_mistakes(workings):
        if _all_same(values, arrays):
            return named(slip.name, slip.why, slip.hint, slip.section)
    for (value, _), case in zip(called, cases(), strict=True):
        rows, width = case.ids.shape
        as_wanted(value, "one log-probability for each token but the first", (rows, width - 1))
    hint = "Take T = 2: one position of logits, one token to score. Then it is log_softmax, and an index."
    return Finding(False, "unknown", "Not log π of each token, nor a mistake known here.", hint, SHIFT)


def _all_same(values: list[np.ndarray | None], arrays: list[Tensor]) -> bool:
    return all(v is not None and same(v, a) for v, a in zip(values, arrays, strict=True))


def _token_mistakes(workings: list[Working]) -> Iterator[tuple[Slip, list[Tensor]]]:
    """(slip, what it returns for each case): what is not a number is cut off, however it is cut."""
    cuts = [slice(None), slice(1, None), slice(None, -1), slice(2, None), slice(None, -2)]
    for slip in (v for s in SLIPS.values() if s.step == "score" for v in s.variants()):
        for cut in cuts:
            yield slip, [w.scores(slip)[:, cut] for w in workings]
    turned = {"probability": torch.exp, "sign": torch.neg, "bits, not nats": lambda s: s / np.log(2)}
    for name, turn in turned.items():
        yield SLIPS[name], [turn(w.scores()[:, 1:]) for w in workings]


# The mask


@diagnosed
def check_response_mask(answer, *given) -> Finding:
    """Is `answer` true exactly on the response, EOS included: (B, T), T the longest row?

    answer: a function (prompt_lengths (B,), lengths (B,)), lengths counting prompt and response; or a mask,
    and `given` those two.
    """
    made_up = [4, 3, 6, 2], [9, 7, 8, 5]
    pair = after_answer(given, "prompt_lengths", "lengths") if given else made_up
    lengths = [torch.as_tensor(x) for x in pair]
    value = call(answer, *lengths)[0] if callable(answer) else answer
    truth = torch.zeros(len(lengths[0]), int(lengths[1].max()), dtype=torch.bool)
    for row, (prompt, end) in enumerate(zip(*lengths, strict=True)):
        truth[row, prompt:end] = True
    numbers = as_wanted(value, "a mask: true, or 1, on the response", tuple(truth.shape))
    right = "Right: from the end of the prompt to the end of the row, EOS included."
    return compare(numbers, truth, _mask_mistakes(truth), right, MASK)


def _mask_mistakes(truth: Tensor) -> dict[str, Mistake]:
    slips = [s for s in SLIPS.values() if s.step == "mask" and s.name != "masked by pad id"]
    wrong = {s.name: Mistake(s.ways[0](truth, truth), s.why, s.hint, s.section) for s in slips}
    inverted = "true and false are exchanged: this marks all but the response"
    return wrong | {
        "inverted": Mistake(~truth, inverted),
        "prompt marked": Mistake(before(truth), "this marks the prompt, which is given and not scored"),
        "no response": Mistake(truth & False, "nothing is marked: the sum over nothing is 0"),
    }
