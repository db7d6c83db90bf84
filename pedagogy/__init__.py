"""Companion package of a course on preference data and DPO. Names load on first use: importing is quick."""

from importlib import import_module

_HOME = {
    "load_policy": "policy",
    "Policy": "policy",
    "sequence_logprobs": "logprobs",
    "load_feedback": "feedback",
    "load_pairs": "feedback",
    "binarize": "feedback",
    "check_gap": "checks",
    "GapExplorer": "widgets",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value  # found directly from now on
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
