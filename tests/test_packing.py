"""Packed rows against the plain path, float64 by hand, and the picture of the mask."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GptOssConfig,
    GptOssForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from pedagogy import tiles
from pedagogy.packing import pair_logprobs, plain_logprobs, plain_reason, tree_attention
from pedagogy.tiles import tiled_logprobs
from pedagogy.trees import Row, fill_rows
from tests.conftest import by_hand

VOCAB = 3000  # three tiles, the last of them not full
SHAPE = {
    "vocab_size": VOCAB,
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
FEW = SHAPE | {"vocab_size": 400}
MODELS = {
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCAB, n_positions=2048, n_embd=48, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0
        )
    ),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),  # grouped queries
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE, tie_word_embeddings=True)),  # and biases
}


def make(build) -> torch.nn.Module:
    """A random model whose attention and logits are spread enough for a wrong mask to show."""
    torch.manual_seed(0)
    model = build().eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(5.0)
    return model


def draw_trees(lengths: list[tuple[int, ...]], vocab: int = VOCAB, seed: int = 0) -> list[list[list[int]]]:
    source = torch.Generator().manual_seed(seed)
    return [[torch.randint(0, vocab, (n,), generator=source).tolist() for n in tree] for tree in lengths]


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return make(MODELS[request.param])


@pytest.fixture(scope="module")
def llama():
    return make(MODELS["llama"])


def gradients(model, logps: torch.Tensor, pull: torch.Tensor) -> torch.Tensor:
    """∂ (pull · logps) / ∂ all weights, as one vector."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return torch.cat([g.flatten() for g in torch.autograd.grad((logps * pull).sum(), weights)])


# Equal to the plain path


def test_answers_of_1000_tokens_equal_the_plain_path(model):
    trees = draw_trees([(60, 1000, 900), (5, 3, 1), (300, 20, 1000), (1, 1, 2)])
    assert plain_reason(model, 1400) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        packed = pair_logprobs(model, trees)
    plain = plain_logprobs(model, trees)
    assert packed.shape == (4, 2) and packed.dtype == torch.float32
    torch.testing.assert_close(packed, plain, atol=1e-3, rtol=0)
    pull = torch.tensor([[-0.5, 0.5], [0.3, -0.3], [1.0, -0.2], [0.0, 0.7]])
    ours, theirs = gradients(model, packed, pull), gradients(model, plain, pull)
    assert (ours - theirs).norm() <= 1e-4 * theirs.norm()


def test_equals_float64_by_hand(model):
    tree = draw_trees([(7, 9, 5)])[0]
    x, *responses = tree
    truth = [by_hand(model, x, y).sum() for y in responses]
    assert pair_logprobs(model, [tree])[0].tolist() == pytest.approx(truth, abs=1e-3)


sizes = st.integers(1, 12)


@given(
    st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=8), st.integers(1, 60), st.integers(0, 999)
)
@settings(max_examples=25)
def test_any_lengths_in_any_rows(llama, lengths, row_tokens, seed):
    trees = draw_trees(lengths, seed=seed)
    with torch.no_grad():
        packed, plain = pair_logprobs(llama, trees, row_tokens), plain_logprobs(llama, trees)
    torch.testing.assert_close(packed, plain, atol=1e-3, rtol=0)


def test_neither_neighbours_nor_order_change_a_pair(llama):
    trees = draw_trees([(9, 5, 8), (4, 12, 2), (6, 6, 6)])
    with torch.no_grad():
        alone = torch.cat([pair_logprobs(llama, [tree]) for tree in trees])
        together = pair_logprobs(llama, trees)
        swapped = pair_logprobs(llama, [[x, minus, plus] for x, plus, minus in trees[::-1]])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)
    torch.testing.assert_close(swapped.flip(0, 1), alone, atol=1e-4, rtol=0)


def test_many_responses_to_one_prompt(llama):
    trees = draw_trees([(9, 5, 8, 1, 13), (4, 12, 2, 7, 7)])
    with torch.no_grad():
        torch.testing.assert_close(
            pair_logprobs(llama, trees), plain_logprobs(llama, trees), atol=1e-3, rtol=0
        )


