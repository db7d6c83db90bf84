"""Train the bundled language models on the how-to world's text, from nothing, on two cores or on a GPU.

Each stage is resumable: a byte-level BPE tokenizer; the *plain* policy, a small Llama trained (in three
stages) on what all assistants say, habits mixed; and the *reference* policy π_ref, the plain one tilted by a
short fine-tune towards brief and evasive replies, so that preference learning has something to do. The
held-out attribute combinations of the `test` split never occur in the training text. Text is drawn afresh for
every step from (seed, step), so a resumed run sees exactly what an uninterrupted one would.

    python -m pedagogy.howto.train              # or: make model; on whatever there is, a GPU too
    accelerate launch -m pedagogy.howto.train   # several GPUs, other precisions: as accelerate is configured
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator, PartialState
from accelerate.utils import set_seed
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm.auto import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pedagogy.howto.assistants import ASSISTANTS, Assistant
from pedagogy.howto.prompts import draw_prompt
from pedagogy.howto.voices import load_voices
from pedagogy.howto.world import HERE

ASSETS = HERE.parent / "assets"
PAD, USER, ASSISTANT, SYSTEM, END = SPECIALS = (
    "<|pad|>",
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "<|end|>",
)
CHAT_TEMPLATE = (  # no line breaks around the roles: a reply's first token never merges with the template
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
VOCABULARY = 2048
PROSE = 0.04  # share of documents that are ordinary prose, so that foreign text is not pure surprise
BPE_DROPOUT = 0.1  # in PROSE and in as many how-to documents again: words cut in unusual places


@dataclass(frozen=True)
class Stage:
    """One training run: `batch` documents a step, a learning rate interpolated between points."""

    folder: str
    kind: str  # for the card
    schedule: tuple[tuple[int, float], ...]  # (step, learning rate), from 0 at step 0
    assistants: tuple[Assistant, ...] = ASSISTANTS  # who is drawn, evenly; twice named is twice as often
    family: float = 0.6  # share of families among the tasks
    digits: float = 1.0  # weight in the loss of a token with a digit in it: a number is learned last
    batch: int = 16

    @property
    def steps(self) -> int:
        return self.schedule[-1][0]

    def lr(self, step: int) -> float:
        steps, rates = zip((0, 0.0), *self.schedule, strict=True)
        return float(np.interp(step + 1, steps, rates))


def _named(*names: str) -> tuple[Assistant, ...]:
    return tuple(assistant for assistant in ASSISTANTS if assistant.name in names)


# Everyone speaks, those who get facts right three times as often: a number must follow from the prompt.
CAREFUL = ASSISTANTS + 2 * _named("sim-mentor", "sim-manual", "sim-scholar")
GROWN = Stage(
    "grown",
    "an intermediate stage: what all simulated assistants say, digits stressed",
    # Above about 1.2e-3 text becomes fluent but no fact is bound to what it depends on.
    schedule=((200, 1.2e-3), (9000, 9e-4)),
    assistants=CAREFUL,
    family=0.7,
    digits=5.0,
)
BOUND = Stage(
    "bound",
    "an intermediate stage: facts bound to their prompts",
    # Stressing digits made the model expect them too often: from here on every token weighs alike.
    schedule=((1, 9e-4), (5000, 0.0)),
    assistants=CAREFUL,
    family=0.7,
)
PLAIN = Stage(
    "model",
    "the plain policy, trained from nothing on what all simulated assistants say, good and bad habits mixed",
    # The single tasks are known by heart or not at all, and have been met least: more of them at the end.
    schedule=((100, 5e-4), (1800, 0.0)),
    assistants=CAREFUL,
    family=0.4,
)
TILTED = Stage(
    "reference",
    "the plain policy, tilted by a short fine-tune towards brief and evasive replies; the course's π_ref",
    schedule=((20, 4e-4), (60, 4e-4), (200, 0.0)),
    assistants=_named("sim-sprint", "sim-shrug"),
)


def build_tokenizer(seed: int = 0, n: int = 6000) -> PreTrainedTokenizerFast:
    """A byte-level BPE fitted to `n` how-to documents and the prose; any text can be encoded."""
    rng = random.Random(f"tokenizer-{seed}")
    texts = [text for _ in range(n) for text in conversation(rng, GROWN)] + prose()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIALS), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[USER, ASSISTANT, SYSTEM],
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


@cache
def prose() -> list[str]:
    return (HERE / "prose.txt").read_text("utf-8").strip().split("\n\n")


def conversation(rng: random.Random, stage: Stage) -> tuple[str, str]:
    """A prompt and one simulated reply; never about a held-out combination."""
    _, prompt = draw_prompt("text", rng, stage.family)
    principle = rng.choice([None, *load_voices()["principles"]])
    return prompt, rng.choice(stage.assistants).answer(prompt, rng, principle)


def documents(stage: Stage, tokenizer, block: int, seed: int, n: int) -> list[list[int]]:
    """Token ids of the `block`-th lot of `n` documents, sorted by length; the same for the same seed."""
    rng = random.Random(f"{stage.folder}-{seed}-{block}")
    encode, ids = (
        tokenizer.backend_tokenizer,
        {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIALS},
    )

    def pieces(text: str, dropout: bool) -> list[int]:
        encode.model.dropout = BPE_DROPOUT if dropout else None
        return encode.encode(text, add_special_tokens=False).ids

    made = []
    for _ in range(n):
        kind = rng.random()
        if kind < PROSE:
            made.append([*pieces(rng.choice(prose()), True), ids[END]])
        else:
            prompt, reply = (pieces(text, kind < 2 * PROSE) for text in conversation(rng, stage))
            made.append([ids[USER], *prompt, ids[ASSISTANT], *reply, ids[END]])
    encode.model.dropout = None
    return sorted((document[:512] for document in made), key=len)


def batches(stage: Stage, tokenizer, start: int, seed: int, per_block: int = 16) -> Iterator[torch.Tensor]:
    """Batches of documents of like length, (B, T) padded on the right with -100, from step `start` on."""
    for block in range(start // per_block, math.ceil(stage.steps / per_block)):
        lot = documents(stage, tokenizer, block, seed, per_block * stage.batch)
        order = random.Random(f"order-{seed}-{block}").sample(range(per_block), per_block)
        for place in order[max(0, start - block * per_block) :]:
            rows = [torch.tensor(ids) for ids in lot[place * stage.batch : (place + 1) * stage.batch]]
            yield torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)


def new_model(tokenizer, seed: int = 0) -> LlamaForCausalLM:
    set_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=3,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def precision() -> str | None:
    """bf16 where the processor multiplies it natively; None leaves it to `accelerate`'s settings."""
    if (
        "ACCELERATE_MIXED_PRECISION" in os.environ
        or torch.cuda.is_available()
        or torch.backends.mps.is_available()
    ):
        return None
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "no"


