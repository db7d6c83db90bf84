"""Training: its numbers against the plain definition, stopping and going on, bad data, two processes, TRL."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from pedagogy import dpo, references, thrift, training
from pedagogy.dpo import NonFiniteLoss, Settings, to_trl, train_dpo
from pedagogy.feedback.schemas import FeedbackError
from pedagogy.losses import dpo_loss
from pedagogy.packing import pair_logprobs, plain_logprobs
from pedagogy.pairs import encode_pairs
from pedagogy.policy import load_policy
from pedagogy.references import LogprobCache, fingerprint, reference_logprobs
from pedagogy.training import MEASURES, DPORun
from tests.conftest import CONTEXT, make_pairs

SAME = [*MEASURES, "step", "split", "kl", "lr", "grad_norm"]  # all of a row but the time it took

pytestmark = pytest.mark.usefixtures("quick_and_apart")


@pytest.fixture
def fresh(folders):
    """A new policy with the same weights each time, for each kind of model."""
    return lambda kind="llama": load_policy(folders[kind], device="cpu")


@pytest.fixture
def policy(fresh):
    return fresh()


def train(policy, pairs=None, **settings):
    held_out = settings.pop("held_out", make_pairs(6, seed=1))
    return train_dpo(policy, pairs or make_pairs(24), held_out, **{"batch_size": 8, "lr": 1e-3} | settings)


def assert_same(one, other) -> None:
    assert one[SAME].equals(other[SAME])


# Its numbers


@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2"])
def test_it_begins_at_ln_2_and_learns(fresh, kind):
    history = train(fresh(kind), epochs=4, held_out=make_pairs(24))  # the same: what counts is that it moves
    for split in ("train", "held-out"):
        first = history[history.split == split].iloc[0]
        assert first.step == 0 and first.loss == pytest.approx(math.log(2), abs=1e-4)
        assert first.accuracy == 0 and first.margin == pytest.approx(0, abs=1e-4)
    before, after = history[history.split == "held-out"].iloc[[0, -1]].itertuples()
    assert before.kl == 0 < after.kl
    assert after.step == 12 and after.loss < 0.6 and after.accuracy > 0.8
    assert after.margin > 0.1


def test_rows_equal_the_policys_own_scores(policy):
    """log-probs, margin, accuracy and loss of the held-out pairs, from policy.score before and after."""
    pairs = make_pairs(6, seed=1)

    def scores():
        each = [[policy.score(p["prompt"], p[side]).total for side in ("chosen", "rejected")] for p in pairs]
        return np.array(each)

    before = scores()
    last = train(policy, held_out=pairs, beta=0.3).iloc[-1]
    after = scores()
    h = (after - before) @ [1, -1]
    assert last.chosen_logp == pytest.approx(after[:, 0].mean(), abs=1e-3)
    assert last.rejected_logp == pytest.approx(after[:, 1].mean(), abs=1e-3)
    assert last.margin == pytest.approx(0.3 * h.mean(), abs=1e-3)
    assert last.accuracy == pytest.approx((h > 0).mean())
    assert last.loss == pytest.approx(np.log1p(np.exp(-0.3 * h)).mean(), abs=1e-3)


def test_steps_equal_a_loop_written_out(fresh):
    """The plain path, the loss by its formula, AdamW and clipping as torch has them: the same losses."""
    pairs, policy = make_pairs(24), fresh()
    history = train(fresh(), pairs, held_out=(), warmup=0.5)
    run = DPORun(fresh(), pairs, settings=Settings(batch_size=8, lr=1e-3, warmup=0.5))
    model, trees = policy.model, [pair.ids for pair in encode_pairs(policy, pairs)]
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    with torch.no_grad():
        ref = plain_logprobs(model, trees)
    rates = [1e-3 * 2 / 3, 1e-3, 1e-3 * 2 / 3]  # warm-up over 1.5 steps of 3, then down to 0
    for step, row in enumerate(history.itertuples()):
        batch = run.batch(step)
        logps = plain_logprobs(model, [trees[i] for i in batch])
        h = (logps - ref[batch]) @ torch.tensor([1.0, -1.0])
        loss = -F.logsigmoid(0.1 * h).mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        optimizer.step()
        optimizer.zero_grad()
        assert row.lr == pytest.approx(rates[step])
        assert row.loss == pytest.approx(loss.item(), abs=1e-4)
        assert row.grad_norm == pytest.approx(norm.item(), rel=1e-3)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_thrift_with_memory_changes_no_number(fresh, kind, monkeypatch):
    usual, runs = train(fresh(kind)), []
    monkeypatch.setattr(training, "thrifty", lambda model: runs.append(1) or thrift.thrifty(model))
    monkeypatch.setattr(thrift, "LARGE", 0)
    assert_same(usual, train(fresh(kind)))
    assert runs


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 99))
def test_every_epoch_has_every_pair_once_in_an_order_of_its_own(n, batch_size, seed):
    run = DPORun.__new__(DPORun)
    run.pairs, run.settings = [None] * n, Settings(batch_size=batch_size, seed=seed)
    run.steps_per_epoch = math.ceil(n / batch_size)
    epochs = []
    for epoch in range(2):
        steps = range(epoch * run.steps_per_epoch, (epoch + 1) * run.steps_per_epoch)
        batches = [run.batch(step) for step in steps]
        epochs.append([i for batch in batches for i in batch])
        assert sorted(epochs[-1]) == list(range(n)) and max(map(len, batches)) <= batch_size
        assert max(map(len, batches)) - min(map(len, batches)) <= 1
    assert n < 12 or epochs[0] != epochs[1]


def test_the_seed_decides(fresh):
    one, again, other = (train(fresh(), seed=seed) for seed in (0, 0, 1))
    assert_same(one, again)
    assert not one[SAME].equals(other[SAME])


@pytest.mark.parametrize(
    "settings",
    [{"loss_type": "ipo"}, {"loss_type": "hinge"}, {"loss_type": "robust", "label_smoothing": 0.2}],
)
def test_the_other_losses_learn_too(policy, settings):
    history = train(policy, epochs=3, beta=0.1, **settings)
    assert history.iloc[-1].margin > 0.1


def test_kl_is_the_kl(policy, fresh, monkeypatch):
    """Of one token, it is a sum over the vocabulary, with nothing sampled."""
    monkeypatch.setattr(training, "KL_TOKENS", 1)
    held_out = make_pairs(3, seed=1)
    run = DPORun(policy, make_pairs(24), held_out, Settings(batch_size=8, lr=2e-3, epochs=3))
    run.begin()
    for _ in run.rows():
        pass
    exact = []
    for pair in held_out:
        now, before = (p.next_token(pair["prompt"], top_k=None) for p in (policy, fresh()))
        at = dict(zip(before.token_ids, before.logprobs, strict=True))
        terms = zip(now.token_ids, now.probs, now.logprobs, strict=True)
        exact.append(sum(p * (logp - at[i]) for i, p, logp in terms))
    assert np.mean(exact) > 0.01
    assert run.kl() == pytest.approx(np.mean(exact), rel=1e-3)


def test_another_reference(fresh):
    """π_ref need not be where π_θ begins: the loss then begins elsewhere."""
    policy, reference = fresh(), fresh()
    train(reference, epochs=2)
    pairs = make_pairs(6, seed=1)
    first = train(policy, held_out=pairs, reference=reference).iloc[0]
    trees = [pair.ids for pair in encode_pairs(policy, pairs)]
    with torch.no_grad():
        now, ref = plain_logprobs(fresh().model, trees), plain_logprobs(reference.model, trees)
    assert first.loss == pytest.approx(dpo_loss(*now.T, *ref.T).losses.mean().item(), abs=1e-4)
    assert first.margin < -0.05 and first.kl != 0


def test_on_step_sees_every_row_and_can_end_the_run(policy):
    seen = []
    history = train(policy, on_step=lambda row: seen.append(row) or row["step"] == 1)
    assert [row["loss"] for row in seen] == history.loss.tolist()
    assert history.iloc[-1].step == 1 and len(history) == 3  # an evaluation and two steps


# The reference's log-probs


@pytest.fixture
def scored(monkeypatch):
    """How many pairs have been scored for a reference."""
    count = []

    def watch(model, trees, *args):
        count.append(len(trees))
        return pair_logprobs(model, trees, *args)

    monkeypatch.setattr(references, "pair_logprobs", watch)
    return count


def test_reference_logprobs_are_computed_once(policy, fresh, scored):
    trees = [pair.ids for pair in encode_pairs(policy, make_pairs(10))]
    first = reference_logprobs(policy.model, trees)
    with torch.no_grad():
        torch.testing.assert_close(first, plain_logprobs(policy.model, trees), atol=1e-3, rtol=0)
    again = reference_logprobs(fresh().model, trees[::-1])
    swapped = reference_logprobs(fresh().model, [(x, minus, plus) for x, plus, minus in trees])
    assert scored == [10] and torch.equal(again, first.flip(0)) and torch.equal(swapped, first.flip(1))


def test_the_key_changes_with_weights_and_with_text(policy, fresh, scored):
    x, plus, minus = encode_pairs(policy, make_pairs(1))[0].ids
    reference_logprobs(policy.model, [(x, plus, minus)])
    reference_logprobs(policy.model, [(x, plus, [*minus[:-2], minus[-1]])])
    reference_logprobs(policy.model, [([*x, x[-1]], plus, minus)])
    other = fresh()
    with torch.no_grad():
        next(other.model.parameters())[3, 3] += 1e-6
    assert fingerprint(other.model) != fingerprint(policy.model) == fingerprint(fresh().model)
    reference_logprobs(other.model, [(x, plus, minus)])
    assert scored == [1] * 4


def test_a_damaged_cache_is_made_again_and_a_locked_one_is_no_obstacle(policy, scored, monkeypatch, tmp_path):
    trees = [pair.ids for pair in encode_pairs(policy, make_pairs(3))]
    first = reference_logprobs(policy.model, trees)
    path = LogprobCache(policy.model).path
    whole = path.read_bytes()
    for broken in (b"", b"PK\x03\x04 no archive", whole[:-40]):
        path.write_bytes(broken)
        assert torch.equal(reference_logprobs(policy.model, trees), first)
    assert scored == [3] * 4
    for i in range(0, len(whole), 7):  # one byte wrong: zlib, zipfile and numpy complain, each in its way
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 4]) + whole[i + 1 :])
        assert torch.equal(reference_logprobs(policy.model, trees), first)
    (tmp_path / "a file").touch()
    monkeypatch.setenv("PEDAGOGY_CACHE", str(tmp_path / "a file"))
    with pytest.warns(UserWarning, match="not kept"):
        assert torch.equal(reference_logprobs(policy.model, trees), first)


# Stopping and going on


def press_ctrl_c(at: int):
    return lambda row: os.kill(os.getpid(), signal.SIGINT) if row["step"] == at and row["lr"] else None


@pytest.mark.parametrize("at", [0, 2, 4])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_stopped_run_goes_on_to_the_same_numbers(fresh, at, restarted):
    straight, stopped = fresh(), fresh()
    whole = train(straight, epochs=2)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=f"after step {at + 1} of 6"):
        train(stopped, epochs=2, on_step=press_ctrl_c(at))
    assert signal.getsignal(signal.SIGINT) is handler
    stopped = fresh() if restarted else stopped  # Python ended, or the same cell is run again
    seen = []
    rest = train(stopped, epochs=2, on_step=seen.append)
    assert seen[0]["step"] == at + 1
    assert_same(rest, whole)
    for a, b in zip(straight.model.parameters(), stopped.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert len(train(fresh(), epochs=2)) == len(whole)  # the run is over: this one began anew


def test_other_settings_or_data_or_weights_begin_anew(fresh):
    policy = fresh()
    with pytest.raises(KeyboardInterrupt):
        train(policy, on_step=press_ctrl_c(0))
    for other in (train(fresh(), beta=0.2), train(fresh(), make_pairs(23))):
        assert other.iloc[1].step == 0 and other.iloc[1].loss == pytest.approx(math.log(2), abs=1e-4)
    other = fresh()
    with torch.no_grad():
        next(other.model.parameters()).mul_(1.01)
    seen = []
    train(other, on_step=seen.append)
    assert seen[0]["step"] == 0
    seen.clear()
    train(policy, fresh=True, on_step=seen.append)
    assert seen[0]["step"] == 0


@pytest.mark.parametrize("folder", [None, "out"])
def test_another_run_in_between_loses_nothing(fresh, folder, tmp_path):
    """Other weights, with the same pairs and settings, in the same place: both can be gone on with."""
    where, other = {"folder": tmp_path / folder if folder else None}, fresh()
    with torch.no_grad():
        next(other.model.parameters()).mul_(1.01)
    with pytest.raises(KeyboardInterrupt):
        train(fresh(), on_step=press_ctrl_c(1), **where)
    with pytest.raises(KeyboardInterrupt):
        train(fresh(), on_step=press_ctrl_c(0), beta=0.2, **where)
    if folder:
        (tmp_path / folder / "stopped" / "mine.txt").write_text("a learner's own")
    train(other, **where)
    seen = []
    train(fresh(), on_step=seen.append, **where)
    train(fresh(), on_step=seen.append, beta=0.2, **where)
    assert [row["step"] for row in seen if row["split"] == "train"] == [2, 1, 2]
    assert not folder or (tmp_path / folder / "stopped" / "mine.txt").is_file()


def stop(policy, folder) -> Path:
    """A run stopped after its first step; where it is kept."""
    with pytest.raises(KeyboardInterrupt) as stopped:
        train(policy, on_step=press_ctrl_c(0), folder=folder)
    return Path(str(stopped.value).split("kept in ")[1].split(":")[0])


@pytest.mark.parametrize("how", ["cut", "gone"])
@pytest.mark.parametrize("name", ["run.json", "model.safetensors", "optimizer.bin", "ref_logps.npy"])
def test_a_damaged_run_is_named_with_the_remedy(fresh, name, how, tmp_path):
    kept = stop(fresh(), tmp_path)
    whole = (kept / name).read_bytes()
    (kept / name).unlink()
    if how == "cut" or name == "run.json":  # which is the mark of a whole one
        (kept / name).write_bytes(whole[:20])
    with pytest.raises(RuntimeError, match=f"{kept.name} is damaged.*fresh=True"):
        train(fresh(), folder=tmp_path)
    seen = []
    train(fresh(), folder=tmp_path, fresh=True, on_step=seen.append)
    assert seen[0]["step"] == 0


@pytest.mark.parametrize("killed", ["while it is written", "before it has its name"])
def test_killed_while_it_is_saved_a_run_goes_on_from_a_whole_one(fresh, killed, tmp_path):
    kept = stop(fresh(), tmp_path)
    new = kept.with_name(f"{kept.name}.new")
    if killed == "while it is written":
        new.mkdir()
        (new / "model.safetensors").write_bytes(b"half")
    else:
        kept.rename(new)
    seen = []
    train(fresh(), folder=tmp_path, on_step=seen.append)
    assert seen[0]["step"] == 1 and not (tmp_path / "stopped").exists()


def test_a_folder_that_cannot_be_is_said_before_the_first_step(policy, tmp_path):
    (tmp_path / "a file").touch()
    with pytest.raises(FileExistsError):
        train(policy, folder=tmp_path / "a file", on_step=lambda row: pytest.fail("trained"))


# Another reference


def test_the_policy_as_its_own_reference_is_kept_as_it_was(fresh):
    policy = fresh()
    assert_same(train(policy, reference=policy), train(fresh()))


def test_a_reference_with_another_vocabulary_is_refused(fresh):
    with pytest.raises(ValueError, match="another vocabulary"):
        DPORun(fresh(), make_pairs(3), reference=fresh("gpt2"))


def test_a_reference_is_scored_in_the_precision_of_the_run(fresh, monkeypatch):
    from accelerate.state import AcceleratorState

    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        row = train(fresh(), reference=fresh(), fresh=True).iloc[0]
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
    assert row.margin == pytest.approx(0, abs=1e-5)


def test_ctrl_c_waits_for_the_end_of_a_step_and_a_second_one_does_not(policy, monkeypatch):
    presses = []

    def impatient(*args, **kwargs):  # Ctrl-C in the middle of a step
        presses.append(True)
        os.kill(os.getpid(), signal.SIGINT)
        return dpo_loss(*args, **kwargs)

    monkeypatch.setattr(training, "dpo_loss", impatient)
    with pytest.raises(KeyboardInterrupt, match="after step 1"):
        train(policy, held_out=())
    assert len(presses) == 1
    monkeypatch.setattr(training, "fill_rows", lambda trees: [[i] for i in range(len(trees))])
    monkeypatch.setattr(dpo, "PATIENCE", 0.0)
    with pytest.raises(KeyboardInterrupt) as stopped:  # a loss for each pair: the second press is mid-step
        train(policy, held_out=(), fresh=True)
    assert len(presses) == 3 and "after step" not in str(stopped.value)


# What goes wrong


def test_a_loss_that_is_no_number_names_its_pair_and_moves_nothing(policy):
    pairs = make_pairs(24)
    pairs[17]["chosen"] += " ~"
    (bad,) = policy.encoder.text("~")
    assert sum(bad in tree for pair in encode_pairs(policy, pairs) for tree in pair.ids) == 1
    with torch.no_grad():
        policy.model.get_input_embeddings().weight[bad] = torch.nan
    run = DPORun(policy, pairs, settings=Settings(batch_size=24))
    run.begin()
    before = [weight.clone() for weight in policy.model.parameters()]
    with pytest.raises(NonFiniteLoss) as error:
        run.update()
    assert (
        error.value.rows == [17]
        and "row 17" in str(error.value)
        and pairs[17]["prompt"][:8] in str(error.value)
    )
    for old, new in zip(before, policy.model.parameters(), strict=True):
        torch.testing.assert_close(old, new, atol=0, rtol=0, equal_nan=True)
        assert new.grad is None  # nor is half a gradient left for the next step


def test_a_gradient_that_is_no_number_moves_nothing(policy):
    policy.model.lm_head.weight.register_hook(lambda grad: grad * torch.inf)
    before = [weight.clone() for weight in policy.model.parameters()]
    with pytest.raises(NonFiniteLoss, match="gradient") as error:
        train(policy)
    assert len(error.value.rows) == 8
    assert all(torch.equal(old, new) for old, new in zip(before, policy.model.parameters(), strict=True))


GOOD = {"prompt": "How do I boil an egg?", "chosen": "In water.", "rejected": "No."}


@pytest.mark.parametrize(
    "change, words",
    [
        ({"rejected": "In water."}, "rejected.*same response as in chosen.*leave the pair out"),
        ({"rejected": ""}, "rejected"),
        ({"chosen": " \n"}, "chosen"),
        ({"chosen": "egg " * CONTEXT}, f"chosen.*tokens.*holds {CONTEXT}.*longer context"),
        ({"prompt": None}, "prompt"),
        ({"rejected": None}, "rejected"),
    ],
)
def test_bad_pairs_are_named_with_row_and_remedy(policy, change, words):
    pairs = [*make_pairs(2), GOOD | change, GOOD]
    with pytest.raises(FeedbackError, match=f"(?s)row 2.*{words}"):
        train_dpo(policy, pairs)
    with pytest.warns(UserWarning, match="1 unusable pairs left out, 3 kept"):
        encoded = encode_pairs(policy, pairs, drop_bad=True)
    assert [pair.row for pair in encoded] == [0, 1, 3]  # rows are those of the data


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"beta": -1.0}, "beta"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"lr": math.nan}, "lr must be above 0"),
        ({"warmup": 1.0}, "warmup"),
        ({"loss_type": "kto"}, "one of sigmoid"),
    ],
)
def test_settings_are_checked_first(policy, settings, words):
    with pytest.raises(ValueError, match=words):
        train(policy, **settings)


def test_no_pairs_is_an_error(policy):
    with pytest.raises(ValueError, match="no pairs"):
        train_dpo(policy, [])


# What is saved


def test_the_trained_policy_is_saved_whole(policy, tmp_path):
    history = train(policy, folder=tmp_path / "out", beta=0.2)
    files = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "training.json"} <= files
    assert "stopped" not in files and not any(name.endswith((".bin", ".pt", ".pkl")) for name in files)
    about = json.loads((tmp_path / "out" / "training.json").read_text())
    assert about["settings"]["beta"] == 0.2 and about["steps"] == 3 and about["pairs"] == 24
    assert about["last_rows"]["held-out"]["loss"] == history.iloc[-1].loss
    again = load_policy(tmp_path / "out", device="cpu")
    assert again.gap(*GOOD.values()) == pytest.approx(policy.gap(*GOOD.values()), abs=1e-5)


# Programs


def run_python(*arguments: str, processes: int = 1) -> str:
    """What `accelerate launch` prints, on CPUs alone."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    launch = ["-m", "accelerate.commands.launch", "--num_machines", "1", "--mixed_precision", "no"]
    launch += ["--dynamo_backend", "no", "--num_processes", str(processes), "--main_process_port", "0"]
    launch += ["--multi_gpu"] if processes > 1 else ["--cpu"]  # several CPUs are several GPUs to it
    done = subprocess.run(
        [sys.executable, *launch, *arguments], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_two_processes_give_the_losses_of_one(folders, tmp_path):
    rows = [json.dumps(pair) for pair in make_pairs(22)]
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "train.jsonl").write_text("\n".join(rows))
    (tmp_path / "pairs" / "test.jsonl").write_text(rows[0])  # one: the second process has none
    last = {}
    for processes in (1, 2):
        out = tmp_path / str(processes)
        arguments = [
            "--model",
            str(folders["llama"]),
            "--pairs",
            str(tmp_path / "pairs"),
            "--out",
            str(out),
        ]
        arguments += [
            "--beta",
            "0.2",
            "--batch-size",
            "8",
            "--lr",
            "1e-3",
            "--held-out",
            "test",
            "--epochs",
            "2",
        ]
        run_python("-m", "pedagogy.dpo", *arguments, processes=processes)
        about = json.loads((out / "training.json").read_text())
        assert about["processes"] == processes and about["steps"] == 6
        last[processes] = about["last_rows"]
    for split in ("train", "held-out"):
        one, two = last[1][split], last[2][split]
        assert one["loss"] < 0.68
        for name in (*MEASURES, "grad_norm", "kl"):
            assert one[name] == (None if two[name] is None else pytest.approx(two[name], rel=1e-3, abs=1e-3))
    one, two = (load_policy(tmp_path / name, device="cpu") for name in "12")
    assert one.gap(*GOOD.values()) == pytest.approx(two.gap(*GOOD.values()), abs=1e-2)


