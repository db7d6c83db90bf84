"""How long until a learner sees something: import to first gap, and a round trip of the gap explorer.

    OMP_NUM_THREADS=1 python benchmarks/first_gap.py        # one core, as on a busy laptop

The first part runs in fresh processes, so that nothing is warm but the disk. The second clicks through
pairs that were never scored before: swap in a new answer, guess, reveal, and the whole picture is redrawn.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIRST = """
import time; began = time.perf_counter()
import pedagogy as pg
policy = pg.load_policy(); loaded = time.perf_counter()
gap = policy.gap("How do I change a tire?", "Loosen each lug nut half a turn.", "It depends.")
print(loaded - began, time.perf_counter() - began)
"""
USUAL = """
import time; began = time.perf_counter()
import torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer
print(time.perf_counter() - began)
"""


def seconds(code: str) -> list[float]:
    """What a fresh Python prints when it runs `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def round_trips(n: int = 40) -> list[float]:
    """Seconds from the choice of a new pair to its revealed picture, one core, nothing scored before."""
    import torch

    from pedagogy.widgets import GapExplorer

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        explorer = GapExplorer(picks=Path(folder) / "picks.jsonl")
        return [round_trip(explorer, row) for row in range(1, n + 1)]


def round_trip(explorer, row: int) -> float:
    explorer.row.value = row + 1  # another question, of which nothing is known
    began = time.perf_counter()
    explorer.picked["plus"].value, explorer.picked["minus"].value = "C", "D"
    explorer.guess.value = 1
    explorer.reveal.click()
    took = time.perf_counter() - began
    assert "nats" in explorer.numbers.value, explorer.message.value
    return took


def main() -> None:
    usual = [seconds(USUAL)[0] for _ in range(3)]
    loaded, first = zip(*(seconds(FIRST) for _ in range(3)), strict=True)
    print(f"importing torch and transformers alone: {min(usual):.1f} s (best of 3)")
    print(f"import pedagogy, load the policy:   {min(loaded):.1f} s")
    ratio = min(first) / min(usual)
    print(f"... and the first gap:              {min(first):.1f} s, {ratio:.2f} x the imports alone")
    trips = sorted(round_trips())
    print(
        f"gap explorer, choice to new picture:    median {1000 * statistics.median(trips):.0f} ms, "
        f"slowest {1000 * trips[-1]:.0f} ms over {len(trips)} new pairs"
    )


if __name__ == "__main__":
    main()
