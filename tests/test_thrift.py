"""Thrift changes no gradient, keeps less, and leaves no trace on the model."""

from contextlib import nullcontext

import pytest
import torch
from transformers import OPTConfig, OPTForCausalLM

from pedagogy.packing import pair_logprobs
from pedagogy.thrift import LARGE, pays, thrifty
from tests.test_packing import MODELS, VOCAB, draw_trees, gradients, make

PULL = torch.tensor([[-0.5, 0.5], [0.3, -0.2]])


@pytest.fixture(params=MODELS)
def model(request):
    return make(MODELS[request.param])


def kept(model, trees, context) -> tuple[torch.Tensor, int]:
    """The gradient, and how many bytes were kept for it between the passes."""
    with torch.profiler.profile(profile_memory=True) as profile, context:
        logps = pair_logprobs(model, trees)
    allocated_and_not_freed = sum(event.self_cpu_memory_usage for event in profile.key_averages())
    return gradients(model, logps, PULL), allocated_and_not_freed


def test_the_same_gradients_from_less(model):
    trees = draw_trees([(30, 60, 50), (5, 40, 8)])
    usual, all_of_it = kept(model, trees, nullcontext())
    thrift, part = kept(model, trees, thrifty(model))
    assert torch.equal(usual, thrift)
    assert part < 0.6 * all_of_it


def test_the_model_is_as_it_was(model):
    before = [(name, dict(vars(part))) for name, part in model.named_modules()]
    attention = model.config._attn_implementation
    with thrifty(model):
        logps = pair_logprobs(model, draw_trees([(4, 5, 6)]))
    after = [(name, dict(vars(part))) for name, part in model.named_modules()]
    assert [(n, v.keys(), v["training"]) for n, v in before] == [
        (n, v.keys(), v["training"]) for n, v in after
    ]
    logps.sum().backward()
    assert model.config._attn_implementation == attention


def test_dropout_stays_off_in_a_model_that_only_evaluates():
    model = make(MODELS["gpt2"])  # its configuration has dropout
    trees = draw_trees([(30, 60, 50), (5, 40, 8)])
    with thrifty(model):
        assert torch.equal(pair_logprobs(model, trees), pair_logprobs(model, trees))


def test_dropout_in_a_layers_own_code_stays_off_too():
    few = {"hidden_size": 32, "word_embed_proj_dim": 32, "ffn_dim": 48, "num_attention_heads": 4}
    config = OPTConfig(**few, num_hidden_layers=2, vocab_size=VOCAB, max_position_embeddings=128)
    model = make(lambda: OPTForCausalLM(config))
    trees = draw_trees([(30, 60, 20), (5, 40, 8)])
    usual = pair_logprobs(model, trees)
    with thrifty(model):
        thrift = pair_logprobs(model, trees)
    assert config.dropout and torch.equal(usual, thrift)
    assert torch.equal(gradients(model, usual, PULL), gradients(model, thrift, PULL))


def test_it_pays_for_long_rows_with_gradients_alone(model):
    tokens = -(-LARGE // model.config.hidden_size)
    assert pays(model, tokens) and not pays(model, tokens - 1)
    with torch.no_grad():
        assert not pays(model, tokens)
