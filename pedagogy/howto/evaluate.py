"""Measure the bundled data set and both bundled policies, and write their cards from what was measured.

The gate for the plain policy: on prompts about attribute combinations it has never met (`test`), at least
95% of its greedy answers state every tool, number and object as the world has it. Loss alone would not
tell: a model can be fluent and take the wrong wrench.

    python -m pedagogy.howto.evaluate          # a few minutes on two cores; exit 1 when the gate is missed
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path
from statistics import mean

import pyarrow.parquet as pq
import torch
from tqdm.auto import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from pedagogy.howto.annotator import Annotator
from pedagogy.howto.assistants import ASSISTANTS
from pedagogy.howto.build import OUT, SIZES
from pedagogy.howto.judge import judge
from pedagogy.howto.train import ASSETS, PLAIN, TILTED, Stage
from pedagogy.howto.world import HERE, load_world

CARDS = HERE / "cards"
GATE = 0.95
HELD_OUT = ("test", "test_unseen")
FOREIGN = (  # ordinary English from outside the world, to show what the flag at -3 nats a token is for
    "The committee met on Thursday and could not agree on a date for the next election.",
    "Light from the nearest star takes a little more than four years to reach us.",
    "She had never liked the painting, but she missed it once it was sold.",
    "Inflation fell in the third quarter, although rents in the capital kept rising.",
)


def read(split: str) -> list[dict]:
    return pq.read_table(OUT / f"{split}.parquet").to_pylist()


@torch.no_grad()
def response_loss(model, tokenizer, pairs: list[tuple[str, str]]) -> tuple[float, list[float]]:
    """Mean −log π over all response tokens, EOS included, in nats; and the mean of each response."""
    total = tokens = 0
    means = []
    for prompt, response in tqdm(pairs, desc="loss", leave=False):
        ids, start = _conversation(tokenizer, prompt, response)
        logps = model(ids).logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[0, start - 1 :, 0]
        total, tokens = total - logps.sum().item(), tokens + len(logps)
        means.append(logps.mean().item())
    return total / tokens, means


def _conversation(tokenizer, prompt: str, response: str) -> tuple[torch.Tensor, int]:
    chat = [{"role": "user", "content": prompt}]
    ask = tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
    reply = tokenizer.encode(response, add_special_tokens=False) + [tokenizer.eos_token_id]
    return torch.tensor([[*ask, *reply]]), len(ask)


@torch.no_grad()
def greedy(model, tokenizer, prompts: list[str], batch: int = 24) -> list[str]:
    """The likeliest-token answer to each prompt, at most 320 tokens."""
    tokenizer.padding_side = "left"
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers = {}
    for start in tqdm(range(0, len(order), batch), desc="greedy answers", leave=False):
        chunk = order[start : start + batch]
        chats = [[{"role": "user", "content": prompts[i]}] for i in chunk]
        asked = tokenizer.apply_chat_template(
            chats, add_generation_prompt=True, padding=True, return_tensors="pt"
        )
        out = model.generate(**asked, max_new_tokens=320, do_sample=False)
        for i, row in zip(chunk, out[:, asked["input_ids"].shape[1] :], strict=True):
            answers[i] = tokenizer.decode(row, skip_special_tokens=True)
    return [answers[i] for i in range(len(prompts))]


def measure_policy(folder: Path) -> dict:
    """Losses and judged greedy answers of one policy on both held-out splits."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
    found = {"parameters": sum(p.numel() for p in model.parameters())}
    for split in HELD_OUT:
        rows = read(split)
        pairs = [(row["instruction"], c["response"]) for row in rows for c in row["completions"]]
        loss, means = response_loss(model, tokenizer, pairs)
        prompts = [row["instruction"] for row in rows]
        answers = greedy(model, tokenizer, prompts)
        verdicts = [judge(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
        factual = [v for v in verdicts if v.facts_stated]
        found[split] = {
            "loss": loss,
            "lowest_mean": min(means),
            "facts_all_right": mean(v.facts_right == v.facts_stated for v in factual),
            "answers_with_facts": len(factual),
            "answers": len(verdicts),
            "understood": mean("unclear" not in v.kinds for v in verdicts),
            "on_task": mean("off_task" not in v.kinds for v in verdicts),
            "finished": mean("unfinished" not in v.kinds for v in verdicts),
            "utility": mean(v.utility for v in verdicts),
            "words": mean(len(answer.split()) for answer in answers),
            "defects": dict(Counter(kind for v in verdicts for kind in v.kinds).most_common()),
        }
    probe = "Tell me something."
    found["foreign"] = mean(response_loss(model, tokenizer, [(probe, text) for text in FOREIGN])[1])
    plain = ["How do I change a tire?", *_plain_questions(4)]
    found["samples"] = list(zip(plain, greedy(model, tokenizer, plain), strict=True))
    return found


def _plain_questions(n: int) -> list[str]:
    """Test prompts without conditions, for the card's samples."""
    plain = [row["instruction"] for row in read("test") if row["instruction"].startswith("How do I ")]
    return [p for p in random.Random(0).sample(plain, len(plain)) if p.count("?") == 1 and p.endswith("?")][
        :n
    ]


def measure_data() -> dict:
    """Sizes, and how far the labels are from the truth: the best score against a random other (H4)."""
    found = {}
    for split in SIZES:
        rows, rng = read(split), random.Random(0)
        agree, ties, longer = [], 0, []
        for row in rows:
            answers = row["completions"]
            best = max(range(4), key=lambda i: answers[i]["overall_score"])
            other = rng.choice([i for i in range(4) if i != best])
            truth = [judge(row["instruction"], answers[i]["response"]).utility for i in (best, other)]
            ties += truth[0] == truth[1]
            agree += [truth[0] > truth[1]] if truth[0] != truth[1] else []
            longer.append(len(answers[best]["response"]) > len(answers[other]["response"]))
        found[split] = {
            "prompts": len(rows),
            "agree": mean(agree),
            "ties": ties / len(rows),
            "chosen_longer": mean(longer),
            "megabytes": (OUT / f"{split}.parquet").stat().st_size / 1e6,
        }
    return found


# --- Cards: the words stand in cards/*.md, every number comes from above. ------------------------------


def policy_card(stage: Stage, found: dict, history: list[dict]) -> str:
    rows = [
        f"| {split} | {m['loss']:.3f} | {m['facts_all_right']:.1%} of {m['answers_with_facts']} "
        f"| {m['understood']:.1%} | {m['on_task']:.1%} | {m['finished']:.1%} "
        f"| {m['utility']:.2f} | {m['words']:.0f} |"
        for split, m in ((split, found[split]) for split in HELD_OUT)
    ]
    quoted = ((prompt, answer.replace("\n", "\n> ")) for prompt, answer in found["samples"])
    return (
        (CARDS / "policy.md")
        .read_text("utf-8")
        .format(
            name=stage.folder,
            kind=stage.kind,
            parameters=found["parameters"] / 1e6,
            steps=sum(stage["step"] for stage in history),
            tokens=sum(stage["tokens"] for stage in history) / 1e6,
            minutes=sum(stage["seconds"] for stage in history) / 60,
            stages=len(history),
            hardware=history[-1]["hardware"],
            foreign=found["foreign"],
            gate=GATE,
            verdict="met" if _passes(found) else "missed",
            rows="\n".join(rows),
            samples="\n\n".join(f"**{prompt}**\n\n> {answer}" for prompt, answer in quoted),
        )
    )


def data_card(found: dict) -> str:
    tasks = load_world().tasks
    families = [task for task in tasks if task.is_family]
    rows = [
        f"| {split} | {m['prompts']:,} | {m['megabytes']:.2f} | {m['agree']:.1%} | {m['ties']:.1%} "
        f"| {m['chosen_longer']:.1%} |"
        for split, m in found.items()
    ]
    return (
        (CARDS / "data.md")
        .read_text("utf-8")
        .format(
            families=len(families),
            combinations=sum(task.n_cases for task in families),
            singles=len(tasks) - len(families),
            areas=len({task.area for task in tasks}),
            assistants=len(ASSISTANTS),
            noise=Annotator().noise,
            length_bias=Annotator().length_bias,
            rows="\n".join(rows),
        )
    )


def _passes(found: dict) -> bool:
    return found["test"]["facts_all_right"] >= GATE


def main() -> int:
    (OUT / "README.md").write_text(data_card(measure_data()), "utf-8")
    ok = True
    for stage in (PLAIN, TILTED):
        folder = ASSETS / stage.folder
        found = measure_policy(folder)
        history = json.loads((folder / "training.json").read_text())
        (folder / "README.md").write_text(policy_card(stage, found, history), "utf-8")
        print(json.dumps({stage.folder: {**found, "samples": len(found["samples"])}}, indent=1))
        if stage is PLAIN and not _passes(found):
            print(f"GATE MISSED: {found['test']['facts_all_right']:.1%} of answers right, {GATE:.0%} wanted")
            ok = False
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
