"""Every formula of every notebook renders, with no macros but those of Latex_macros.ipynb.

In JupyterLab macros leak between the notebooks of one tab, and a formula with an error is only red: nobody
notices. So KaTeX (Node.js, tests only) renders each span by itself and names what it does not know.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from pedagogy.publish.execute import NOTEBOOKS, ROOT, course
from pedagogy.publish.macros import CODE, MACROS

HERE = Path(__file__).parent
EXERCISES = sorted((NOTEBOOKS / "exercises" / "source").glob("*/*.ipynb"))  # not what students handed in
EVERY = [MACROS, *course(), *EXERCISES]

MATH = re.compile(
    r"""
      (?<!\\)\$\$(?P<display>.+?)\$\$
    | (?<![\\$])\$(?!\$)(?P<inline>(?:\\.|[^$\\\n]|\n(?!\s*\n))+?)\$(?!\$)
    | \\{1,2}\((?P<round>.+?)\\{1,2}\)
    | \\{1,2}\[(?P<square>.+?)\\{1,2}\]
    | (?P<environment>\\begin\{(?P<name>equation|align|gather)(?P<star>\*?)\}.+?\\end\{(?P=name)(?P=star)\})
    """,
    re.DOTALL | re.VERBOSE,
)


def math_spans(markdown: str) -> list[str]:
    """The TeX of every formula in a markdown cell, as Jupyter finds them: code excepted, `\\$` is a dollar.

    Raises ValueError where a dollar sign has no partner: it is a formula cut off, or wants a backslash.
    """
    text = CODE.sub("", markdown)
    groups = ("display", "inline", "round", "square", "environment")
    spans = [next(m[g] for g in groups if m[g] is not None) for m in MATH.finditer(text)]
    rest = MATH.sub("", text)
    if lone := re.search(r"(?<!\\)\$.{0,60}", rest):
        raise ValueError(f"a $ without its partner: {lone[0]!r} (a price is written \\$5)")
    return spans


def macros() -> str:
    """The TeX definitions that Latex_macros.ipynb was committed with."""
    notebook = nbformat.read(MACROS, as_version=4)
    (code,) = (cell for cell in notebook.cells if cell.cell_type == "code")
    return code.outputs[0].data["text/latex"].strip("$")


@pytest.fixture(scope="session")
def katex():
    """A function (spans, macros) -> one error message or None per span."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node.js with npm is not on this machine: the notebooks' formulas go unchecked")
    if not (HERE / "node_modules" / "katex").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)

    def errors(spans: list[str], macros: str) -> list[str | None]:
        result = subprocess.run(
            ["node", "katex_check.mjs"],
            input=json.dumps({"macros": macros, "spans": spans}),
            cwd=HERE,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return errors


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_formula_renders(path, katex):
    """With the course's macros; exercises, which travel alone, and the table of macros with none."""
    cells = nbformat.read(path, as_version=4).cells
    spans = [(i, s) for i, c in enumerate(cells) if c.cell_type == "markdown" for s in math_spans(c.source)]
    alone = path == MACROS or "exercises" in path.parts
    errors = katex([span for _, span in spans], "" if alone else macros())
    bad = [f"cell {i}: {s!r}: {error}" for (i, s), error in zip(spans, errors, strict=True) if error]
    assert not bad, "\n".join(bad)


def test_the_seed_course_names_and_ours_work(katex):
    used = [
        r"\pi(\y \mid \x) = \prod_\tt \pi(\act_\tt \mid \state_\tt)",
        r"\state_\tp = (\state_\tt, \act_\tt), \quad \x_{(\tt)}, \quad \state^\tp, \quad \stateseq",
        r"\loss = -\E_{(\x, \yw, \yl) \sim \data} \log \sigmoid(\beta(\gap_\theta - \gap_{\mathrm{ref}}))",
        r"\max_{\pitheta} \E_{\y \sim \pitheta}[\reward(\x, \y)] - \beta \KL(\pitheta \,\Vert\, \piref)",
        r"\yw_\tt \beats \yl_\tt, \quad \argmax_{\y \in \vocab} \logp(\y \mid \x)",
    ]
    assert katex(used, macros()) == [None] * len(used)


def test_the_table_lists_every_macro_with_its_meaning():
    table = nbformat.read(MACROS, as_version=4).cells[-1].source
    listed = dict(re.findall(r"^\| `\\(\w+)` \| \$(.+?)\$ \|", table, re.MULTILINE))
    defined = dict(re.findall(r"\\def\\(\w+)\{(.+)\}", macros()))
    assert listed.keys() == defined.keys()
    plain = {name: tex.replace(r"\state", "s") for name, tex in defined.items()} | {"tp": "t+1"}
    assert listed == plain


@pytest.mark.parametrize(
    "span", [r"\frac{1}{", r"\notdefined", "x^2^3", r"\begin{align} x", r"\argmin_x f", "5 % off", r"\x \xx"]
)
def test_the_checker_fails_on_a_bad_formula(span, katex):
    assert katex([span], r"\def\x{x}") != [None]


def test_a_macro_is_known_only_where_it_was_given(katex):
    assert katex([r"\def\mine{x}\mine", r"\mine", r"\pitheta"], "")[1:] != [None, None]
    assert None not in katex([r"\def\mine{x}\mine", r"\mine", r"\pitheta"], "")[1:]


@pytest.mark.parametrize(
    "markdown, spans",
    [
        (r"a $x$ and $$y$$, \$5 to \$6", ["x", "y"]),
        ("`$x$` and ``a ` $b$`` and\n```\n$y$\n```\nthen $z$", ["z"]),
        ("over $a\n+ b$ lines\n\nand $$\nc\n$$", ["a\n+ b", "\nc\n"]),
        (r"\\(p\\) \\[q\\] \(r\) \[s\]", ["p", "q", "r", "s"]),
        (r"costs \$5 and $\$6$", [r"\$6"]),
        ("\\begin{align}a &= b\\end{align}", ["\\begin{align}a &= b\\end{align}"]),
        ("no math, [a link](there)", []),
    ],
)
def test_formulas_are_found_as_jupyter_finds_them(markdown, spans):
    assert math_spans(markdown) == spans


@pytest.mark.parametrize("markdown", ["$x + 1", "a $b$ and $c", "$a\n\nb$", "$$x$"])
def test_a_lone_dollar_is_an_error(markdown):
    with pytest.raises(ValueError, match="without its partner"):
        math_spans(markdown)
