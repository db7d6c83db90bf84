"""The course's macros, from the one file that defines them, for pages that never run its cell."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import nbformat

MACROS = Path(__file__).parents[2] / "Latex_macros.ipynb"
CODE = re.compile(r"^(```|~~~).*?^\1|(?<!`)(`+)(?!`).+?(?<!`)\2(?!`)", re.DOTALL | re.MULTILINE)


@lru_cache
def definitions() -> dict[str, str]:
    r"""name -> TeX, as \def\name{TeX} stands in Latex_macros.ipynb; none takes an argument."""
    (code,) = (cell for cell in nbformat.read(MACROS, as_version=4).cells if cell.cell_type == "code")
    tex = code.outputs[0].data["text/latex"]
    found = dict(re.findall(r"\\def\\([A-Za-z]+)\{(.*)\}\$?$", tex, re.MULTILINE))
    if len(found) != tex.count(r"\def"):
        raise ValueError(rf"{MACROS.name}: a macro is one line, \def\name{{…}}, without arguments")
    return found


def expanded(markdown: str) -> str:
    r"""The text with every macro written out in plain TeX; `code` is left alone.

    For hosts where one cell's definitions do not reach another's formulas.
    """
    kept = 0
    made = []
    for code in CODE.finditer(markdown):
        made += [_expanded(markdown[kept : code.start()]), code[0]]
        kept = code.end()
    return "".join(made) + _expanded(markdown[kept:])


def _expanded(text: str) -> str:
    known = definitions()
    name = re.compile(rf"(\\[A-Za-z]+)?(?<!\\)\\({'|'.join(known)})(?![A-Za-z])")

    def written_out(match: re.Match) -> str:
        before, tex = match[1] or "", known[match[2]]
        return before + (" " if before and tex[0].isalpha() else "") + tex  # \mid\x is \mid x

    while name.search(text):
        text = name.sub(written_out, text)
    return text
