"""Where the course can be opened with one click, once its repository is public.

The repository's address stands in one place, pyproject.toml:

    [project.urls]
    Repository = "https://github.com/OWNER/REPOSITORY"

Change it there, then `python -m pedagogy.publish.launch` puts it into the README; the book and the copies for
Colab read it whenever they are made. Binder reads .binder/ of the repository itself. Colab opens the copies
that `make book` leaves in build/book/colab/, so the book is to be published on the branch `gh-pages`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BRANCH = "gh-pages"  # what GitHub shows as a site: the book, and in it the copies for Colab
LINES = re.compile(r"(?<=<!-- launch links, from pyproject.toml -->\n).*?(?=<!-- end -->)", re.DOTALL)


def address() -> str:
    """The repository's address, https://github.com/OWNER/REPOSITORY. Raises ValueError for any other form."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", urls["Repository"]):
        raise ValueError(
            f"Repository in pyproject.toml is {urls['Repository']!r}; https://github.com/OWNER/NAME?"
        )
    return urls["Repository"]


def is_set() -> bool:
    """Whether the address is a real one yet."""
    return not address().endswith("/OWNER/REPOSITORY")


def binder(notebook: str) -> str:
    """Where a notebook of this name opens on Binder, in JupyterLab."""
    name = address().removeprefix("https://github.com/")
    return f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/notebooks/{notebook}"


def colab(notebook: str) -> str:
    """Where the copy for Colab of a notebook of this name opens."""
    name = address().removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/colab/{notebook}"


def links(path: Path) -> str:
    """The links for one notebook's page; none while there is no address."""
    if not is_set():
        return ""
    on_binder, on_colab = binder(path.name), colab(path.name)
    return f"Or without installing anything: [on Binder]({on_binder}), [on Colab]({on_colab})."


def badges() -> str:
    """The README's two badges, for the first notebook."""
    first = "00_start_here.ipynb"
    return (
        f"[![Open on Binder](https://mybinder.org/badge_logo.svg)]({binder(first)})\n"
        f"[![Open on Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab(first)})\n"
    )


def main() -> int:
    """Put the badges into the README, between its two marks."""
    text = README.read_text(encoding="utf-8")
    README.write_text(LINES.sub(lambda _: badges(), text), encoding="utf-8")
    print(f"README.md: the badges lead to {address()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