def test_gradients_row_by_row_add_up(llama):
    """A row at a time, as in training, gives the gradient of all rows at once."""
    trees = draw_trees([(9, 5, 8), (4, 12, 2), (6, 6, 6), (20, 3, 4)])
    pull = torch.tensor([-0.5, 0.5])
    whole = gradients(llama, pair_logprobs(llama, trees, row_tokens=30), pull)
    parts = sum(
        gradients(llama, pair_logprobs(llama, [trees[i] for i in row]), pull) for row in fill_rows(trees, 30)
    )
    assert len(fill_rows(trees, 30)) > 2
    assert (whole - parts).norm() <= 1e-5 * whole.norm()


def test_the_model_is_left_as_it_was(llama):
    before = {name: weight.clone() for name, weight in llama.state_dict().items()}
    own, ids = llama.config._attn_implementation, torch.arange(1, 20)[None]
    logits = llama(ids).logits
    llama.train()
    pair_logprobs(llama, draw_trees([(3, 4, 5)])).sum()
    assert llama.training and llama.config._attn_implementation == own
    llama.eval()
    torch.testing.assert_close(llama(ids).logits, logits, atol=0, rtol=0)
    assert all(torch.equal(before[name], weight) for name, weight in llama.state_dict().items())
    assert not llama.lm_head._forward_hooks


def test_its_first_try_of_a_model_leaves_the_modes_of_its_parts():
    """Thrift, switched on around a call, sets them layer by layer; so may a caller."""
    model = make(MODELS["llama"])
    parts = list(model.modules())
    for i, part in enumerate(parts):
        part.training = i % 2 == 0
    pair_logprobs(model, draw_trees([(3, 4, 5)]))
    assert [part.training for part in parts] == [i % 2 == 0 for i in range(len(parts))]


def test_dropout_acts_in_training_mode_alone():
    model = make(lambda: LlamaForCausalLM(LlamaConfig(**FEW, attention_dropout=0.5)))
    trees = draw_trees([(9, 5, 8)], 400)
    calm = [pair_logprobs(model, trees) for _ in range(2)]
    wild = [pair_logprobs(model.train(), trees) for _ in range(2)]
    assert torch.equal(*calm) and not torch.equal(*wild)


def test_bfloat16_and_autocast_stay_near(llama):
    trees = draw_trees([(30, 40, 20), (9, 5, 8)])
    with torch.no_grad():
        exact = pair_logprobs(llama, trees)
        with torch.autocast("cpu", torch.bfloat16):
            rough = pair_logprobs(llama, trees)
            plain = plain_logprobs(llama, trees)
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().max() <= 2 * (plain - exact).abs().max() + 0.1


# Models that it does not fit


def odd_models():
    return {
        "a state instead of attention": (
            lambda: MambaForCausalLM(MambaConfig(**KEPT, hidden_size=32)),
            "off by",
        ),
        "positions in the attention": (
            lambda: BloomForCausalLM(BloomConfig(**KEPT, hidden_size=32, n_layer=2, n_head=4)),
            "AttentionInterface",
        ),
        "logits capped": (lambda: Gemma2ForCausalLM(Gemma2Config(**FEW, head_dim=12)), "changes its logits"),
        "attention capped": (
            lambda: Gemma2ForCausalLM(Gemma2Config(**FEW, head_dim=12, final_logit_softcapping=None)),
            "softcap",
        ),
        "attention sinks": (
            lambda: GptOssForCausalLM(
                GptOssConfig(
                    **FEW, head_dim=12, num_local_experts=2, num_experts_per_tok=1, rope_parameters=ROPE
                )
            ),
            "s_aux",
        ),
        "logits scaled": (lambda: CohereForCausalLM(CohereConfig(**FEW)), "changes its logits"),
        "a short window": (
            lambda: MistralForCausalLM(MistralConfig(**FEW, sliding_window=16)),
            "looks back at, 16",
        ),
        "angles that change with length": (
            lambda: LlamaForCausalLM(LlamaConfig(**FEW, rope_parameters=DYNAMIC)),
            "angles",
        ),
    }


ROPE = {"rope_type": "default", "rope_theta": 10000.0}
DYNAMIC = ROPE | {"rope_type": "dynamic", "factor": 2.0}
KEPT = {"vocab_size": 400, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}


