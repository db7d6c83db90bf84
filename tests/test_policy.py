"""The policy: its numbers against float64 and transformers, its text handling, its errors."""

import copy
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaForCausalLM, MistralConfig, MistralForCausalLM

from pedagogy import loading
from pedagogy.feedback.schemas import FeedbackError
from pedagogy.pairs import encode_pairs
from pedagogy.policy import _LRU, BUNDLED, OUTSIDE_WORLD, Policy, PolicyLoadError, load_policy
from pedagogy.sampling import generator, pick
from tests.conftest import CHAT, CONTEXT, SPECIAL, by_hand, chat_tokenizer, plain_tokenizer, save, tiny_model

PROMPT, RESPONSE = "How do I boil an egg?", "Put the egg in cold water for 9 minutes."
TYPED = [*SPECIAL, "<|im_start|>", "<|im_end|>", "<|endoftext|>"]
pieces = st.sampled_from([*TYPED, "egg", " water ", "\n", "é漢🙂", "<|"]) | st.text(max_size=8)
texts = st.lists(pieces, max_size=5).map("".join)


# Numbers


@pytest.mark.parametrize("response", [RESPONSE, " No.", "", "é漢🙂", "<|end|>"])
def test_score_equals_float64_by_hand(policy, response):
    score = policy.score(PROMPT, response)
    truth = by_hand(policy.model, policy.encode_prompt(PROMPT), policy.encode_response(response))
    np.testing.assert_allclose(score.logprobs, truth, atol=1e-4)
    assert score.total == pytest.approx(truth.sum(), abs=1e-4)


def test_bundled_score_equals_float64_by_hand(bundled):
    truth = by_hand(bundled.model, bundled.encode_prompt(PROMPT), bundled.encode_response(RESPONSE))
    np.testing.assert_allclose(bundled.score(PROMPT, RESPONSE).logprobs, truth, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Encoded together")
@given(response=texts)
@settings(max_examples=25)
def test_score_is_consistent(policies, response):
    for policy in policies.values():
        score = policy.score(PROMPT, response)
        assert len(score.tokens) == len(score.token_ids) == len(score.logprobs)
        assert score.logprobs.dtype == np.float32 and (score.logprobs <= 0).all()
        assert type(score.total) is type(score.mean) is float
        assert score.total == pytest.approx(sum(map(float, score.logprobs)), abs=1e-6)
        assert score.mean == pytest.approx(score.total / len(score.tokens))
        assert score.token_ids[-1] == policy.eos_token_id  # EOS is scored, once
        assert policy.eos_token_id not in score.token_ids[:-1]


def test_tokens_are_readable(policy):
    assert "".join(policy.score(PROMPT, RESPONSE).tokens) == RESPONSE + policy.tokenizer.eos_token


def test_steps_add_up_to_the_whole(policy):
    """∑_t log π(y_t | x, y_<t), each step asked for by itself as a next token, is log π(y|x)."""
    score, prefix, steps = policy.score(PROMPT, RESPONSE), "", []
    for token_id, token in zip(score.token_ids, score.tokens, strict=True):
        dist = policy.next_token(PROMPT, prefix, top_k=None)
        steps.append(dist.logprobs[dist.token_ids.index(token_id)])
        prefix += token
    np.testing.assert_allclose(steps, score.logprobs, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Encoded together")
def test_batch_cache_and_plain_path_agree(policy, monkeypatch):
    responses = [RESPONSE, "", "No.", RESPONSE * 2, "No.", *[f"{n} eggs" for n in range(12)]]
    together = policy.score_many(PROMPT, responses)
    policy.forget()
    alone = [policy.score(PROMPT, y) for y in responses]
    policy.forget()
    monkeypatch.setattr(policy, "_prompt_cache", lambda x, copies: None)
    plain = policy.score_many(PROMPT, responses)
    for a, b, c in zip(together, alone, plain, strict=True):
        assert a.token_ids == b.token_ids == c.token_ids
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)
        np.testing.assert_allclose(a.logprobs, c.logprobs, atol=1e-4)


def test_a_model_with_another_kind_of_cache_takes_the_plain_path():
    tokenizer = plain_tokenizer()
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=4,
        initializer_range=0.2,
    )
    policy = Policy(MistralForCausalLM(config), tokenizer)
    score = policy.score(PROMPT, " " + RESPONSE)
    assert policy._prompt_cache(policy.encode_prompt(PROMPT), 1) is None
    truth = by_hand(policy.model, policy.encode_prompt(PROMPT), score.token_ids)
    np.testing.assert_allclose(score.logprobs, truth, atol=1e-4)


