"""The bundled assets are what their cards say: small, plain Hugging Face format, on task, and told apart."""

import random
import re
from statistics import mean

import pytest

import pedagogy as pg
from pedagogy.howto.judge import judge
from pedagogy.policy import ASSETS, BUNDLED

FOLDERS = pytest.mark.parametrize("folder", BUNDLED.values(), ids=lambda path: path.name)


@pytest.fixture(scope="module")
def held_out() -> list[str]:
    """Prompts about attribute combinations that neither model has met."""
    return random.Random(0).sample(pg.load_feedback(split="test")["instruction"][:], 40)


@pytest.fixture(scope="module")
def greedy(held_out) -> dict[str, list]:
    """Judged greedy answers of both policies."""
    answers = {name: pg.load_policy(name).generate_many(held_out, max_new_tokens=320) for name in BUNDLED}
    return {name: list(map(judge, held_out, texts)) for name, texts in answers.items()} | {"texts": answers}


def test_sizes():
    size = {
        part: sum(f.stat().st_size for f in (ASSETS / part).rglob("*"))
        for part in ("data", "model", "reference")
    }
    assert size["data"] <= 5e6
    assert size["model"] + size["reference"] <= 9e6


@FOLDERS
def test_plain_transformers_loads_them(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert 1.5e6 <= model.num_parameters() <= 4e6
    assert tokenizer.eos_token == "<|end|>" and tokenizer.chat_template
    assert {file.suffix for file in folder.iterdir()} <= {".json", ".jinja", ".md", ".safetensors"}


@FOLDERS
def test_the_card_says_what_it_is(folder):
    card = (folder / "README.md").read_text("utf-8")
    assert "Simulated" in card and "## Limits" in card and "nats" in card
    assert len(re.findall(r"(?m)^\*\*.*\?\*\*$", card)) >= 5  # samples
    assert not re.search(r"\{\w+\}", card)


def test_the_plain_policy_states_facts_of_combinations_it_never_met(greedy):
    """A floor against regressions; the gate itself is `howto.evaluate`'s, and its result is on the card."""
    judged = [verdict for verdict in greedy["bundled"] if verdict.facts_stated]
    assert len(judged) >= 30
    assert mean(verdict.facts_right == verdict.facts_stated for verdict in judged) >= 0.9
    assert mean("unclear" not in verdict.kinds for verdict in judged) >= 0.9


def test_the_reference_is_briefer_and_worse(greedy):
    words = {name: mean(len(text.split()) for text in greedy["texts"][name]) for name in BUNDLED}
    utility = {name: mean(verdict.utility for verdict in greedy[name]) for name in BUNDLED}
    assert words["bundled/reference"] < 0.8 * words["bundled"]
    assert utility["bundled/reference"] < utility["bundled"] - 1


def test_foreign_text_is_flagged_and_the_worlds_own_is_not():
    policy, row = pg.load_policy(), pg.load_feedback(split="test")[0]
    own = [policy.score(row["instruction"], completion["response"]) for completion in row["completions"]]
    assert all(score.in_world for score in own)
    foreign = policy.score("What did the senate decide?", "The vote on tariffs was postponed until autumn.")
    assert not foreign.in_world and "outside" in foreign.warnings[0]