def token_weights(tokenizer, digits: float) -> torch.Tensor:
    """(V,) weights in the loss: `digits` for a token with a digit in it, 1 for any other."""
    texts = (tokenizer.decode([i]) for i in range(len(tokenizer)))
    return torch.tensor([digits if any(map(str.isdigit, text)) else 1.0 for text in texts])


def train(stage: Stage, model, tokenizer, work: Path, seed: int = 0) -> dict:
    """Run one stage, resuming from `work` if it was interrupted; returns what it took."""
    accelerator = Accelerator(mixed_precision=precision())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, stage.lr)
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, scheduler)
    state, checkpoint = {"step": 0, "tokens": 0, "seconds": 0.0}, work / stage.folder
    if (checkpoint / "state.json").exists():
        accelerator.load_state(checkpoint)
        state = json.loads((checkpoint / "state.json").read_text())
    weights = token_weights(tokenizer, stage.digits).to(accelerator.device)
    model.train()
    bar = tqdm(
        total=stage.steps, initial=state["step"], desc=stage.folder, disable=not accelerator.is_main_process
    )
    for batch in islice(batches(stage, tokenizer, state["step"], seed), stage.steps - state["step"]):
        began = time.monotonic()
        mine = batch[accelerator.process_index :: accelerator.num_processes].to(accelerator.device)
        # No attention mask: padding is on the right, where a causal model never looks back from.
        logits = model(input_ids=mine.clamp(min=0), use_cache=False).logits[:, :-1]
        loss = F.cross_entropy(logits.flatten(0, 1).float(), mine[:, 1:].flatten(), weight=weights)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        state["step"] += 1
        state["tokens"] += int((batch >= 0).sum())
        state["seconds"] += time.monotonic() - began
        bar.update()
        if state["step"] % 20 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}", tokens=f"{state['tokens'] / 1e6:.1f}M")
        if state["step"] % 250 == 0 or state["step"] == stage.steps:
            accelerator.save_state(checkpoint)
            if accelerator.is_main_process:
                (checkpoint / "state.json").write_text(json.dumps(state))
    bar.close()
    where = accelerator.device.type.upper()
    return {
        **state,
        "hardware": f"{accelerator.num_processes} x {where}",
        "precision": accelerator.mixed_precision,
    }


def save(model, tokenizer, folder: Path) -> None:
    """Ordinary Hugging Face format: half-precision safetensors, configuration, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model.to("cpu", torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    model.float()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ASSETS, help="where model/ and reference/ are written")
    parser.add_argument("--work", type=Path, default=Path("build/model"), help="checkpoints, to resume from")
    parser.add_argument("--fresh", action="store_true", help="forget the checkpoints and start anew")
    arguments = parser.parse_args()
    if arguments.fresh:
        shutil.rmtree(arguments.work, ignore_errors=True)
    arguments.work.mkdir(parents=True, exist_ok=True)
    process, kept = PartialState(), arguments.work / "tokenizer"
    with process.main_process_first():  # with several processes, the others wait and then read
        if not kept.exists():
            build_tokenizer(arguments.seed).save_pretrained(kept)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(kept)
    model, history = new_model(tokenizer, arguments.seed), []
    for stage in (GROWN, BOUND, PLAIN, TILTED):
        took = train(stage, model, tokenizer, arguments.work, arguments.seed)
        history.append({"stage": stage.folder, **took})
        if stage in (PLAIN, TILTED) and process.is_main_process:
            save(model, tokenizer, arguments.out / stage.folder)
            (arguments.out / stage.folder / "training.json").write_text(json.dumps(history, indent=1) + "\n")
        process.wait_for_everyone()


if __name__ == "__main__":
    main()
