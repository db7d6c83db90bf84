"""log π(y|x) against computations that share no code with it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy.logprobs import pad_batch, response_mask, sequence_logprobs, token_logprobs
from tests.conftest import by_hand

PROMPT, RESPONSE = "How do I boil an egg?", "Put the egg in cold water for 9 minutes."


def rows(policy, *responses):
    """A right-padded batch of PROMPT with each response: ids, response mask, and both parts of each row."""
    x = policy.encode_prompt(PROMPT)
    ys = [policy.encode_response(y) for y in responses]
    ids, lengths = pad_batch([x + y for y in ys], fill=policy.eos_token_id)
    mask = response_mask(torch.full_like(lengths, len(x)), lengths)
    return ids, mask, x, ys


def test_a_case_by_hand():
    logits = torch.tensor([[[0.0, np.log(2.0), 0.0], [9.0, 9.0, 9.0], [5.0, 0.0, 0.0]]])
    out = token_logprobs(logits, torch.tensor([[2, 1, 0]]))
    assert out.tolist() == [pytest.approx([np.log(2 / 4), np.log(1 / 3)])]  # the last logits predict nothing


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(2, 6), st.integers(2, 9), st.floats(-50, 50))
def test_every_position_is_a_distribution(seed, batch, length, vocab, shift):
    logits = torch.randn(batch, length, vocab, generator=torch.Generator().manual_seed(seed)) * 5
    ids = [torch.full((batch, length), v) for v in range(vocab)]
    each = torch.stack([token_logprobs(logits, i) for i in ids])  # (V, B, T-1)
    assert (each <= 0).all()
    torch.testing.assert_close(each.exp().sum(0), torch.ones(batch, length - 1))
    torch.testing.assert_close(token_logprobs(logits + shift, ids[0]), each[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    logits = torch.zeros(1, 2, 5000, dtype=dtype)
    out = token_logprobs(logits, torch.zeros(1, 2, dtype=torch.long))
    assert out.dtype == torch.float32 and out.item() == pytest.approx(-np.log(5000), abs=1e-6)


def test_equals_float64_by_hand(policy):
    ids, mask, x, ys = rows(policy, RESPONSE, "No.")
    out = sequence_logprobs(policy.model, ids, mask)
    assert out.tolist() == pytest.approx([by_hand(policy.model, x, y).sum() for y in ys], abs=1e-4)


def test_equals_the_loss_of_transformers(policy):
    ids, mask, _, ys = rows(policy, RESPONSE, "No.")
    loss = policy.model(ids, labels=ids.masked_fill(~mask, -100)).loss  # mean over all response tokens
    tokens = sum(len(y) for y in ys)
    total = sequence_logprobs(policy.model, ids, mask).sum().item()
    assert total == pytest.approx(-loss.item() * tokens, abs=1e-3)


def test_padding_with_eos_changes_nothing_and_eos_counts(policy):
    ids, mask, x, ys = rows(policy, RESPONSE, "")  # the second: EOS, then EOS as padding
    both = sequence_logprobs(policy.model, ids, mask)
    alone = [sequence_logprobs(policy.model, *rows(policy, y)[:2]).item() for y in (RESPONSE, "")]
    assert both.tolist() == pytest.approx(alone, abs=1e-4)
    assert mask.sum(1).tolist() == [len(ys[0]), 1]
    assert alone[1] == pytest.approx(by_hand(policy.model, x, [policy.eos_token_id])[0], abs=1e-4)


@given(st.data())
@settings(max_examples=20)
def test_the_parts_of_a_response_add_up(policies, data):
    policy = policies["llama"]
    ids, mask, _, _ = rows(policy, RESPONSE)
    part = torch.tensor([data.draw(st.lists(st.booleans(), min_size=ids.shape[1], max_size=ids.shape[1]))])
    with torch.no_grad():
        masks = (mask, mask & part, mask & ~part)
        whole, one, other = (sequence_logprobs(policy.model, ids, m) for m in masks)
    assert (one + other).item() == pytest.approx(whole.item(), abs=1e-4)


def test_gradients_reach_the_response_alone():
    class Table(torch.nn.Module):
        """A 'model' whose logits are its only parameter."""

        def __init__(self):
            super().__init__()
            self.logits = torch.nn.Parameter(torch.randn(1, 5, 4))

        def forward(self, input_ids, attention_mask=None):
            return self

    table = Table()
    mask = torch.tensor([[0, 0, 1, 1, 0]])  # tokens 2 and 3, scored at 1 and 2
    sequence_logprobs(table, torch.tensor([[0, 1, 2, 3, 0]]), mask).sum().backward()
    assert (table.logits.grad[0].abs().sum(-1) > 0).tolist() == [False, True, True, False, False]


def test_a_forbidden_token_in_the_prompt_does_not_spoil_the_sum():
    logits = torch.zeros(1, 3, 2)
    logits[0, 0, 1] = -torch.inf  # the prompt has it all the same

    def model(ids, attention_mask=None):
        return SimpleNamespace(logits=logits)

    out = sequence_logprobs(model, torch.tensor([[0, 1, 0]]), torch.tensor([[False, False, True]]))
    assert out.item() == pytest.approx(-np.log(2))


def test_bad_masks_are_errors(policies):
    ids = torch.zeros(1, 4, dtype=torch.long)
    with pytest.raises(ValueError, match="position 0"):
        sequence_logprobs(policies["gpt2"].model, ids, torch.ones(1, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match="shape"):
        sequence_logprobs(policies["gpt2"].model, ids, torch.ones(1, 3, dtype=torch.bool))


some_ids = st.lists(st.integers(0, 9), min_size=1)


@given(st.lists(st.tuples(some_ids, some_ids), min_size=1))
def test_the_mask_decodes_back_to_the_response(pairs):
    ids, lengths = pad_batch([x + y for x, y in pairs], fill=9)
    mask = response_mask(torch.tensor([len(x) for x, _ in pairs]), lengths)
    assert mask.shape == ids.shape
    assert [row[m].tolist() for row, m in zip(ids, mask, strict=True)] == [y for _, y in pairs]