def test_gap_is_the_difference_and_changes_sign_when_swapped(policy):
    gap = policy.gap(PROMPT, RESPONSE, " No.")
    policy.forget()
    chosen, rejected = policy.score(PROMPT, RESPONSE), policy.score(PROMPT, " No.")
    assert type(gap) is float and gap == pytest.approx(chosen.total - rejected.total, abs=1e-4)
    assert policy.gap(PROMPT, " No.", RESPONSE) == pytest.approx(-gap, abs=1e-4)
    assert policy.gap(PROMPT, RESPONSE, RESPONSE) == 0


@pytest.mark.parametrize("prefix", ["", "Put", "Put the egg"])
def test_next_token_is_a_distribution(policy, prefix):
    whole = policy.next_token(PROMPT, prefix, top_k=None)
    assert sorted(whole.token_ids) == list(range(policy.model.config.vocab_size))
    assert whole.probs.sum() == pytest.approx(1, abs=1e-9)
    assert (np.diff(whole.probs) <= 0).all()
    top = policy.next_token(PROMPT, prefix, top_k=3)
    assert (top.token_ids, top.tokens) == (whole.token_ids[:3], whole.tokens[:3])
    np.testing.assert_allclose(top.probs, np.exp(top.logprobs))


# Memory


def test_scores_are_remembered_until_the_model_is_trained(folders):
    policy = load_policy(folders["llama"], device="cpu")
    before = policy.score(PROMPT, RESPONSE)
    assert policy.score(PROMPT, RESPONSE) is before
    with pytest.raises(ValueError, match="read-only"):
        before.logprobs[0] = 0
    policy.model.train()
    optimizer = torch.optim.AdamW(policy.model.parameters(), lr=0.01)
    policy.model(torch.tensor([[1, 2, 3]]), labels=torch.tensor([[1, 2, 3]])).loss.backward()
    optimizer.step()
    after = policy.score(PROMPT, RESPONSE)
    truth = by_hand(policy.model, policy.encode_prompt(PROMPT), after.token_ids)
    np.testing.assert_allclose(after.logprobs, truth, atol=1e-4)
    assert abs(after.total - before.total) > 0.01
    assert policy.model.training  # left as it was found
    assert all(p.requires_grad for p in policy.model.parameters())


def test_what_was_used_last_is_kept():
    memory = _LRU(2)
    memory["a"], memory["b"] = 1, 2
    assert memory["a"] == 1
    memory["c"] = 3
    assert list(memory) == ["a", "c"]


def test_dropout_is_off_while_scoring(folders):
    policy = load_policy(folders["gpt2"], device="cpu")  # GPT-2 has dropout 0.1
    before = policy.score(PROMPT, " No.").total
    policy.model.train()
    policy.forget()
    assert policy.score(PROMPT, " No.").total == pytest.approx(before, abs=1e-5)


# Text


@given(prompt=texts.filter(bool), response=texts)
@settings(max_examples=100)
def test_typed_special_tokens_stay_text(policies, prompt, response):
    for policy in policies.values():
        special = set(policy.tokenizer.all_special_ids)
        assert not special & set(policy.encode_response(response)[:-1])
        inside = [i for i in policy.encode_prompt(prompt) if i in special]
        assert inside == [i for i in policy.encode_prompt("x") if i in special]  # those of the template
        assert policy.tokenizer.decode(policy.encode_response(response)[:-1]) == response


def test_a_prompt_with_a_typed_special_token_reads_back(policies):
    policy = policies["llama"]
    ids = policy.encode_prompt("What is <|end|> for?")
    assert policy.tokenizer.decode(ids) == "<|user|>What is <|end|> for?<|assistant|>"
    assert ids.count(policy.eos_token_id) == 0


