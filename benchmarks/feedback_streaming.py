"""Does memory stay flat while a set as large as UltraFeedback is validated, audited, binarized as a stream?

    python benchmarks/feedback_streaming.py [--rows 6400 64000] [--keep FOLDER]

Writes synthetic files of raw feedback (about 15 kB a row, as UltraFeedback has), and reads each through
`datasets` streaming, every task in a process of its own. "read" does nothing with the rows: what it adds are
the buffers of `datasets`. Memory is the peak of the process less what it held before the task, on Linux. The
file of 64,000 rows takes 1 GB of disk while it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pedagogy as pg
from pedagogy.feedback.schemas import ASPECTS

TASKS = ("read", "validate", "audit", "binarize", "own reader")  # the last: validate, given the path
LETTERS = "etaoinshrdlu"
# Arrow's own allocator keeps what it once had, so that its peak says little of what is held.
ENVIRONMENT = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"}


def synthetic(n: int, seed: int = 0) -> Iterator[dict]:
    """Rows with UltraFeedback's fields and about its lengths: log-normal, the median response 170 words."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(5000)]
    text = " ".join(rng.choices(words, k=200_000))

    def say(median: int, spread: float = 0.8) -> str:
        length = min(20_000, int(6 * median * rng.lognormvariate(0, spread)))
        begin = rng.randrange(len(text) - length)
        return text[begin : begin + length].strip() or "none"

    def completion(model: str) -> dict:
        ratings = {aspect: rng.choice(["1", "2", "3", "4", "5", "5", "N/A"]) for aspect in ASPECTS[:3]}
        notes = {aspect: {"Rating": r, "Rationale": say(25, 0.3)} for aspect, r in ratings.items()}
        notes["helpfulness"] = {"Rating": rng.choice("12345"), "Rationale": say(25, 0.3)}
        for aspect in ASPECTS[2:]:
            notes[aspect] |= {"Type": [rng.choice(["1", "2", "None"])], "Rationale For Rating": say(25, 0.3)}
        return {
            "annotations": notes,
            "custom_system_prompt": say(30, 0.2),
            "model": model,
            "principle": "helpfulness",
            "response": say(170),
            "critique": say(110, 0.4),
            "fine-grained_score": 3.0,
            "overall_score": float(rng.randint(1, 10)),
        }

    for _ in range(n):
        models = [f"model-{rng.randrange(17)}" for _ in range(4)]
        yield {
            "source": "synthetic",
            "instruction": f"{say(70)} {rng.randrange(20 * n)}",
            "models": models,
            "completions": [completion(model) for model in models],
            "correct_answers": ["None"],
            "incorrect_answers": ["None"],
        }


def memory(key: str) -> float:
    """Memory of this process in MB: VmRSS what it holds, VmHWM the most that it held (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def run(task: str, path: str) -> None:
    """One task over one file, in this process; prints its measures as JSON."""
    from datasets import load_dataset

    tasks = {"read": lambda data: data, "validate": pg.validate, "audit": pg.audit, "binarize": pg.binarize}
    tasks["own reader"] = lambda data: pg.validate(path)
    data = load_dataset("json", data_files=path, split="train", streaming=True)
    next(iter(tasks["binarize"](data)))  # imports and first buffers are not counted
    before, start, rows = memory("VmRSS"), time.perf_counter(), 0
    made = tasks[task](data)
    rows = sum(1 for _ in made) if task in ("read", "binarize") else made.rows
    seconds = time.perf_counter() - start
    print(json.dumps({"rows": rows, "seconds": seconds, "added": memory("VmHWM") - before}))


def measure(folder: Path, n: int) -> None:
    path = folder / f"feedback_{n}.jsonl"
    if not path.is_file():
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in synthetic(n))
    size = path.stat().st_size
    print(f"\n{n:,} rows, {size / 1e6:,.0f} MB, {size / n / 1e3:.1f} kB a row")
    print(f"{'task':12}{'rows/s':>10}{'seconds':>10}{'added memory, MB':>19}")
    for task in TASKS:
        command = [sys.executable, __file__, "--task", task, "--file", str(path)]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        r = json.loads(done.stdout.splitlines()[-1])
        assert r["rows"] == n, r
        print(f"{task:12}{n / r['seconds']:10,.0f}{r['seconds']:10.1f}{r['added']:19.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[6_400, 64_000])
    parser.add_argument("--keep", type=Path, help="a folder for the files, which stay there")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        run(given.task, given.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        for n in given.rows:
            measure(given.keep or Path(folder), n)


if __name__ == "__main__":
    main()
