"""Companion package of a course on preference data and DPO. Names load on first use: importing is quick.

Rooms, from the ground up; imports only go down.

    howto/          the simulated world: knowledge, assistants, annotator, judge; how data and models are made
    assets/         what it made: data set, policies, cards
    encoding        a prompt and a response as a tokenizer's ids
    feedback/       preference data: load, validate, audit, binarise, repair
    orders, utility preferences as graphs; when a reward can stand for them; Bradley–Terry
    logprobs        log π(y|x), the plain definition; slips: wrong ones; packing (trees, tiles): fast
    policy          a model and its tokenizer as π (loading, sampling)
    mdp, rollouts   the model as a Gymnasium environment; episodes, returns, values
    dpo             losses, references, training (thrift), pairs: to a trained policy; enumerated: exactly
    annotations     a learner's own preferences (records: the file, raters: agreement)
    plots           arrays in, Axes out
    checks/         self-checks that say which mistake was made, one file a notebook
    widgets/        state in plain Python, a thin view over it
    exercises       what graded notebooks call: commit, reveal, agrees, mark
    grading/        a class of submissions, with nbgrader
    publish/        slides and book, made of the executed notebooks
"""

from importlib import import_module

from . import checks

_HOME = {
    "load_policy": "policy",
    "Policy": "policy",
    "sequence_logprobs": "logprobs",
    "load_feedback": "feedback",
    "load_pairs": "feedback",
    "binarize": "feedback",
    "split_transcripts": "feedback",
    "repair_tens": "feedback.repair",
    "validate": "feedback.validation",
    "audit": "feedback.auditing",
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
    "TokenMDP": "mdp",
    "Trajectory": "rollouts",
    "Value": "rollouts",
    "derived_policy": "rollouts",
    "greedy": "rollouts",
    "prefix_value": "rollouts",
    "replay": "rollouts",
    "returns": "rollouts",
    "rollout": "rollouts",
    "sampler": "rollouts",
    "values_along": "rollouts",
    "pair_logprobs": "packing",
    "dpo_loss": "losses",
    "simpo_loss": "losses",
    "orpo_loss": "losses",
    "train_dpo": "dpo",
    "DPORun": "training",
    "to_trl": "pairs",
    "check": "checks",
    **{f"check_{name}": "checks" for name in checks._HOME},
    "load_annotations": "annotations",
    "to_pairs": "annotations",
    "agreement": "raters",
    "cohen_kappa": "raters",
    "wilson_interval": "raters",
    "AnnotationDesk": "widgets",
    "DPOLive": "widgets",
    "EpisodeStepper": "widgets",
    "GapExplorer": "widgets",
    "OrderBuilder": "widgets",
    "ParetoExplorer": "widgets",
    "RowBrowser": "widgets",
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
