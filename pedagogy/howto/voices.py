"""The banks of sentences from which assistants and annotators speak (`voices.yaml`), loaded once."""

from __future__ import annotations

from functools import lru_cache

import yaml

from pedagogy.howto.world import HERE


@lru_cache(maxsize=1)
def load_voices() -> dict:
    """Questions, instructions, openers, closers, evasions, boasts, …: see the keys of `voices.yaml`."""
    return yaml.safe_load((HERE / "voices.yaml").read_text("utf-8"))


def listed(items) -> str:
    """'a jack', 'a jack and a wrench', 'a jack, a wrench and a cloth'."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last