ordinary = st.text(st.characters(exclude_characters="<|", exclude_categories=["Cs", "Co"]), min_size=1)


@given(prompt=ordinary)
@settings(max_examples=50)
def test_an_ordinary_prompt_is_what_the_chat_template_gives(policies, prompt):
    for name in ("llama", "qwen2"):
        tokenizer, messages = policies[name].tokenizer, [{"role": "user", "content": prompt}]
        plain = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        assert policies[name].encode_prompt(prompt) == plain == policies[name].encode_prompt(messages)


def test_what_cannot_be_encoded_is_said(folders):
    policy = load_policy(folders["llama"], device="cpu")
    with pytest.raises(ValueError, match="half a character"):
        policy.score("a", "b \ud83d")
    policy.tokenizer.chat_template = "{{ raise_exception('no system role') }}"
    with pytest.raises(ValueError, match="the chat template refuses .*no system role"):
        policy.score("a", "b")
    with pytest.raises(FeedbackError, match="row 0, field 'prompt'.*no system role"):
        encode_pairs(policy, [{"prompt": "a", "chosen": "b", "rejected": "c"}])


def test_a_conversation_goes_through_the_template(policies):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Egg?"}]
    ids = policies["llama"].encode_prompt(messages)
    assert policies["llama"].tokenizer.decode(ids) == "<|system|>Be brief.<|user|>Egg?<|assistant|>"
    with pytest.raises(ValueError, match="chat template"):
        policies["gpt2"].score(messages, RESPONSE)


def test_bos_comes_once(policies):
    policy = policies["gpt2-bos"]
    bos = policy.tokenizer.bos_token_id
    assert policies["gpt2"].encode_prompt("egg").count(bos) == 0
    for prompt in ("egg", "<|endoftext|>egg"):
        assert policy.encode_prompt(prompt)[0] == bos and policy.encode_prompt(prompt).count(bos) == 1
    tokenizer = copy.deepcopy(policy.tokenizer)  # adds BOS, as its template does
    tokenizer.chat_template = "{{ bos_token }}{{ messages[0]['content'] }}"
    assert Policy(policy.model, tokenizer).encode_prompt("egg").count(bos) == 1


def test_the_boundary_case_is_named(policies):
    apart = policies["gpt2"].encode_prompt("The sky is ") + policies["gpt2"].encode_response("blue.")
    with pytest.warns(UserWarning, match="' blue'") as caught:
        score = policies["gpt2"].score("The sky is ", "blue.")
    assert caught[0].filename == __file__  # points at the caller's line
    assert any("Encoded together" in warning for warning in score.warnings)
    assert apart[-len(score.token_ids) :] == score.token_ids


def test_no_boundary_warning_where_there_is_no_case(policies):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert policies["gpt2"].score("The sky is", " blue.").warnings == ()
        assert policies["llama"].score("The sky is ", "blue.").warnings == ()  # <|assistant|> between


def test_an_empty_response_scores_eos_alone_and_says_so(policy):
    score = policy.score(PROMPT, "")
    assert score.token_ids == [policy.eos_token_id]
    dist = policy.next_token(PROMPT, top_k=None)
    assert score.total == pytest.approx(dist.logprobs[dist.token_ids.index(policy.eos_token_id)], abs=1e-4)
    assert "empty" in score.warnings[0]


def test_text_outside_the_small_world_is_flagged(folders):
    policy = load_policy(folders["llama"], device="cpu")
    assert policy.score(PROMPT, RESPONSE).in_world  # other models are not judged
    policy = Policy(policy.model, policy.tokenizer, "bundled")
    score = policy.score(PROMPT, RESPONSE)
    assert score.mean < -3 and not score.in_world and score.warnings == (OUTSIDE_WORLD,)
    sure = policy.eos_token_id
    policy.model.lm_head.register_forward_hook(lambda m, i, out: out + 1e4 * torch.eye(out.shape[-1])[sure])
    policy.forget()
    assert policy.score(PROMPT, "").in_world


