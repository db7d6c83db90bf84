"""Direct preference optimisation from end to end. The losses are in losses.py, the steps in training.py.

    history = train_dpo(load_policy("bundled/reference"), load_pairs(), beta=0.1)

or from a terminal, on the devices, in the precision and in as many processes as `accelerate` is told:

    accelerate launch -m pedagogy.dpo --model bundled/reference --pairs bundled --beta 0.1 --out build/dpo

Several processes on CPUs are `--multi_gpu --num_processes 2` to accelerate: with `--cpu` it starts just one.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from .losses import PairLoss, dpo_loss, orpo_loss, simpo_loss
from .pairs import to_trl
from .policy import Policy, load_policy
from .references import cache_dir
from .training import DPORun, NonFiniteLoss, Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DPORun",
    "NonFiniteLoss",
    "PairLoss",
    "Settings",
    "dpo_loss",
    "orpo_loss",
    "simpo_loss",
    "to_trl",
    "train_dpo",
]

PATIENCE = 1.0  # seconds within which a second Ctrl-C is taken for the first


def train_dpo(
    policy: Policy,
    pairs: Iterable[dict],
    held_out: Iterable[dict] = (),
    beta: float = 0.1,
    *,
    reference: Policy | None = None,
    folder: str | Path | None = None,
    eval_every: int | None = None,
    on_step: Callable[[dict], bool | None] | None = None,
    drop_bad: bool = False,
    fresh: bool = False,
    **settings,
) -> pd.DataFrame:
    """Train `policy`, in place, to prefer y⁺ to y⁻; what happened comes back as a table.

        history = train_dpo(policy, load_pairs(), load_pairs(split="test"), beta=0.1)
        history[history.split == "train"].plot(x="step", y="loss")

    pairs, held_out: rows as of load_pairs. FeedbackError names one that is unusable; drop_bad leaves it out.
    reference: π_ref; None: the policy as it is now. settings: the rest of Settings (loss_type, epochs, lr …).
    folder: where the trained policy is saved, with its tokenizer and training.json.
    eval_every: steps between evaluations on held_out; None: at the beginning and after each epoch.
    on_step: called with each new row; where it returns True, training ends early.

    Ctrl-C, or a notebook's stop button, stops after the current step. The same call then goes on from there,
    to the numbers that it would have had anyway; fresh=True starts anew. NonFiniteLoss names its pair.

    A row has: step (updates made before it was measured), split ("train", that step's batch, or "held-out"),
    loss, accuracy (share of pairs with r̂⁺ above r̂⁻), margin (mean of r̂⁺ − r̂⁻), chosen_logp and rejected_logp
    (means of log π_θ(y|x), nats), kl (held-out: KL(π_θ‖π_ref), sampled, nats a response), lr, grad_norm
    (before clipping), seconds (of updates so far).
    """
    from tqdm.auto import tqdm

    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)  # now: after the last step it would be too late
    run = DPORun(policy, pairs, held_out, Settings(beta, **settings), reference, drop_bad)
    stopped = Path(folder) / "stopped" if folder else cache_dir() / "runs"
    if fresh or not run.resume(stopped):
        run.begin()
    main = run.accelerator.is_main_process
    bar = tqdm(total=run.steps, initial=run.step, desc="DPO", unit="step", disable=not main)
    with bar, _interrupts_wait() as interrupts:
        for row in run.rows(eval_every):
            bar.set_postfix(
                {name: f"{row[name]:.3f}" for name in ("loss", "accuracy", "margin")}, refresh=False
            )
            bar.update(run.step - bar.n)
            early = on_step is not None and on_step(row)
            if interrupts:
                run.accelerator.set_trigger()
            if run.accelerator.check_trigger():  # set in any of the processes
                run.save(stopped)
                where = f"after step {run.step} of {run.steps}, kept in {run.kept(stopped)}"
                raise KeyboardInterrupt(f"stopped {where}: the same call goes on from there")
            if early:
                break
            if folder and row["split"] == "held-out":
                run.save(stopped)
    if folder:
        run.save_policy(Path(folder))
    run.accelerator.wait_for_everyone()
    run.forget(stopped)
    return run.table()


@contextmanager
def _interrupts_wait() -> Iterator[list]:
    """Ctrl-C is noted in a list, so that no step is left half done. A second one does not wait.

    A launcher may pass the same Ctrl-C on once more, hence PATIENCE.
    """
    noted: list[float] = []

    def note(signum, frame):
        noted.append(time.monotonic())
        if noted[-1] > noted[0] + PATIENCE:
            raise KeyboardInterrupt

    try:
        own = signal.signal(signal.SIGINT, note)
    except ValueError:  # not in the main thread, which alone gets signals
        yield noted
        return
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, own)


def main(arguments: list[str] | None = None) -> int:
    """The program: every setting of Settings is an option."""
    from accelerate import PartialState

    from .feedback import load_pairs

    parser = argparse.ArgumentParser(
        prog="pedagogy.dpo", description="Train a policy on preference pairs with DPO."
    )
    add = parser.add_argument
    add(
        "--model",
        default="bundled/reference",
        help="what load_policy takes; before training it is π_ref, too",
    )
    add("--pairs", default="bundled", help="what load_pairs takes")
    add("--split", default="train", help="of the pairs, to train on")
    add("--held-out", metavar="SPLIT", help="of the pairs, to evaluate on")
    add("--first", type=int, metavar="N", help="only the first N pairs of each split")
    add("--out", type=Path, default=Path("build/dpo"), help="folder for the trained policy (%(default)s)")
    add("--eval-every", type=int, metavar="N", help="steps between evaluations")
    add("--drop-bad", action="store_true", help="leave out pairs that cannot be used")
    add("--fresh", action="store_true", help="start anew, even where a run in --out was stopped")
    for field in fields(Settings):
        option, kind = f"--{field.name.replace('_', '-')}", type(field.default)
        add(option, type=kind, default=field.default, help="(%(default)s)")
    given = vars(parser.parse_args(arguments))
    if given["first"] is not None and given["first"] < 1:
        parser.error(f"argument --first: at least 1 pair, not {given['first']}")
    if {"ACCELERATE_USE_CPU", "MASTER_PORT"} <= set(os.environ) and "RANK" not in os.environ:
        print(
            "accelerate's --cpu starts one process; --multi_gpu starts several, on CPUs too", file=sys.stderr
        )

    def rows(split: str):
        data = load_pairs(given["pairs"], split=split, drop_bad=given["drop_bad"])
        return data.select(range(min(given["first"] or len(data), len(data))))

    names = ["eval_every", "drop_bad", "fresh", *(field.name for field in fields(Settings))]
    options = {name: given[name] for name in names} | {"folder": given["out"]}
    held_out = rows(given["held_out"]) if given["held_out"] else ()
    try:
        history = train_dpo(load_policy(given["model"]), rows(given["split"]), held_out, **options)
    except KeyboardInterrupt as stopped:
        print(stopped, file=sys.stderr)
        return 130
    if PartialState().is_main_process:
        print(history.groupby("split").tail(1).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
