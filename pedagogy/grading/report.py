"""grades.csv, and the report on a class: one HTML page that a lecturer reads first."""

from __future__ import annotations

import csv
import os
from collections import Counter
from html import escape
from pathlib import Path
from statistics import mean, median
from urllib.parse import quote

from .course import Course
from .results import Result

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; }
h1 { font-size: 1.6em; }
h2 { font-size: 1.25em; margin-top: 2em; border-top: 1px solid #bbb; padding-top: .6em; }
table { border-collapse: collapse; width: 100%; margin: .6em 0 1.4em; }
th, td { text-align: left; padding: .3em .7em .3em 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.why { overflow-wrap: anywhere; } ul { margin: 0; padding-left: 1.1em; }
.bar { display: inline-block; height: .8em; background: #0072b2; vertical-align: baseline; }
.scroll { overflow-x: auto; }
"""


def write_csv(results: list[Result], path: Path) -> None:
    """A row a student and assignment; a column an exercise, empty where ungraded or of another assignment."""
    names = list(dict.fromkeys(exercise.name for result in results for exercise in result.exercises))
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".part"), "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["student", "assignment", "total", "of", "status", "reason", *names])
        for result in results:
            points = {exercise.name: exercise.points for exercise in result.exercises}
            fields = [points.get(name) for name in names]
            total = f"{result.total:g}" if result.exercises else ""
            row = [result.student, result.assignment, total, f"{result.of:g}", result.status, result.reason]
            table.writerow(
                [plain(field) for field in [*row, *(None if p is None else f"{p:g}" for p in fields)]]
            )
    os.replace(path.with_suffix(".part"), path)


def plain(text: str | None) -> str | None:
    """Text that a spreadsheet would take for a formula is quoted: a student chose it."""
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text


def write_report(course: Course, results: list[Result], path: Path, left_out: list[str]) -> None:
    """The page: what to look at, then each assignment's distribution and mistakes, then everyone."""
    parts = [_head(results), _left_out(left_out), _to_look_at(course, results)]
    for assignment in dict.fromkeys(result.assignment for result in results):
        parts.append(_assignment(assignment, [r for r in results if r.assignment == assignment]))
    parts.append(_everyone(course, results))
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>The class</title><style>{STYLE}</style></head><body>{"".join(parts)}</body></html>"""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _head(results: list[Result]) -> str:
    students = len({result.student for result in results})
    status = Counter(result.status for result in results)
    waiting = sum(exercise.points is None for result in results for exercise in result.exercises)
    lines = [
        f"{_count(len(results), 'submission')} by {_count(students, 'student')}.",
        f"<b>{_count(status['look'], 'submission')} to look at</b>, listed below with the reasons."
        if status["look"] else "Nothing odd: no submission needs a look.",
        f"{_count(waiting, 'open question')} to be graded by hand: fill in <code>open_questions.csv</code>, "
        "next to this page." if waiting else "No open question waits to be graded.",
    ]  # fmt: skip
    return "<h1>The class</h1>" + "".join(f"<div>{line}</div>" for line in lines)


def _left_out(lines: list[str]) -> str:
    """What lay among the submissions at the last run, and is none."""
    return f"<h2>Not graded</h2>{_list(lines)}" if lines else ""


def _to_look_at(course: Course, results: list[Result]) -> str:
    odd = [result for result in results if result.status == "look"]
    rows = [
        f"<tr>{_who(course, r)}<td class=n>{r.total:g} of {r.of:g}</td>"
        f"<td class=why>{_list([*r.notes, *_odd(r)])}</td></tr>"
        for r in odd
    ]
    head = _heads("student", "assignment", "#points", "why")
    return f"<h2>To look at</h2><table>{head}{''.join(rows)}</table>" if odd else ""


def _odd(result: Result) -> list[str]:
    """The first of several cells that were odd for the same reason says it for all."""
    seen = {}
    for exercise in result.exercises:
        if exercise.odd:
            seen.setdefault("; ".join(exercise.why), []).append(exercise.name)
    return [f"{', '.join(names)}: {why}" for why, names in seen.items()]


def _assignment(name: str, results: list[Result]) -> str:
    totals, of = [result.total for result in results], max(result.of for result in results)
    automatic = sum(e.of for e in results[0].exercises if not e.open) if results[0].exercises else of
    line = (
        f"{_count(len(results), 'submission')}; "
        f"median {median(totals):g}, mean {mean(totals):.1f} of {of:g} points, "
        f"{automatic:g} of which are graded automatically."
    )
    tables = [_histogram(totals, of), _exercises(results), _mistakes(results)]
    return f"<h2>{escape(name)}</h2><div>{line}</div>{''.join(tables)}"


def _histogram(totals: list[float], of: float) -> str:
    """Five bars, as a table: read as well as seen."""
    step, rows = of / 5, []
    for fifth in range(5):
        low, high = fifth * step, (fifth + 1) * step
        count = sum(low <= total < high or (fifth == 4 and total >= high) for total in totals)
        label = f"{low:g} to {'' if fifth == 4 else 'below '}{high:g}"
        rows.append(
            f"<tr><td class=n>{label}</td><td class=n>{count}</td><td>{_bar(count / len(totals))}</td></tr>"
        )
    head = _heads("#points", "#submissions", bars="60%")
    return f"<table>{head}{''.join(rows)}</table>"


def _exercises(results: list[Result]) -> str:
    """How each exercise went."""
    rows, by_name = [], {}
    for result in results:
        for exercise in result.exercises:
            by_name.setdefault(exercise.name, []).append(exercise)
    for name, those in by_name.items():
        graded = [e for e in those if e.points is not None]
        full, none = sum(e.points >= e.of for e in graded), sum(e.points == 0 for e in graded)
        share = mean(e.points / e.of for e in graded) if graded else 0.0
        shown = f"{share:.0%}" if graded else "–"
        rows.append(
            f"<tr><td>{escape(name)}</td><td class=n>{those[0].of:g}</td><td class=n>{full}</td>"
            f"<td class=n>{len(graded) - full - none}</td><td class=n>{none}</td>"
            f"<td class=n>{len(those) - len(graded) or ''}</td><td class=n>{shown}</td>"
            f"<td>{_bar(share)}</td></tr>"
        )
    head = _heads("exercise", "#points", "#all", "#some", "#none", "#to grade", "#mean", bars="25%")
    return f"<table>{head}{''.join(rows)}</table>"


def _mistakes(results: list[Result]) -> str:
    """What the visible checks diagnosed, and which properties lost points, the commonest first."""
    diagnosed, lost = Counter(), Counter()
    for result in results:
        for exercise in result.exercises:
            diagnosed.update(
                {(exercise.name, mistake) for mistake in exercise.mistakes if mistake != "no answer"}
            )
            if not exercise.odd and not exercise.open:
                lost.update({(exercise.name, why) for why in exercise.why})
    return _commonest(
        "The commonest mistakes, as the checks diagnosed them", diagnosed, len(results)
    ) + _commonest("Where points were lost", lost, len(results))


def _commonest(title: str, counts: Counter, submissions: int) -> str:
    rows = [
        f"<tr><td>{escape(name)}</td><td class=why>{escape(what)}</td><td class=n>{count}</td>"
        f"<td>{_bar(count / submissions)}</td></tr>"
        for (name, what), count in counts.most_common(10)
    ]
    head = _heads("exercise", title, "#submissions", bars="20%")
    return f"<table>{head}{''.join(rows)}</table>" if rows else ""


def _everyone(course: Course, results: list[Result]) -> str:
    rows = [
        f"<tr>{_who(course, r)}<td class=n>{r.total:g} of {r.of:g}</td>"
        f"<td>{ {'look': 'to look at', 'open': 'open question to grade'}.get(r.status, r.status) }</td>"
        f"<td class=n>{r.seconds:.0f} s</td></tr>"
        for r in results
    ]
    head = _heads("student (feedback)", "assignment", "#points", "status", "#graded in")
    return f"<h2>Everyone</h2><div class=scroll><table>{head}{''.join(rows)}</table></div>"


def _who(course: Course, result: Result) -> str:
    """The student, linked to the feedback, and the assignment."""
    target = os.path.relpath(course.feedback(result.assignment, result.student), course.grades)
    link = f'<a href="{escape(quote(target))}">{escape(result.student)}</a>'
    return f"<td>{link}</td><td>{escape(result.assignment)}</td>"


def _heads(*names: str, bars: str = "") -> str:
    """A table's first row: `#` before a name puts it over numbers; `bars` is the width of a last column."""
    cells = [f"<th scope=col class=n>{n[1:]}" if n[0] == "#" else f"<th scope=col>{n}" for n in names]
    cells += [f"<th scope=col style='width:{bars}'>share"] if bars else []
    return f"<tr>{''.join(cells)}</tr>"


def _bar(share: float) -> str:
    return f'<span class=bar aria-hidden=true style="width: {100 * min(1.0, share):.0f}%"></span>'


def _list(lines: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number or 'no'} {what}s"
