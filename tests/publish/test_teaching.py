"""The teaching guide's plans: sections that exist, no longer than their notes say, sums that are right."""

import re
from collections import defaultdict
from collections.abc import Iterator

import nbformat
import pytest

from pedagogy.publish import slides
from pedagogy.publish.execute import ROOT, course

NOTES = {path.stem[:2]: {note.title: note.minutes for note in slides.read_notes(path)} for path in course()}


def tables() -> Iterator[list[dict[str, str]]]:
    """Each table of the page as rows, a dictionary by column."""
    page = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        head, _, *rows = (
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()
        )
        yield [dict(zip(head, row, strict=True)) for row in rows]


def with_columns(*names: str) -> list[list[dict[str, str]]]:
    return [rows for rows in tables() if set(names) <= rows[0].keys()]


def test_each_notebook_has_its_own_minutes():
    (rows,) = with_columns("what it is for")
    told = {re.search(r"\w+\.ipynb", row["notebook"])[0]: int(row["minutes"]) for row in rows}
    stated = {path.name: slides.title_and_minutes(nbformat.read(path, as_version=4))[1] for path in course()}
    assert told == stated


@pytest.mark.parametrize("rows", with_columns("deck", "section"), ids=["one", "two-first", "two-second"])
def test_a_lecture_is_made_of_sections_and_lasts_50_minutes(rows):
    *parts, last = rows
    spent = defaultdict(int)
    for row in parts:
        spent[row["deck"], row["section"]] += int(row["minutes"])
    for (deck, section), minutes in spent.items():
        assert section in NOTES[deck], f"{deck} has no section {section!r}"
        assert minutes <= NOTES[deck][section], f"{deck}, {section}: the notes have fewer minutes"
    assert list(spent) == sorted(spent, key=lambda part: (part[0], list(NOTES[part[0]]).index(part[1])))
    assert last["section"] == "**total**" and last["minutes"] == "**50**" and sum(spent.values()) == 50


def test_the_week_has_all_notebooks_and_its_sums_are_right():
    (rows,) = with_columns("day", "in class")
    stated = {deck: sum(notes.values()) for deck, notes in NOTES.items()}
    decks = [re.findall(r"\b0\d\b", row["in class"]) for row in rows[:-1]]
    assert sorted(sum(decks, [])) == sorted(stated)
    assert [int(row["minutes"]) for row in rows[:-1]] == [sum(map(stated.get, day)) for day in decks]
    assert rows[-1]["minutes"] == f"**{sum(stated.values())}**"