@pytest.mark.parametrize("first", ["0", "-3"])
def test_the_first_no_pairs_is_refused(first, capsys):
    with pytest.raises(SystemExit):
        dpo.main(["--first", first])
    assert "--first: at least 1" in capsys.readouterr().err


# TRL


def test_to_trl_gives_conversations():
    system = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How?"}]
    assert to_trl([]).column_names == ["prompt", "chosen", "rejected"]
    data = to_trl([GOOD, {"prompt": system, "chosen": "So.", "rejected": "No."}])
    assert data.column_names == ["prompt", "chosen", "rejected"]
    assert data[0]["prompt"] == [{"role": "user", "content": GOOD["prompt"]}]
    assert data[0]["chosen"] == [{"role": "assistant", "content": "In water."}]
    assert data[1]["prompt"] == system and data[1]["rejected"] == [{"role": "assistant", "content": "No."}]
    with pytest.raises(FeedbackError, match="row 1"):
        to_trl([GOOD, GOOD | {"chosen": None}])


@pytest.mark.filterwarnings("ignore")
def test_trl_reads_the_same_numbers_off_the_same_pairs(policy, tmp_path):
    """TRL's tokens, masks and reference log-probs of to_trl(pairs) are ours: nothing is lost on the way."""
    from trl import DPOConfig, DPOTrainer

    pairs = make_pairs(6)
    settings = DPOConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to="none", precompute_ref_log_probs=True,
        per_device_train_batch_size=3,
    )  # fmt: skip
    trainer = DPOTrainer(
        policy.model, args=settings, train_dataset=to_trl(pairs), processing_class=policy.tokenizer
    )
    trees = [pair.ids for pair in encode_pairs(policy, pairs)]
    with torch.no_grad():
        ours = plain_logprobs(policy.model, trees)
    data = trainer.train_dataset
    if "ref_chosen_logps" not in data.column_names:
        data = trainer._precompute_ref_logps(data, "train", 3)
    assert [
        list(row) for row in zip(data["prompt_ids"], data["chosen_ids"], data["rejected_ids"], strict=True)
    ] == [list(tree) for tree in trees]
    theirs = torch.tensor([data["ref_chosen_logps"], data["ref_rejected_logps"]]).T
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)


def test_the_script_for_trl_runs(bundled, tmp_path):
    if bundled.name != "bundled/reference":
        pytest.skip("once is enough")
    settings = "--max_steps 1 --per_device_train_batch_size 2 --logging_steps 1"
    settings += " --report_to none --use_cpu --bf16 false"
    out = run_python("benchmarks/trl_dpo.py", "--output_dir", str(tmp_path), *settings.split())
    assert "'loss': '0.693" in out or "'loss': 0.693" in out
    assert (tmp_path / "model.safetensors").is_file()
