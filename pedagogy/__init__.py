"""Companion package of a course on preference data and DPO. Names load on first use: importing is quick."""

from importlib import import_module

_HOME = {
    "load_policy": "policy",
    "Policy": "policy",
    "sequence_logprobs": "logprobs",
    "load_feedback": "feedback",
    "load_pairs": "feedback",
    "binarize": "feedback",
    "aspect_scores": "feedback",
    "overall_scores": "feedback",
    "PreferenceOrder": "orders",
    "OrderError": "orders",
    "Witness": "orders",
    "pareto": "orders",
    "product_order": "orders",
    "lexicographic": "orders",
    "weighted_sum": "orders",
    "best": "orders",
    "compare_scores": "orders",
    "rival_choices": "orders",
    "rival_pairs": "orders",
    "majority": "orders",
    "condorcet_winner": "orders",
    "kendall_tau": "orders",
    "find_utility": "utility",
    "misrepresented": "utility",
    "fit_bradley_terry": "utility",
    "no_finite_fit": "utility",
    "NoFiniteFit": "utility",
    "elo": "utility",
    "check": "checks",
    "check_gap": "checks",
    "check_gamble": "checks",
    "check_triple": "checks",
    "check_monotone": "checks",
    "check_open_pairs": "checks",
    "check_rl_part": "checks",
    "check_closure": "checks",
    "check_relations": "checks",
    "check_extension_count": "checks",
    "check_condorcet": "checks",
    "check_undominated": "checks",
    "check_chained_prob": "checks",
    "GapExplorer": "widgets",
    "OrderBuilder": "widgets",
    "ParetoExplorer": "widgets",
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
