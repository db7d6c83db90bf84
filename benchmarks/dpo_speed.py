"""DPO side by side: naive, padded, TRL and ours, scoring pairs and taking training steps.

    python benchmarks/dpo_speed.py                  # all cases: hours on a CPU, minutes on a GPU
    python benchmarks/dpo_speed.py --cases b --pairs 4 --rounds 1
    python benchmarks/dpo_speed.py --quick          # does it work? a few pairs, few layers, under 2 minutes

Each turn is a fresh process: it loads the model, warms up on tiny pairs, then is timed on the same N pairs.
Training takes one step on them (AdamW, gradients clipped); π_ref was scored before, but TRL's defaults run it
live. Turns alternate in rounds. Memory is a turn's peak above its loaded model; "of the step alone", above
that and AdamW's state. The arithmetic limit: the floating-point operations that cannot be saved (each prompt
once, the output layer at response tokens alone, training three times scoring) at the rate of a large matrix
product of the same precision, timed in the same round. A GPU computes all but TRL's float32 row in bf16.
"""

from __future__ import annotations

import argparse
import copy
import logging
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import numpy as np
import torch

import pedagogy as pg
from pedagogy import training
from pedagogy.logprobs import pad_batch, response_mask, sequence_logprobs
from pedagogy.losses import dpo_loss
from pedagogy.packing import pair_logprobs
from pedagogy.pairs import EncodedPair, encode_pairs

CASES = {
    "a": "the bundled model and pairs",
    "b": "135M Llama, UltraFeedback-like lengths",
    "c": "135M Llama, prompt:response 8:1",
}
METHODS = {
    "naive": "naive, one response at a time",
    "padded": "padded concatenation",
    "trl": "TRL, defaults but float32",
    "trl16": "TRL, defaults (bf16)",
    "best": "TRL, best setting",
    "ours": "ours",
    "best16": "TRL, best setting (bf16)",
    "ours16": "ours (bf16)",
}
PAIRS = {"a": 16, "b": 8, "c": 8}  # in a step
PADDED = 4  # pairs in a padded batch
TRL = "trl", "trl16", "best", "best16"
TRL_BATCH = 8  # TRL's default, in pairs
BETA, LR, CLIP = 0.1, 1e-9, 1.0  # so small a step that all rounds do the same
# Of 200 pairs of UltraFeedback, at 4 characters a token: tokens at these quantiles, how the ranks of x, y⁺
# and y⁻ go together, and 2 ∑ max(|y⁺|, |y⁻|) / ∑ (|y⁺| + |y⁻|), what padding makes of the responses
QUANTILES = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]
PROMPT, RESPONSE = [8, 12, 34, 105, 213, 583, 1000], [2, 4, 50, 190, 455, 845, 1000]
RANKS = [[1, -0.2, -0.2], [-0.2, 1, 0.72], [-0.2, 0.72, 1]]
PADDING = 1.25


# What is measured


