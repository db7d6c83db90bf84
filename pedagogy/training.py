"""A DPO training run: its batches, its steps, what it measures, and how it stops and goes on.

`DPORun.update` is the whole algorithm: score a batch, take the loss (losses.py), follow its gradient.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import Tensor

from .losses import PairLoss, check_settings, dpo_loss
from .packing import pair_logprobs
from .pairs import EncodedPair, encode_pairs
from .policy import Policy
from .references import fingerprint, gather, reference_logprobs
from .sampling import continuations, generator, pick
from .thrift import pays, thrifty
from .trees import Tree, fill_rows

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-3  # nats: two ways of summing one log-prob may differ by this much
KL_PROMPTS, KL_SAMPLES, KL_TOKENS = 4, 8, 128  # prompts, responses to each, tokens of each at most
MEASURES = ("loss", "accuracy", "margin", "chosen_logp", "rejected_logp")


@dataclass(frozen=True)
class Settings:
    """What a run depends on, besides its model and its pairs."""

    beta: float = 0.1  # of the loss; higher stays closer to π_ref
    loss_type: str = "sigmoid"
    label_smoothing: float = 0.0
    epochs: float = 1.0
    batch_size: int = 16  # pairs a step, over all processes
    lr: float = 2e-4  # at its peak; a model of a billion parameters wants 5e-7 to 5e-6
    warmup: float = 0.1  # share of the steps in which lr rises; in the others it falls to 0
    max_grad_norm: float = 1.0
    seed: int = 0  # of the order of the pairs, and of the samples for KL

    def __post_init__(self):
        check_settings(self.beta, self.loss_type, self.label_smoothing)
        for name in ("epochs", "batch_size", "lr", "max_grad_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be above 0 and finite, not {getattr(self, name)}")
        for name in ("batch_size", "seed"):
            if not isinstance(getattr(self, name), Integral) or getattr(self, name) < 0:
                raise ValueError(f"{name} must be a whole number, 0 or above, not {getattr(self, name)!r}")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup, a share of the steps, is from 0 to below 1, not {self.warmup}")


class NonFiniteLoss(FloatingPointError):
    """A loss or a gradient that is no number. `.rows`: the rows of its pairs. The weights have not moved."""

    def __init__(self, message: str, rows: list[int]):
        super().__init__(message)
        self.rows = rows


class DPORun:
    """A run that can be stepped, looked at, stopped and gone on with; train_dpo drives it to its end.

        run = DPORun(policy, pairs, held_out, Settings(beta=0.1))
        run.begin()
        for row in run.rows(): …         # or run.update() and run.evaluate(), at will

    `.step` of `.steps` are done; `.history` has the rows, `.table()` as a DataFrame. train_dpo says what a
    row holds and what the arguments are. The policy's model is trained in place, without dropout.
    """

    def __init__(
        self,
        policy: Policy,
        pairs: Iterable[dict],
        held_out: Iterable[dict] = (),
        settings: Settings | None = None,
        reference: Policy | None = None,
        drop_bad: bool = False,
    ):
        from accelerate import Accelerator

        self.policy, self.settings, self.reference = policy, settings or Settings(), reference
        if reference and reference.model is policy.model:  # would move with it
            self.reference = None
        elif reference and reference.tokenizer.get_vocab() != policy.tokenizer.get_vocab():
            raise ValueError("the reference has another vocabulary: a token's id must mean the same to both")
        self.pairs = encode_pairs(policy, pairs, drop_bad)
        self.held_out = encode_pairs(policy, held_out, drop_bad)
        self.accelerator = Accelerator(cpu=not torch.accelerator.is_available())  # or CPU processes go unseen
        self.steps_per_epoch = math.ceil(len(self.pairs) / self.settings.batch_size)
        self.steps = math.ceil(self.settings.epochs * self.steps_per_epoch)
        self._check_batches()
        self.start, self.key = fingerprint(policy.model), self._key()
        self.scorer = _Scorer(policy.model.eval())  # no dropout: π_θ begins as π_ref, and the loss as ln 2
        # No weight decay either: it would pull towards 0, not towards π_ref.
        optimizer = torch.optim.AdamW(policy.model.parameters(), lr=self.settings.lr, weight_decay=0.0)
        self.model, self.optimizer = self.accelerator.prepare(self.scorer, optimizer)
        self.step, self.seconds, self.history = 0, 0.0, []

    def begin(self) -> None:
        """Score every pair under π_ref, once. From now on π_ref runs for KL alone."""
        from tqdm.auto import tqdm

        model, score = self.policy.model, self.scorer
        if self.reference:
            model, score = self.reference.model.to(self.accelerator.device), None
        trees = [pair.ids for pair in self.pairs + self.held_out]
        bar = tqdm(total=len(trees), desc="π_ref", unit="pair", leave=False, disable=self._quiet)
        with bar, self.accelerator.autocast():
            self.ref_logps = reference_logprobs(model, trees, score, self.accelerator, bar)  # (N, 2)
        if self.held_out:
            self.ref_model = model if self.reference else copy.deepcopy(model)

    def rows(self, eval_every: int | None = None) -> Iterator[dict]:
        """Evaluations and updates in turn, to the end of the run."""
        every = eval_every or self.steps_per_epoch
        while True:
            due = self.step % every == 0 or self.step == self.steps
            done = self.history and self.history[-1]["step"] == self.step
            if self.held_out and due and not done:
                yield self.evaluate()
            if self.step == self.steps:
                return
            yield self.update()

    def update(self) -> dict:
        """A step: the losses of a batch, their gradient, a move of AdamW. The row says what was before."""
        began, batch, lr = time.perf_counter(), self.batch(self.step), self._set_lr()
        mine = batch[self.accelerator.process_index :: self.accelerator.num_processes]
        mine.sort(key=lambda i: -sum(map(len, self.pairs[i].ids)))  # long ones while memory is in one piece
        rows, measured = fill_rows([self.pairs[i].ids for i in mine]), []
        for row in rows:  # after each, its memory is free again
            numbers = [mine[i] for i in row]
            with nullcontext() if row is rows[-1] else self.accelerator.no_sync(self.model):
                logps = self.model([self.pairs[i].ids for i in numbers])  # (n, 2), log π_θ
                out = self._loss(logps, numbers)
                share = self.accelerator.num_processes / len(batch)  # processes are averaged, pairs summed
                self.accelerator.backward(out.losses.sum() * share)
            measured += self._measures(out, logps)
        norm = self.accelerator.clip_grad_norm_(self.policy.model.parameters(), self.settings.max_grad_norm)
        self._check_gradient(norm, batch)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step, self.seconds = self.step + 1, self.seconds + time.perf_counter() - began
        return self._log(self.step - 1, "train", measured, lr=lr, grad_norm=float(norm))

    @torch.no_grad()
    def evaluate(self) -> dict:
        """The same numbers on the held-out pairs, and KL(π_θ‖π_ref)."""
        mine = range(self.accelerator.process_index, len(self.held_out), self.accelerator.num_processes)
        numbers = [len(self.pairs) + i for i in mine]  # they come behind the others
        same = self.step == 0 and not self.reference  # π_θ is π_ref: nothing to compute
        known = same or not mine  # a process may have none
        logps = self.ref_logps[numbers] if known else self.scorer([self.held_out[i].ids for i in mine])
        measured = self._measures(self._loss(logps, numbers), logps)
        return self._log(self.step, "held-out", measured, kl=0.0 if same else self.kl())

    @torch.no_grad()
    def kl(self) -> float:
        """KL(π_θ‖π_ref) in nats a response, at the first KL_PROMPTS held-out prompts.

        By the chain rule, the mean over y ~ π_θ of ∑_t KL(π_θ(·|x, y_<t) ‖ π_ref(·|x, y_<t)). Each term is
        exact, so KL_SAMPLES responses a prompt do, cut off at KL_TOKENS tokens. The seed is always the same.
        """
        prompts = list({tuple(pair.ids[0]): None for pair in self.held_out})[:KL_PROMPTS]
        sums = []
        for i in range(self.accelerator.process_index, len(prompts), self.accelerator.num_processes):
            x = list(prompts[i])
            sums += [self._kl_along(x, y) for y in self._samples(x, i)]
        return float(np.mean(gather(sums)))

    def batch(self, step: int) -> list[int]:
        """Numbers of a step's pairs: a new order each epoch, drawn from (seed, epoch) and nothing else."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(self.pairs))
        return np.array_split(order, self.steps_per_epoch)[place].tolist()

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.history)

    # Stopping and going on

    def kept(self, home: Path, end: str = "") -> Path:
        """The folder of this run in `home`. Other settings, pairs or first weights have another."""
        return home / f"{self.key}-{self.start}{end}"

    def save(self, home: Path) -> None:
        """All that `resume` needs. While it is written, what was saved before stays."""
        folder, new, old = (self.kept(home, end) for end in ("", ".new", ".old"))
        if self.accelerator.is_main_process:
            (new / "run.json").unlink(missing_ok=True)  # the mark of a whole one
        self.accelerator.save_state(new)
        if self.accelerator.is_main_process:
            state = {"weights": [self.start, fingerprint(self.policy.model)]}
            state |= {"step": self.step, "seconds": self.seconds, "history": self.history}
            np.save(new / "ref_logps.npy", self.ref_logps.numpy())
            if self.held_out and not self.reference:
                save_model(self.ref_model, new / "reference.safetensors")
            (new / "run.json").write_text(json.dumps(state))
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                folder.rename(old)
            new.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        self.accelerator.wait_for_everyone()

    def resume(self, home: Path) -> bool:
        """Go on from where this very run was saved; False where it was not. RuntimeError on a damaged folder.

        The policy may have the weights that the run began with, or those that it was saved with.
        """
        for mark in sorted(home.glob(f"{self.key}-*/run.json")):  # the whole one before .new and .old
            try:
                state = json.loads(mark.read_text())
                if self.start in state["weights"]:
                    self._load(mark.parent, state)
                    return True
            except Exception as error:  # damage shows in many ways
                remedy = "Load the policy again, and delete that folder or pass fresh=True"
                found = f"the run kept in {mark.parent} is damaged"
                raise RuntimeError(f"{found}: {error}. {remedy}") from error
        return False

    def _load(self, folder: Path, state: dict) -> None:
        self.accelerator.load_state(folder)
        self.start = state["weights"][0]
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]
        self.ref_logps = torch.from_numpy(np.load(folder / "ref_logps.npy"))
        if self.held_out:
            self.ref_model = self.reference.model if self.reference else copy.deepcopy(self.policy.model)
            if not self.reference:
                load_model(self.ref_model, folder / "reference.safetensors")

    def forget(self, home: Path) -> None:
        """Delete what `save` kept."""
        if self.accelerator.is_main_process:
            for end in ("", ".new", ".old"):
                shutil.rmtree(self.kept(home, end), ignore_errors=True)
            with suppress(OSError):  # others are there, or nothing was
                home.rmdir()

    def save_policy(self, folder: Path) -> None:
        """The trained policy in Hugging Face format, which load_policy reads, and training.json."""
        if not self.accelerator.is_main_process:
            return
        self.policy.model.save_pretrained(folder)
        self.policy.tokenizer.save_pretrained(folder)
        about = {"model": self.policy.name, "pairs": len(self.pairs), "steps": self.step}
        about |= {"processes": self.accelerator.num_processes, "device": self.accelerator.device.type}
        about |= {"precision": self.accelerator.mixed_precision, "settings": asdict(self.settings)}
        about |= {"last_rows": {row["split"]: row for row in self.history}}
        (folder / "training.json").write_text(json.dumps(about, indent=1) + "\n")

    # How it is done

    def _loss(self, logps: Tensor, numbers: list[int]) -> PairLoss:
        """The losses of the pairs with these numbers, from log π_θ (n, 2)."""
        ref, s = self.ref_logps[numbers].to(logps.device), self.settings
        out = dpo_loss(*logps.unbind(-1), *ref.unbind(-1), s.beta, s.loss_type, s.label_smoothing)
        for i, loss, now, before in zip(numbers, *map(Tensor.tolist, (out.losses, logps, ref)), strict=True):
            if not math.isfinite(loss):
                self.optimizer.zero_grad()
                pair = (self.pairs + self.held_out)[i]
                raise NonFiniteLoss(
                    f"step {self.step}: the loss of row {pair.row}, {pair.prompt}, is {loss}; log π of y⁺ "
                    f"and y⁻ is {now} under π_θ, {before} under π_ref. The weights are those of the step "
                    f"before. Is the pair sound? Then lower lr ({s.lr}).",
                    [pair.row],
                )
        return out

    def _check_gradient(self, norm: Tensor, batch: list[int]) -> None:
        if math.isfinite(norm) or self.accelerator.mixed_precision == "fp16":  # whose scaler skips such steps
            return
        self.optimizer.zero_grad()
        rows = [self.pairs[i].row for i in batch]
        raise NonFiniteLoss(
            f"step {self.step}: the gradient's norm is {float(norm)}, though all losses are numbers, in the "
            f"batch of rows {rows}. The weights are those of the step before. Lower lr ({self.settings.lr}).",
            rows,
        )

    def _measures(self, out: PairLoss, logps: Tensor) -> list[list[float]]:
        """MEASURES of each pair. A pair that is level but for rounding is not won."""
        won = out.margins > self.settings.beta * ROUNDING
        return torch.stack([out.losses, won, out.margins, *logps.unbind(-1)], dim=-1).tolist()

    def _log(self, step: int, split: str, measured: list, kl=None, lr=None, grad_norm=None) -> dict:
        means = np.mean(gather(measured), axis=0).tolist()
        row = {"step": step, "split": split, **dict(zip(MEASURES, means, strict=True))}
        self.history.append(row | {"kl": kl, "lr": lr, "grad_norm": grad_norm, "seconds": self.seconds})
        return self.history[-1]

    def _set_lr(self) -> float:
        """Up in a line over the warm-up, then down in a line, to 0 at the end of the run."""
        warmup = self.settings.warmup * self.steps
        rise = (self.step + 1) / max(1.0, warmup)
        fall = (self.steps - self.step) / max(1.0, self.steps - warmup)
        lr = self.settings.lr * min(1.0, rise, fall)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        return lr

    def _kl_along(self, x: list[int], y: list[int]) -> float:
        """∑_t KL(π_θ(·|x, y_<t) ‖ π_ref(·|x, y_<t)) over the tokens of y."""
        ids = torch.tensor([[*x, *y]], device=self.accelerator.device)
        now, before = (
            model(ids).logits[0, len(x) - 1 : -1].float().log_softmax(-1)  # (T, V)
            for model in (self.policy.model, self.ref_model)
        )
        return float((now.exp() * (now - before)).sum())

    def _samples(self, x: list[int], number: int) -> list[list[int]]:
        """Responses y ~ π_θ(·|x), with EOS where they came to it."""
        eos, room = self.policy.eos_token_id, (self.policy.context_length or math.inf) - len(x)
        steps = int(min(KL_TOKENS, room))
        seeds = (1000 * (1000 * self.settings.seed + number) + k for k in range(KL_SAMPLES))
        choose = partial(
            pick, temperature=1.0, top_k=None, top_p=None, generators=list(map(generator, seeds))
        )
        replies = continuations(self.policy.model, [x] * KL_SAMPLES, steps, choose, {eos})
        return [[*y, eos] if len(y) < steps else y for y in replies]

    def _key(self) -> str:
        """A hash of what the run depends on, but for the weights of its model."""
        data: list[list[EncodedPair]] = [self.pairs, self.held_out]
        reference = fingerprint(self.reference.model) if self.reference else None
        what = [asdict(self.settings), [[pair.ids for pair in part] for part in data], reference]
        return hashlib.sha256(json.dumps([*what, self.accelerator.mixed_precision]).encode()).hexdigest()[:16]

    def _check_batches(self) -> None:
        """Each process needs a pair in each batch, or the others would wait for it forever."""
        if not self.pairs:
            raise ValueError("no pairs to train on: give at least one")
        least, processes = len(self.pairs) // self.steps_per_epoch, self.accelerator.num_processes
        if least < processes:
            raise ValueError(
                f"{len(self.pairs)} pairs in batches of {self.settings.batch_size} leave {least} in some, "
                f"fewer than there are processes, {processes}: raise batch_size, or start fewer"
            )

    @property
    def _quiet(self) -> bool:
        return not self.accelerator.is_main_process


class _Scorer(torch.nn.Module):
    """From pairs to their log-probs (n, 2), as a module: what `accelerate` can spread over processes."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, pairs: list[Tree]) -> Tensor:
        tokens = sum(len(part) for tree in pairs for part in tree)
        with thrifty(self.model) if pays(self.model, tokens) else nullcontext():
            return pair_logprobs(self.model, pairs)