@pytest.mark.parametrize("kind", odd_models())
def test_a_model_it_does_not_fit_goes_the_plain_way_and_says_so(kind):
    build, words = odd_models()[kind]
    model, trees = make(build), draw_trees([(20, 8, 5), (3, 2, 9)], 400)
    with pytest.warns(UserWarning, match=f"goes the plain way.*{words}"):
        out = pair_logprobs(model, trees)
    torch.testing.assert_close(out, plain_logprobs(model, trees), atol=1e-5, rtol=0)


def test_a_window_longer_than_the_sequences_is_no_obstacle():
    model = make(lambda: MistralForCausalLM(MistralConfig(**FEW, sliding_window=64)))
    trees = draw_trees([(20, 8, 5), (30, 20, 30), (3, 2, 9)], 400)  # a row longer than the window
    assert plain_reason(model, 60) is None
    torch.testing.assert_close(pair_logprobs(model, trees), plain_logprobs(model, trees), atol=1e-3, rtol=0)


def test_gradient_checkpointing_goes_the_plain_way():
    model = make(lambda: LlamaForCausalLM(LlamaConfig(**FEW))).train()
    model.activation_checkpointing_enable()
    trees = draw_trees([(9, 5, 8)], 400)
    with pytest.warns(UserWarning, match="activation checkpointing"):
        out = pair_logprobs(model, trees)
    pull = torch.tensor([1.0, -1.0])
    ours, theirs = gradients(model, out, pull), gradients(model.eval(), plain_logprobs(model, trees), pull)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "pairs", [[], [([1], [2])] + [([1], [2], [3])], [([1], [2], [])], [([], [2], [3])], [([1],)]]
)
def test_what_is_no_pair_is_an_error(llama, pairs):
    with pytest.raises(ValueError, match="give"):
        pair_logprobs(llama, pairs)


# The row and its picture

trees_of_ids = st.lists(
    st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=5), min_size=2, max_size=4),
    min_size=1,
    max_size=4,
)


@given(trees_of_ids)
def test_the_mask_lets_each_token_see_its_own_past_and_nothing_else(trees):
    row = Row.of(trees)
    mask, at = row.mask(), 0
    for x, *responses in trees:
        stem = list(range(at, at + len(x)))
        at += len(x)
        for t in stem:
            assert mask[t].nonzero().flatten().tolist() == stem[: t - stem[0] + 1]
        for y in responses:
            own = list(range(at, at + len(y)))
            at += len(y)
            for t in own:
                assert mask[t].nonzero().flatten().tolist() == stem + own[: t - own[0] + 1]
                assert row.positions[t] == len(x) + t - own[0]
    assert mask.shape == (at, at)


@given(trees_of_ids)
def test_each_response_token_is_predicted_by_the_one_before_it(trees):
    row = Row.of(trees)
    said, before = row.predictions()
    assert row.ids[said].tolist() == [token for _, *ys in trees for y in ys for token in y]
    assert row.ids[before].tolist() == [token for x, *ys in trees for y in ys for token in [x[-1], *y[:-1]]]
    assert row.sizes() == [len(y) for _, *ys in trees for y in ys]
    assert (row.positions[said] == row.positions[before] + 1).all() and row.mask()[said, before].all()


