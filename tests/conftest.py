"""Tiny random models saved as real Hugging Face folders, and the bundled policies where they are built."""

import copy
import random
import socket

import numpy as np
import pytest
import torch
from hypothesis import settings
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from pedagogy import training
from pedagogy.policy import BUNDLED, load_policy

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The browser's tests last: Playwright leaves an event loop running for the tests after it."""
    items.sort(key=lambda item: "chromium" in item.fixturenames)


TEXT = [
    "The sky is blue. How do I change a tire?",
    "Loosen the lug nuts, then raise the car with a jack.",
    "First, turn off the engine. You will need a wrench, a jack and a spare tire.",
    "How do I boil an egg? Put the egg in a small saucepan of cold water for 9 minutes.",
]
SPECIAL = ["<|pad|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"]
CHAT = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}"
    "{% if m['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CONTEXT = 128


def make_pairs(n: int, seed: int = 0) -> list[dict]:
    """Pairs of random words: y⁺ ends in a full stop, y⁻ in a question mark, so there is a rule to learn."""
    draw, known = random.Random(seed), " ".join(TEXT).split()

    def words(most: int) -> str:
        return " ".join(draw.choices(known, k=draw.randint(2, most)))

    return [{"prompt": words(5), "chosen": f"{words(6)}.", "rejected": f"{words(6)}?"} for _ in range(n)]


def bpe(special: list[str], size: int = 400) -> Tokenizer:
    """A byte-level BPE tokenizer learned from TEXT: it can encode any string."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def chat_tokenizer() -> PreTrainedTokenizerFast:
    """Like the bundled one: <|user|>PROMPT<|assistant|>RESPONSE<|end|>."""
    core = bpe(SPECIAL)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.chat_template = CHAT
    return tokenizer


def chatml_tokenizer() -> PreTrainedTokenizerFast:
    """Like Qwen's: roles are plain text, newlines are part of the template, pad = EOS."""
    core, end = bpe(["<|im_start|>", "<|im_end|>"]), "<|im_end|>"
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token=end, pad_token=end)
    tokenizer.chat_template = (
        "{% for m in messages %}"
        "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )
    return tokenizer


def plain_tokenizer(bos: bool = False) -> PreTrainedTokenizerFast:
    """Like GPT-2's: no chat template, one special token, pad = EOS; with `bos` it begins a text with BOS."""
    end = "<|endoftext|>"
    core = bpe([end])
    if bos:
        begin = processors.TemplateProcessing(single=f"{end} $A", special_tokens=[(end, 0)])
        core.post_processor = begin
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token=end, bos_token=end, pad_token=end)


def tiny_model(kind: str, vocab: int, eos: int) -> torch.nn.Module:
    """A random model with logits spread enough to tell one token from another."""
    torch.manual_seed(0)
    special = {"vocab_size": vocab, "eos_token_id": eos, "bos_token_id": eos, "pad_token_id": eos}
    spread = {"initializer_range": 0.2}
    if kind == "gpt2":
        return GPT2LMHeadModel(
            GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=CONTEXT, **special, **spread)
        )
    shape = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
    }
    if kind == "llama":
        return LlamaForCausalLM(LlamaConfig(**shape, **special, **spread))
    return Qwen2ForCausalLM(Qwen2Config(**shape, **special, **spread, tie_word_embeddings=True))


def save(folder, kind, tokenizer):
    tiny_model(kind, len(tokenizer), tokenizer.eos_token_id).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def by_hand(model, prompt_ids, response_ids):
    """log π(y_t | x, y_<t) in float64, one token at a time, with a softmax written out."""
    model = copy.deepcopy(model).double().eval()
    logps = []
    for t, token in enumerate(response_ids):
        state = torch.tensor([[*prompt_ids, *response_ids[:t]]])  # (x, y_<t) and nothing after
        with torch.no_grad():
            logits = model(state).logits[0, -1].numpy()
        weights = np.exp(logits - logits.max())
        logps.append(np.log(weights[token] / weights.sum()))
    return np.array(logps)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """name -> folder of a model: three architectures, with and without chat template, pad = EOS, BOS."""
    root = tmp_path_factory.mktemp("models")
    return {
        "gpt2": save(root / "gpt2", "gpt2", plain_tokenizer()),
        "gpt2-bos": save(root / "gpt2-bos", "gpt2", plain_tokenizer(bos=True)),
        "llama": save(root / "llama", "llama", chat_tokenizer()),
        "qwen2": save(root / "qwen2", "qwen2", chatml_tokenizer()),
    }


@pytest.fixture(scope="session")
def policies(folders):
    return {name: load_policy(folder, device="cpu") for name, folder in folders.items()}


@pytest.fixture(params=["gpt2", "gpt2-bos", "llama", "qwen2"])
def policy(request, policies):
    policies[request.param].forget()
    return policies[request.param]


@pytest.fixture(scope="session", params=sorted(BUNDLED))
def bundled(request):
    """Each bundled policy; skipped until `make model` has built it."""
    if not BUNDLED[request.param].is_dir():
        pytest.skip("the bundled models are not built yet")
    return load_policy(request.param, device="cpu")


@pytest.fixture
def quick_and_apart(monkeypatch, tmp_path):
    """Training with a cache of its own for each test, and few tokens to estimate KL from."""
    monkeypatch.setenv("PEDAGOGY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(training, "KL_TOKENS", 4)
    monkeypatch.setattr(training, "KL_SAMPLES", 2)


@pytest.fixture
def no_network(monkeypatch):
    """Any use of a socket fails the test."""

    def refuse(*args, **kwargs):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