def test_bundled_policies_know_their_world_and_no_other(bundled):
    assert bundled.score(PROMPT, bundled.generate(PROMPT)).in_world
    foreign = bundled.score(PROMPT, "Quel est le spectre de l'hamiltonien? 0xDEADBEEF != NaN; see eq. (7).")
    assert not foreign.in_world and OUTSIDE_WORLD in foreign.warnings


# Sampling


def test_greedy_is_the_likeliest_token_each_time(policy):
    x = policy.encode_prompt(PROMPT)
    options = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": policy.eos_token_id}
    out = policy.model.generate(torch.tensor([x]), attention_mask=torch.ones(1, len(x)), **options)
    assert policy.generate(PROMPT, 20) == policy.tokenizer.decode(out[0, len(x) :], skip_special_tokens=True)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_many_prompts_give_what_each_gives_alone(policy, temperature):
    prompts = ["egg", PROMPT, "How do I change a tire?", "jack", "egg", "a much longer prompt " * 3]
    many = policy.generate_many(prompts, 15, temperature, seed=3, batch_size=2)
    assert many == [policy.generate(p, 15, temperature, seed=3 + i) for i, p in enumerate(prompts)]
    assert policy.generate_many([]) == []


def test_a_seed_repeats_and_the_global_state_is_left_alone(policy):
    before = torch.get_rng_state()
    first = policy.generate(PROMPT, 20, temperature=1.0, seed=1)
    assert policy.generate(PROMPT, 20, temperature=1.0, seed=1) == first
    assert len({policy.generate(PROMPT, 20, temperature=1.0, seed=s) for s in range(4)}) > 1
    policy.generate(PROMPT, 5, temperature=1.0)
    assert torch.equal(before, torch.get_rng_state())
    assert policy.generate(PROMPT, 20, temperature=1.0, top_k=1, seed=1) == policy.generate(PROMPT, 20)
    assert policy.generate(PROMPT, 20, temperature=1.0, top_p=1e-9, seed=1) == policy.generate(PROMPT, 20)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"temperature": 1.0}, [0.5, 0.3, 0.15, 0.05]),
        ({"temperature": 0.5}, np.square([0.5, 0.3, 0.15, 0.05]) / np.square([0.5, 0.3, 0.15, 0.05]).sum()),
        ({"temperature": 1.0, "top_k": 2}, [0.625, 0.375, 0, 0]),
        ({"temperature": 1.0, "top_p": 0.6}, [0.625, 0.375, 0, 0]),
    ],
)
def test_draws_follow_the_distribution(settings, expected):
    n = 4000
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(n, 4)
    settings = {"top_k": None, "top_p": None, **settings}
    drawn = pick(logits, **settings, generators=[generator(s) for s in range(n)])
    share = np.bincount(drawn.numpy(), minlength=4) / n
    assert np.abs(share - expected).max() < 0.03  # about 4 standard errors
    assert (share[np.equal(expected, 0)] == 0).all()


def test_generation_stops_at_the_end_of_the_context(policies):
    policy = policies["llama"]
    long = "egg " * 55
    room = CONTEXT - len(policy.encode_prompt(long))
    assert 0 < room < 80
    fed = []

    def never_end(module, inputs, out):
        fed.append(out.shape[1])
        return out + 1e4 * torch.eye(out.shape[-1])[40]

    hook = policy.model.lm_head.register_forward_hook(never_end)
    reply = policy.generate(long, 500)
    hook.remove()
    assert reply == policy.tokenizer.decode([40]) * room
    assert sum(fed) == CONTEXT - 1  # the last token is never fed


def test_generation_stops_at_eos(folders):
    policy = load_policy(folders["llama"], device="cpu")
    eos, calls = policy.eos_token_id, []

    def end_after_three(module, inputs, out):
        calls.append(1)
        return out + 1e4 * torch.eye(out.shape[-1])[eos if len(calls) > 3 else 40]

    policy.model.lm_head.register_forward_hook(end_after_three)
    assert policy.generate(PROMPT, 50) == policy.tokenizer.decode([40]) * 3
    assert len(calls) == 4