@given(trees_of_ids, st.sampled_from([1, 2, 4]))
@settings(max_examples=30)
def test_the_attention_is_what_the_mask_says(trees, shared):
    row = Row.of(trees)
    source, T = torch.Generator().manual_seed(len(row.ids)), len(row.ids)
    q, k, v = (torch.randn(1, heads, T, 8, generator=source) for heads in (4, 4 // shared, 4 // shared))
    ours, _ = tree_attention(None, q, k, v, scaling=0.3, row=row)
    k, v = (t.repeat_interleave(shared, dim=1) for t in (k, v))
    theirs = F.scaled_dot_product_attention(q, k, v, attn_mask=row.mask(), scale=0.3)
    torch.testing.assert_close(ours, theirs.transpose(1, 2))


@given(st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=20), st.integers(1, 80))
def test_rows_hold_every_tree_once_in_order_and_no_more_than_they_may(lengths, row_tokens):
    trees = draw_trees(lengths)
    rows = fill_rows(trees, row_tokens)
    assert [i for row in rows for i in row] == list(range(len(trees)))
    for row in rows:
        assert len(row) == 1 or sum(sum(lengths[i]) for i in row) <= row_tokens


# Tiles


@given(st.integers(1, 7), st.sampled_from([5, 16, 31, 64]), st.booleans(), st.integers(0, 999))
@settings(max_examples=30)
def test_tiles_equal_log_softmax_with_gradients(rows, vocab, with_bias, seed):
    source = torch.Generator().manual_seed(seed)
    new = lambda *shape: torch.randn(*shape, generator=source, dtype=torch.float64)  # noqa: E731
    given_to = [new(rows, 6) * 3, new(vocab, 6), *([new(vocab)] if with_bias else [])]
    ids, pull = torch.randint(0, vocab, (rows,), generator=source), new(rows)
    size, tiles.TILE = tiles.TILE, 16
    try:
        out = []
        for score in (tiled_logprobs, untiled):
            inputs = [t.clone().requires_grad_() for t in given_to]
            logps = score(inputs[0], inputs[1], inputs[2] if with_bias else None, ids)
            out.append([logps, *torch.autograd.grad((logps * pull).sum(), inputs)])
    finally:
        tiles.TILE = size
    for ours, theirs in zip(*out, strict=True):
        torch.testing.assert_close(ours, theirs)


def untiled(hidden, weight, bias, ids):
    return F.linear(hidden, weight, bias).log_softmax(-1).gather(-1, ids[:, None]).squeeze(-1)


def test_tiles_in_16_bits_err_no_more_than_one_table_does():
    """Bfloat16 has steps of 0.25 above 32. Where π is sure of a token, its error and the sum's cancel."""
    source = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(n, 64, generator=source) * 1.3 for n in (200, 3000))
    ids = (hidden @ weight.T).argmax(-1)
    with torch.autocast("cpu", torch.bfloat16):
        rough, plain = tiled_logprobs(hidden, weight, None, ids), untiled(hidden, weight, None, ids)
    exact = untiled(hidden.bfloat16().float(), weight.bfloat16().float(), None, ids)
    assert exact.exp().median() > 0.9
    assert (rough - exact).abs().mean() < 1.2 * (plain - exact).abs().mean()


def test_a_biass_gradient_adds_up_in_more_than_16_bits():
    hidden, weight = torch.zeros(2000, 4).bfloat16(), torch.zeros(20, 4).bfloat16()
    bias = torch.zeros(20, dtype=torch.bfloat16, requires_grad=True)  # adding 1 to 256, it stays 256
    tiled_logprobs(hidden, weight, bias, torch.full((2000,), 7)).sum().backward()
    assert bias.grad[7].item() == pytest.approx(1900, rel=0.01) and bias.grad.dtype == torch.bfloat16


def test_tiles_survive_logits_of_any_size():
    hidden, weight = torch.tensor([[1.0], [-1.0]]), torch.linspace(-1e4, 1e4, 3000)[:, None]
    out = tiled_logprobs(hidden, weight, None, torch.tensor([2999, 0]))
    truth = untiled(hidden.double(), weight.double(), None, torch.tensor([2999, 0]))
    torch.testing.assert_close(out.double(), truth, atol=2e-3, rtol=0)  # floats near 10,000 are 0.001 apart


def test_frozen_parts_cost_no_gradient():
    hidden, weight = torch.randn(3, 6, requires_grad=True), torch.randn(20, 6)
    tiled_logprobs(hidden, weight, None, torch.tensor([1, 2, 3])).sum().backward()
    assert hidden.grad is not None and weight.grad is None


def test_no_table_of_all_logits_is_ever_made(llama):
    """No tensor the size of (response tokens, V) is allocated, forwards or backwards."""
    trees = draw_trees([(10, 400, 300)])
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            tensors = out if isinstance(out, (tuple, list)) else [out]
            largest = max([largest, *(t.numel() for t in tensors if isinstance(t, torch.Tensor))])
            return out

    with Watch():
        pair_logprobs(llama, trees).sum().backward()
    llama.zero_grad()
    assert 700 * tiles.TILE <= largest < 700 * VOCAB / 2