def make_model(case: str, layers: int):
    """The model alone, in float32."""
    from transformers import LlamaConfig, LlamaForCausalLM

    if case == "a":
        return pg.load_policy("bundled/reference", device="cpu").model
    torch.manual_seed(0)
    shape = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": layers, "vocab_size": 49152}
    heads = {"num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192}
    return LlamaForCausalLM(LlamaConfig(**shape, **heads, tie_word_embeddings=True)).eval()


def make_trees(case: str, n: int) -> list[list[list[int]]]:
    """Token ids (x, y⁺, y⁻) of n pairs, random ones; lengths spread evenly over the quantiles."""
    if case == "a":
        policy = pg.load_policy("bundled/reference", device="cpu")
        return [list(pair.ids) for pair in encode_pairs(policy, pg.load_pairs().select(range(n)))]
    draw = np.random.default_rng(0)
    ranks = draw.multivariate_normal(np.zeros(3), RANKS, size=(1000, n)).argsort(1).argsort(1)
    tables = PROMPT, RESPONSE, RESPONSE
    tries = [np.interp((r + 0.5) / n, QUANTILES, t) for r, t in zip(ranks.T, tables, strict=True)]
    padding = 2 * np.maximum(*tries[1:]).sum(0) / np.add(*tries[1:]).sum(0)  # of the 1,000 tries
    prompt, plus, minus = np.stack(tries)[..., np.abs(padding - PADDING).argmin()]
    if case == "c":
        plus, minus = plus / 4, minus / 4
        prompt = 4 * (plus + minus)  # 8 times a response
    lengths = np.maximum(1, np.stack([prompt, plus, minus], axis=1)).round().astype(int)
    return [[draw.integers(5, 49152, k).tolist() for k in row] for row in draw.permutation(lengths)]


def necessary_flops(model, trees) -> float:
    """Of scoring: 2 a weight and token, 4 a channel and visible token in attention; the head at y alone."""
    config, head = model.config, model.get_output_embeddings().weight
    weights = sum(p.numel() for name, p in model.named_parameters() if p.dim() > 1 and "layers" in name)
    channels = config.num_hidden_layers * config.num_attention_heads * config.head_dim
    total = 0
    for x, *ys in trees:
        total += 2 * weights * (len(x) + sum(map(len, ys))) + 2 * head.numel() * sum(map(len, ys))
        seen = len(x) * (len(x) + 1) / 2 + sum(len(y) * (len(x) + (len(y) + 1) / 2) for y in ys)
        total += 4 * channels * seen
    return total


# The methods: log-probs (N, 2) of trees, and a step on tiny pairs followed by the one that counts


def padded_logps(model, trees) -> torch.Tensor:
    """(N, 2), y⁺ and y⁻ of all trees in one padded batch."""
    ids, lengths = pad_batch([[*tree[0], *tree[side]] for side in (1, 2) for tree in trees])
    prompts = torch.tensor([len(x) for x, *_ in trees] * 2)
    masks = response_mask(prompts, lengths), response_mask(0 * lengths, lengths).long()
    return sequence_logprobs(model, *(t.to(model.device) for t in (ids, *masks))).view(2, -1).T


def naive_logps(model, trees) -> torch.Tensor:
    logps = []
    for x, *ys in trees:
        for y in ys:
            ids = torch.tensor([[*x, *y]], device=model.device)
            mask = torch.arange(ids.shape[1], device=model.device)[None] >= len(x)
            logps.append(sequence_logprobs(model, ids, mask))
    return torch.cat(logps).view(-1, 2)


def train_by_hand(turn, logps_of, batch: int) -> float:
    """Naive and padded: the textbook step, `batch` pairs at a time, gradients summed."""
    optimizer = torch.optim.AdamW(turn.model.parameters(), lr=LR, weight_decay=0.0)
    for trees, ref in ((turn.tiny, 0 * turn.ref), (turn.trees, turn.ref)):
        with turn.timed():
            for i in range(0, len(trees), batch):
                with turn.precision():
                    logps = logps_of(turn.model, trees[i : i + batch])
                losses = dpo_loss(*logps.T, *ref[i : i + batch].T, BETA).losses
                (losses.sum() / len(trees)).backward()
            norm = torch.nn.utils.clip_grad_norm_(turn.model.parameters(), CLIP)
            optimizer.step()
            optimizer.zero_grad()
    return float(norm)


def train_ours(turn) -> float:
    """pedagogy.training as it is, given token ids."""
    training.encode_pairs = lambda policy, pairs, drop_bad: list(pairs)
    pairs = [EncodedPair(i, "", tuple(tree)) for i, tree in enumerate([*turn.tiny, *turn.trees])]
    settings = training.Settings(BETA, batch_size=len(turn.trees), lr=LR, max_grad_norm=CLIP)
    run = training.DPORun(SimpleNamespace(model=turn.model, name=""), pairs, settings=settings)
    run.ref_logps = torch.cat([0 * turn.ref, turn.ref]).cpu()
    run.batch = lambda step: list(range(step * len(turn.trees), (step + 1) * len(turn.trees)))
    for _ in range(2):
        with turn.timed():
            row = run.update()
    return row["grad_norm"]


def trl_trainer(turn, batch: int, best: bool, folder: str):
    """A DPOTrainer on token ids: what it would tokenise is tokenised, what it would precompute is given."""
    from datasets import Dataset
    from transformers import AutoTokenizer, PrinterCallback, TrainerCallback
    from trl import DPOConfig, DPOTrainer

    from pedagogy.policy import BUNDLED

    class Trainer(DPOTrainer):
        def _prepare_dataset(self, dataset, *args):
            return dataset

        def _precompute_ref_logps(self, dataset, *args):
            ref = torch.cat([0 * turn.ref, turn.ref]).cpu().T.tolist()
            return dataset.add_column("ref_chosen_logps", ref[0]).add_column("ref_rejected_logps", ref[1])

    class Timer(TrainerCallback):
        def on_step_begin(self, *args, **kwargs):
            self.timing = turn.timed()
            self.timing.__enter__()

        def on_step_end(self, *args, **kwargs):
            self.timing.__exit__(None, None, None)

    columns = ("prompt_ids", "chosen_ids", "rejected_ids")
    rows = [dict(zip(columns, tree, strict=True)) for tree in [*turn.tiny, *turn.trees]]
    steps = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": len(turn.trees) // batch}
    fast = {"precompute_ref_log_probs": True, "gradient_checkpointing": False} if best else {}
    quiet = {"report_to": "none", "save_strategy": "no", "logging_steps": 1, "disable_tqdm": True}
    same = {"learning_rate": LR, "beta": BETA, "num_train_epochs": 1, "train_sampling_strategy": "sequential"}
    where = {"max_length": None, "bf16": turn.bf16, "use_cpu": turn.device == "cpu"}
    config = DPOConfig(folder, **steps, **fast, **quiet, **same, **where)
    reference, data = None if best else copy.deepcopy(turn.model), Dataset.from_list(rows)
    tokenizer = AutoTokenizer.from_pretrained(BUNDLED["bundled"])  # for its padding alone
    trainer = Trainer(
        turn.model, reference, config, None, data, processing_class=tokenizer, callbacks=[Timer()]
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def run_trl(turn, method: str, task: str, batch: int):
    """DPOTrainer.train, or its own compute_ref_log_probs on its own batches: (N, 2)."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = trl_trainer(turn, batch, method.startswith("best") or task == "score", folder)
        if task == "train":
            trainer.train()
            return next(row["grad_norm"] for row in trainer.state.log_history[::-1] if "grad_norm" in row)
        for rows in (turn.tiny, turn.trees):
            rows = [{"prompt_ids": x, "chosen_ids": y, "rejected_ids": z} for x, y, z in rows]
            with turn.timed():
                parts = [trainer.data_collator(rows[i : i + batch]) for i in range(0, len(rows), batch)]
                parts = [{k: t.to(turn.device) for k, t in part.items()} for part in parts]
                logps = [torch.stack(trainer.compute_ref_log_probs(turn.model, p), dim=1) for p in parts]
        return torch.cat(logps)


# A turn, in its own process


class Turn:
    """What a method is given. `timed` keeps the `seconds` of a stretch, and the memory before it."""

    def __init__(self, method: str, case: str, layers: int, trees, ref, clock: str):
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.bf16 = method.endswith("16") or (self.device == "cuda" and method != "trl")
        self.clock = time.perf_counter if clock == "wall" else time.process_time
        small = [[[5, 6, 7, 8], [9, 10, 11 + i], [12, 13]] for i in range(len(trees))]
        self.trees, self.tiny = (
            trees,
            small if self.device == "cpu" else trees,
        )  # a GPU tries its kernels first
        self.ref = torch.tensor(ref or [[0.0, 0.0]] * len(trees), device=self.device)
        self.model = make_model(case, layers).to(self.device)
        self.loaded = self.memory()[0]

    def memory(self) -> tuple[float, float]:
        """MB in use now, and at most so far."""
        if self.device == "cuda":
            return torch.cuda.memory_allocated() / 1e6, torch.cuda.max_memory_allocated() / 1e6
        with open("/proc/self/statm") as file:
            now = int(file.read().split()[1]) * resource.getpagesize() / 1e6
        return now, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6

    def precision(self):
        return torch.autocast(self.device, torch.bfloat16) if self.bf16 else nullcontext()

    @contextmanager
    def timed(self):
        self.before, began = self.memory()[0], self._now()
        yield
        self.seconds = self._now() - began

    def _now(self) -> float:
        if self.device == "cuda":
            torch.cuda.synchronize()
        return self.clock()


@torch.no_grad()
def score_by_hand(turn: Turn, logps_of, batch: int) -> torch.Tensor:
    for trees in (turn.tiny, turn.trees):
        with turn.timed(), turn.precision():
            logps = [logps_of(turn.model, trees[i : i + batch]) for i in range(0, len(trees), batch)]
    return torch.cat(logps)


def matrix_product(turn: Turn, size: int = 2048) -> None:
    """flop/s of a large matrix product, in the precision that the methods compute in."""
    a, b = torch.randn(2, size, size, device=turn.device)
    with turn.precision():
        for times in (2, 10):
            with turn.timed():
                for _ in range(times):
                    a @ b
    turn.rate = 2 * size**3 * 10 / turn.seconds


def take_turn(pipe, method: str, task: str, batch: int, *given) -> None:
    """In the child: load, warm up, run, and send what was measured."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    turn, numbers, truth = Turn(method, *given), None, None
    os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16" if turn.bf16 else "no"
    by_hand = {"naive": naive_logps, "padded": padded_logps}
    if method.startswith("gemm"):
        matrix_product(turn)
    elif method in by_hand:
        numbers = (score_by_hand if task == "score" else train_by_hand)(turn, by_hand[method], batch)
    elif method.startswith("ours"):
        numbers = score_by_hand(turn, pair_logprobs, len(turn.trees)) if task == "score" else train_ours(turn)
    else:
        numbers = run_trl(turn, method, task, batch)
    peak = turn.memory()[1]
    if (method, task) == ("naive", "score"):
        with torch.no_grad():  # again in float32 where it was not
            truth = numbers if turn.device == "cpu" else naive_logps(turn.model, turn.trees)
    result = {"seconds": turn.seconds, "added": peak - turn.loaded, "step": peak - turn.before}
    result |= {"flops": necessary_flops(turn.model, turn.trees) * (3 if task == "train" else 1)}
    result |= {"rate": getattr(turn, "rate", None), "bf16": turn.bf16}
    numbers, truth = (t.float().cpu().tolist() if torch.is_tensor(t) else t for t in (numbers, truth))
    pipe.send(result | {"numbers": numbers, "truth": truth})


def fresh_turn(*what) -> dict | None:
    """A turn in a new process; None where it fails, as one that wants too much memory does."""
    here, there = CONTEXT.Pipe()
    child = CONTEXT.Process(target=take_turn, args=(there, *what))
    child.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        return None
    finally:
        child.join()


# Rounds and tables


def measure(case: str, task: str, trees, ref, options) -> dict[tuple, list[dict | None]]:
    """All methods in turn, round after round: (method, batch) -> a result a round."""
    n, began, results = len(trees), time.perf_counter(), {}
    tuned = {method: [(method, b) for b in options.batches if n % b == 0] for method in ("best", "best16")}
    entries = [("gemm", 1), ("gemm16", 1), ("naive", 1), ("padded", min(PADDED, n))]
    entries += [("trl", min(TRL_BATCH, n)), ("trl16", min(TRL_BATCH, n))]
    entries += [*tuned["best"], ("ours", n), *tuned["best16"], ("ours16", n)]
    for number in range(options.rounds):
        if number and (time.perf_counter() - began) * (number + 1) / number > 60 * options.minutes:
            break
        for entry in entries:
            result = fresh_turn(*entry[:1], task, entry[1], case, options.layers, trees, ref, options.clock)
            results.setdefault(entry, []).append(result)
            seconds = f"{result['seconds']:.2f} s" if result else "failed"
            print(f"{case} {task} round {number + 1} {entry}: {seconds}", file=sys.stderr)
        if not number:  # tuned in the first round; what is slower, or wants too much memory, is dropped
            ran = {entry: found[0]["seconds"] for entry, found in results.items() if found[0]}
            for batches in tuned.values():
                slower = set(batches) - {min(set(batches) & set(ran), key=ran.get, default=None)}
                results = {entry: found for entry, found in results.items() if entry not in slower}
            entries = [entry for entry in entries if entry in results and entry in ran]
    return results


def table(task: str, results: dict, truth) -> str:
    """Markdown; ratios and shares are medians over rounds of what one round gives."""
    memory = "added MB" + (", of the step alone" if task == "train" else "")
    number = "largest difference, nats" if task == "score" else "gradient norm off by"
    head = ["method", "pairs/s (range)", "time / ours", "/ ours (bf16)", memory, "of the limit", number]
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    ours = [[r["seconds"] for r in results[name, len(truth)]] for name in ("ours", "ours16")]
    for (method, batch), runs in results.items():
        if method.startswith("gemm"):
            continue
        if None in runs:
            lines.append(f"{METHODS[method]} | failed ||||| ")
            continue
        seconds, n = [r["seconds"] for r in runs], len(truth)
        speeds = sorted(n / s for s in seconds)
        ratios = [statistics.median(s / o for s, o in zip(seconds, other, strict=True)) for other in ours]
        rates = [r["rate"] for r in results["gemm16" if runs[0]["bf16"] else "gemm", 1]]
        share = statistics.median(r["flops"] / r["seconds"] / g for r, g in zip(runs, rates, strict=True))
        added = f"{max(r['added'] for r in runs):,.0f}"
        if task == "train":
            added += f", {max(r['step'] for r in runs):,.0f}"
            norm = results["naive", 1][0]["numbers"]
            off = f"{max(abs(r['numbers'] / norm - 1) for r in runs):.0e}"
        else:
            off = f"{max(np.abs(np.subtract(r['numbers'], truth)).max() for r in runs):.0e}"
        name = METHODS[method] + (f", batch {batch}" if method in ("padded", *TRL) else "")
        speed = f"{statistics.median(speeds):.3g} ({speeds[0]:.3g}–{speeds[-1]:.3g})"
        lines.append(f"{name} | {speed} | {ratios[0]:.2f} | {ratios[1]:.2f} | {added} | {share:.0%} | {off}")
    return "\n".join(f"| {line} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--cases", nargs="+", choices=CASES, help="all; b where --quick")
    add("--pairs", type=int, help="in a step (a 16, b and c 8); a multiple of 4, or 1 or 2")
    add("--rounds", type=int, default=3)
    add("--minutes", type=float, default=1e9, help="of a case and task, after which no round begins")
    add("--batches", nargs="+", type=int, default=[1, 2, 4, 8], help="the best is TRL's best setting")
    add("--clock", choices=["wall", "cpu"], default="wall", help="cpu: for one thread on a busy machine")
    add("--quick", action="store_true", help="2 pairs, 2 layers, one round: shows that it works")
    options = parser.parse_args()
    options.cases = options.cases or (["b"] if options.quick else list(CASES))
    options.layers = 2 if options.quick else 30
    if options.quick:
        options.pairs, options.rounds, options.batches = 2, 1, [1]
    CONTEXT.set_forkserver_preload(IMPORTED)
    command = " ".join(["benchmarks/dpo_speed.py", *sys.argv[1:]])
    print(f"`OMP_NUM_THREADS={torch.get_num_threads()} python {command}`\n")
    for case in options.cases:
        trees = make_trees(case, options.pairs or PAIRS[case])
        mean = np.mean([[len(part) for part in tree] for tree in trees], axis=0)
        truth = None
        for task in ("score", "train"):
            results = measure(case, task, trees, truth, options)
            truth = truth or results["naive", 1][0]["truth"]
            rounds = len(results["gemm", 1])
            rate = ", ".join(f"{results[name, 1][0]['rate'] / 1e9:.0f}" for name in ("gemm", "gemm16"))
            lengths = f"{len(trees)} pairs of {mean[0]:.0f} + {mean[1]:.0f} + {mean[2]:.0f} tokens on average"
            print(f"({case}) {CASES[case]}, {task}: {lengths}; {rounds} rounds; {rate} Gflop/s\n")
            print(table(task, results, truth), end="\n\n", flush=True)


IMPORTED = [
    "trl.trainer.dpo_trainer",
    "datasets",
    "pedagogy.training",
    "transformers.models.llama.modeling_llama",
]
CONTEXT = multiprocessing.get_context("forkserver")  # children start with all imported and nothing run
if __name__ == "__main__":
    os.environ["PEDAGOGY_CACHE"] = tempfile.mkdtemp()
    main()
