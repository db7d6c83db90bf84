"""The reference pages of the book: every room of the package, in floor order, from its docstrings.

Docstrings here are plain text: paragraphs, `code`, lists, and indented blocks that stand as they are.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pedagogy

BEFORE, AFTER = " \n(:", " \n,.;:)"  # what may stand beside code or stress; beside others they want "\\ "
ROOMS = {  # page -> its title and modules, from the ground up, as in pedagogy's docstring
    "feedback": (
        "Preference data",
        ("feedback", "feedback.schemas", "feedback.validation", "feedback.auditing", "feedback.repair"),
    ),
    "orders": ("Orders and utilities", ("orders", "utility")),
    "logprobs": ("Log-probabilities", ("logprobs", "slips", "packing", "trees", "tiles")),
    "policy": ("Policies", ("policy", "encoding", "loading", "sampling")),
    "mdp": ("The model as an MDP", ("mdp", "rollouts")),
    "dpo": ("DPO", ("losses", "references", "training", "thrift", "pairs", "dpo", "enumerated")),
    "annotations": ("A learner's own preferences", ("annotations", "records", "raters")),
    "plots": ("Figures", ("plots",)),
    "checks": (
        "Self-checks and exercises",
        (
            "exercises",
            "checks",
            "checks.finding",
            "checks.preferences",
            "checks.orders",
            "checks.feedback",
            "checks.mdp",
            "checks.sequences",
            "checks.logprobs",
            "checks.dpo",
        ),
    ),
    "widgets": (
        "Widgets",
        tuple(
            f"widgets.{name}"
            for name in ("gap", "order_builder", "pareto", "rows", "desk", "stepper", "live")
        ),
    ),
}


def pages() -> dict[str, str]:
    """docname -> reStructuredText: one page a room, and an index with every public name."""
    made = {f"api/{name}": _room(title, modules) for name, (title, modules) in ROOMS.items()}
    made["api/index"] = _index()
    return made


def home(name: str) -> str:
    """The full name under which a public name of `pedagogy` is documented."""
    thing = getattr(pedagogy, name)
    return f"{thing.__module__}.{thing.__qualname__}"


def public(module: str) -> list[str]:
    """The public names that are at home in this module of the package, in their order there."""
    return [name for name in pedagogy._HOME if home(name).rpartition(".")[0] == f"pedagogy.{module}"]


def _room(title: str, modules: tuple[str, ...]) -> str:
    parts = [_heading(title, "=")]
    for module in modules:
        import_module(f"pedagogy.{module}")  # a wrong name fails here, not as a warning later
        parts += [_heading(f"pedagogy.{module}", "-"), f".. automodule:: pedagogy.{module}\n   :members:\n"]
    return "\n".join(parts)


def _index() -> str:
    """The rooms, and every public name with the first line of what it does."""
    parts = [_heading("The companion package", "=")]
    parts.append("After ``import pedagogy as pg`` these names are there; the rooms below have more.\n")
    for page, (title, modules) in ROOMS.items():
        names = [name for module in modules for name in public(module)]
        if names:
            parts += [_heading(title, "-"), f"More on the page :doc:`{page}`.\n"]
            parts.append(_table(names))
    contents = "".join(f"\n   {page}" for page in ROOMS)
    parts.append(f".. toctree::\n   :hidden:\n{contents}\n")
    return "\n".join(parts)


def _table(names: list[str]) -> str:
    rows = [
        ".. list-table::",
        "   :header-rows: 1",
        "   :widths: 30 70",
        "",
        "   * - name",
        "     - what it is",
    ]
    for name in names:
        first = " ".join(inspect.getdoc(getattr(pedagogy, name)).split("\n\n")[0].split())
        rows += [f"   * - :py:obj:`pg.{name} <{home(name)}>`", f"     - {' '.join(_text([first]))}"]
    return "\n".join(rows) + "\n"


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def as_rst(docstring: list[str]) -> list[str]:
    """The lines of a plain-text docstring as reStructuredText that looks the same."""
    made: list[str] = []
    for block in re.split(r"\n\s*\n", "\n".join(docstring).strip("\n")):
        lines = [line.rstrip() for line in block.split("\n") if line.strip()]
        while lines:
            kind = _kind(lines[0])
            count = next((i for i, line in enumerate(lines) if _kind(line) != kind and i), len(lines))
            if kind == "item":  # its continuation is indented
                count = next(
                    (i for i, line in enumerate(lines) if i and not line.startswith(" ")), len(lines)
                )
                made += _text(lines[:count]) if count == 1 else _items(lines[:count])
            elif kind == "as it stands":
                made += ["::", "", *(f"    {line}" for line in lines[:count])]
            else:
                made += _text(lines[:count])
            made.append("")
            lines = lines[count:]
    return made


def _kind(line: str) -> str:
    return "as it stands" if line.startswith((" ", ">>>")) else "item" if re.match(r"[-*] ", line) else "text"


def _items(lines: list[str]) -> list[str]:
    """One item of a list over several lines."""
    first, *rest = (line.strip() for line in lines)
    return ["- " + " ".join(_text([first[2:], *rest]))]


def _text(lines: list[str]) -> list[str]:
    """Lines of a paragraph: `code` and *stress* stay what they are, everything else is taken literally."""
    if _kind(lines[0]) == "item":
        return ["- " + " ".join(_text([lines[0][2:]]))]
    parts = re.split(
        r"(``[^`\s][^`]*``|`[^`\s][^`]*`|(?<![\w*])\*\w(?:[^*]*\w)?\*(?![\w*]))", "\n".join(lines)
    )
    code = [part if part[0] == "*" else f"``{' '.join(part.strip('`').split())}``" for part in parts[1::2]]
    plain = [re.sub(r"([\\*_|`<>])", r"\\\1", part) for part in parts[::2]]
    joined = plain[0]
    for some_code, after in zip(code, plain[1:], strict=True):
        before = "" if not joined or joined[-1] in BEFORE else r"\ "
        joined += before + some_code + (after if not after or after[0] in AFTER else r"\ " + after)
    return joined.split("\n")