# Errors


@pytest.mark.parametrize("prompt", [None, 3, [], ["text"], [{"role": "user"}], {"content": "x"}, b"x"])
def test_a_prompt_of_another_type_is_named(policies, prompt):
    with pytest.raises(TypeError, match="prompt must be a string or a list"):
        policies["llama"].score(prompt, RESPONSE)


@pytest.mark.parametrize("response", [None, 3, b"x", [{"role": "assistant", "content": "x"}]])
def test_a_response_of_another_type_is_named(policies, response):
    with pytest.raises(TypeError, match="response must be a string"):
        policies["llama"].score(PROMPT, response)
    with pytest.raises(TypeError, match="responses must be a list"):
        policies["llama"].score_many(PROMPT, "one string")


def test_a_text_longer_than_the_context_is_an_error_with_numbers(policy):
    long = "egg " * 200
    n = len(policy.encode_prompt(long))
    asks = (lambda: policy.score(long, "x"), lambda: policy.generate(long), lambda: policy.next_token(long))
    for ask in asks:
        with pytest.raises(ValueError, match=f"{n} tokens.*{CONTEXT}.*shorten"):
            ask()
    with pytest.raises(ValueError, match="with the response"):
        policy.score("egg", long)


def test_the_context_can_be_filled_to_the_last_token(policies):
    policy = policies["gpt2"]
    x = policy.encode_prompt("egg")
    response = "." * (CONTEXT - len(x) - 1)
    assert len(x) + len(policy.score("egg", response).tokens) == CONTEXT
    with pytest.raises(ValueError, match=f"{CONTEXT + 1}.*{CONTEXT}"):
        policy.score("egg", response + ".")


def test_an_empty_prompt(policies):
    with pytest.raises(ValueError, match="prompt is empty"):
        policies["gpt2"].score("", RESPONSE)  # no template, no BOS: nothing to go on
    for name in ("gpt2-bos", "llama"):
        assert policies[name].score("", " No.").total < 0


def test_a_tokenizer_without_eos_is_an_error(folders):
    policy = load_policy(folders["gpt2"], device="cpu")
    policy.tokenizer.eos_token = None
    with pytest.raises(ValueError, match="no EOS"):
        Policy(policy.model, policy.tokenizer)


@pytest.mark.parametrize(
    "bad",
    [
        {"temperature": -1},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"max_new_tokens": 0},
        {"temperature": float("nan")},
    ],
)
def test_sampling_settings_out_of_range_are_named(policies, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        policies["llama"].generate(PROMPT, **bad)
    with pytest.raises(ValueError, match="top_k"):
        policies["llama"].next_token(PROMPT, top_k=0)


# Loading


def test_a_folder_loads_without_network_in_float32(tmp_path, no_network):
    tokenizer = chat_tokenizer()
    model = tiny_model("llama", len(tokenizer), tokenizer.eos_token_id).half()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    policy = load_policy(str(tmp_path), device="cpu")
    assert {p.dtype for p in policy.model.parameters()} == {torch.float32}
    assert policy.context_length == CONTEXT and policy.tokenizer.chat_template == CHAT
    policy.score(PROMPT, RESPONSE)
    assert isinstance(policy.model, LlamaForCausalLM) and not policy.model.training


@pytest.mark.parametrize("name", sorted(BUNDLED))
def test_bundled_policies_load_without_network(name, no_network):
    if not BUNDLED[name].is_dir():
        pytest.skip("the bundled models are not built yet")
    policy = load_policy(name)
    assert policy.name == name and policy.score(PROMPT, RESPONSE).total < 0
    assert policy.tokenizer.decode(policy.encode_prompt("x")) == "<|user|>x<|assistant|>"


def test_a_bundled_model_that_is_not_there_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setitem(BUNDLED, "bundled", tmp_path / "model")
    with pytest.raises(PolicyLoadError, match="make model"):
        load_policy()


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (["config.json"], "config.json"),
        (["model.safetensors"], "model.safetensors"),
        (["tokenizer.json", "tokenizer_config.json"], "tokenizer"),
        (["tokenizer.json"], "tokenizer"),
        (["config.json", "model.safetensors"], "config.json.*model.safetensors"),
    ],
)
def test_a_half_downloaded_folder_names_what_it_lacks(tmp_path, lost, named):
    save(tmp_path, "llama", chat_tokenizer())
    for file in lost:
        (tmp_path / file).unlink()
    with pytest.raises(PolicyLoadError, match=f"{named}.*download it again"):
        load_policy(tmp_path)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_file_cut_short_is_an_error(tmp_path, file):
    save(tmp_path, "llama", chat_tokenizer())
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PolicyLoadError, match="download it again") as error:
        load_policy(tmp_path)
    assert isinstance(error.value, OSError) and isinstance(error.value, ValueError)
    assert file == "tokenizer.json" or file in str(error.value)


