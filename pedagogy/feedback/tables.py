"""Small tables of text, for print and for a page. The first line is the head."""

from __future__ import annotations

from html import escape
from itertools import zip_longest

LEFT = "text-align: left; vertical-align: top"


def text_table(lines: list[list[str]]) -> str:
    """Columns side by side, two blanks between."""
    widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def html_table(lines: list[list[str]], caption: str) -> str:
    """A table with a caption; every text is escaped."""
    title = f'<caption style="{LEFT}; caption-side: top">{escape(caption)}</caption>'
    head = "".join(
        f'<th scope="col" style="{LEFT}">{escape(text)}</th>' for text in (lines[0] if lines else ())
    )
    body = "".join(f"<tr>{''.join(map(_cell, line))}</tr>" for line in lines[1:])
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str) -> str:
    return f'<td style="{LEFT}">{escape(text)}</td>'
