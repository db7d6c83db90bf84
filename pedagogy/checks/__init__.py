"""Self-checks that diagnose: a wrong answer is compared with the answers that the usual mistakes give.

    pg.check("gap", answer, chosen, rejected)

A check works out the right answer itself, by a path of its own, and says which mistake a wrong answer is an
instance of. It never raises on a wrong answer: being wrong is part of it. One file a notebook.
"""

from __future__ import annotations

from importlib import import_module

from .finding import Finding

_HOME = {  # check_gap lives in logprobs.py, and so on
    "gap": "logprobs",
    "log_ratio_gap": "logprobs",
    "perplexity": "logprobs",
    "temperature": "logprobs",
    "underflow": "logprobs",
    "sequence_logprobs": "sequences",
    "token_logprobs": "sequences",
    "response_mask": "sequences",
    "gamble": "preferences",
    "monotone": "preferences",
    "triple": "preferences",
    "open_pairs": "preferences",
    "rl_part": "preferences",
    "weak_relation": "preferences",
    "reward_for": "preferences",
    "within_prompts": "preferences",
    "state": "mdp",
    "ending": "mdp",
    "returns": "mdp",
    "responses": "mdp",
    "top_p": "mdp",
    "credit": "mdp",
    "bandit": "mdp",
    "value_estimate": "mdp",
    "remembered": "mdp",
    "closure": "orders",
    "relations": "orders",
    "extension_count": "orders",
    "condorcet": "orders",
    "undominated": "orders",
    "chained_prob": "orders",
    "nudge": "orders",
    "covers": "orders",
    "finite_fit": "orders",
    "h4_pairs": "feedback",
    "tie_chance": "feedback",
    "binarizer": "feedback",
    "tens": "feedback",
    "repair_rule": "feedback",
    "bias_evidence": "feedback",
    "leaks": "feedback",
    "length_evidence": "feedback",
    "seeded_pair": "feedback",
    "prompt_split": "feedback",
    "optimum": "dpo",
    "dpo_loss": "dpo",
    "pair_loss": "dpo",
    "pair_weight": "dpo",
    "reward_accuracy": "dpo",
    "first_row": "dpo",
    "beta_order": "dpo",
    "ceiling": "dpo",
}


def check(name: str, answer, *given) -> Finding:
    """Is `answer` right? If not, which mistake is it? The same as check_<name>(answer, *given).

    An answer is a value, or a function that the check then tries on inputs of its own. ValueError where
    there is no check of that name, TypeError where what it needs after the answer is missing.
    """
    if name not in _HOME:
        raise ValueError(f"no check named {name!r}: one of {', '.join(_HOME)}")
    return getattr(import_module(f".{_HOME[name]}", __name__), f"check_{name}")(answer, *given)


def __getattr__(name: str):
    short = name.removeprefix("check_")
    if short == name or short not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[short]}", __name__), name)