def test_a_missing_shard_is_named(tmp_path):
    tokenizer = chat_tokenizer()
    model = tiny_model("llama", len(tokenizer), tokenizer.eos_token_id)
    model.save_pretrained(tmp_path, max_shard_size="40KB")
    tokenizer.save_pretrained(tmp_path)
    shard = sorted(tmp_path.glob("*.safetensors"))[1]
    assert load_policy(tmp_path, "cpu").score(PROMPT, RESPONSE).total < 0
    shard.unlink()
    with pytest.raises(PolicyLoadError, match=shard.name):
        load_policy(tmp_path)


def test_weights_that_lack_a_tensor_are_not_filled_at_random(tmp_path):
    from safetensors.torch import load_file, save_file

    save(tmp_path, "llama", chat_tokenizer())
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("model.layers.1.mlp.up_proj.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(PolicyLoadError, match="up_proj"):
        load_policy(tmp_path)


def test_pickle_weights_are_refused(tmp_path):
    save(tmp_path, "llama", chat_tokenizer())
    (tmp_path / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(PolicyLoadError, match="only pickle weights.*save_pretrained"):
        load_policy(tmp_path)


def test_code_of_a_folder_is_not_run(tmp_path):
    save(tmp_path, "llama", chat_tokenizer())
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "code.py").write_text("raise SystemExit('the code was run')")
    with pytest.raises(PolicyLoadError):
        load_policy(tmp_path)


def test_a_name_that_is_neither_folder_nor_hub_name():
    for name in ("./no/such/folder", "/no/such", "a/b/c", "what is this"):
        with pytest.raises(PolicyLoadError, match="check the path"):
            load_policy(name)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (OSError("x/y is not a local folder and is not a valid model identifier"), "no such repository"),
        (OSError("x/y does not appear to have a file named model.safetensors"), "only pickle weights"),
        (RuntimeError("something new"), "RuntimeError: something new"),
    ],
)
def test_hub_errors_are_put_plainly(monkeypatch, raised, said):
    def fail(source, local):
        raise raised

    monkeypatch.setattr(loading, "_from_pretrained", fail)
    with pytest.raises(PolicyLoadError, match=said):
        load_policy("x/y")


def test_a_device_that_is_not_there_is_an_error(folders):
    for device in ("nonsense", *([] if torch.cuda.is_available() else ["cuda"])):
        with pytest.raises(ValueError, match="cpu"):
            load_policy(folders["llama"], device=device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_numbers_of_the_cpu(folders):
    cpu, gpu = (load_policy(folders["llama"], device=d) for d in ("cpu", "cuda"))
    assert gpu.score(PROMPT, RESPONSE).total == pytest.approx(cpu.score(PROMPT, RESPONSE).total, abs=1e-3)
    assert gpu.generate(PROMPT, 20, 1.0, seed=0) == cpu.generate(PROMPT, 20, 1.0, seed=0)


@pytest.mark.parametrize(("module", "unwanted"), [("pedagogy", "torch"), ("pedagogy.policy", "transformers")])
def test_importing_is_quick(module, unwanted):
    code = f"import sys, {module}; sys.exit({unwanted!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_found_at_the_top():
    import pedagogy as pg

    assert pg.load_policy is load_policy and "sequence_logprobs" in dir(pg)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = pg.no_such_name
