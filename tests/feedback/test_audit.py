"""Reports on whole data sets: every problem of every row is named, and every figure is counted by hand."""

import copy
import gzip
import json
from hashlib import sha256
from pathlib import Path

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pedagogy as pg
from pedagogy.feedback import RAW_FEATURES, FeedbackError, pair_texts
from pedagogy.feedback.schemas import ASPECTS
from pedagogy.feedback.strategies import STRATEGIES

REAL = Path(__file__).parents[3] / "shared" / "real" / "ultrafeedback_pairs_200.jsonl"


def completion(i: int, score: float = 5.0, rating: str = "4") -> dict:
    brief = {"Rating": rating, "Rationale": "Why."}
    typed = {"Type": ["1"], **brief, "Rationale For Rating": "Why."}
    return {
        "annotations": dict(zip(ASPECTS, (brief, dict(brief), typed, dict(typed)), strict=True)),
        "custom_system_prompt": "Be kind.",
        "model": f"model-{i}",
        "principle": "helpfulness",
        "response": f"Answer number {i}.",
        "critique": "Fine.",
        "fine-grained_score": 4.0,
        "overall_score": score,
    }


def good(prompt: str = "How?") -> dict:
    return {
        "source": "sharegpt",
        "instruction": prompt,
        "models": [f"model-{i}" for i in range(4)],
        "completions": [completion(i, 2.0 * i + 1, str(i + 2)) for i in range(4)],
        "correct_answers": ["None"],
        "incorrect_answers": ["None"],
    }


def changed(*path) -> str:
    """A good row as a line, with the last item of `path` where the rest of it leads (... deletes)."""
    row = copy.deepcopy(good())
    *way, last, value = path
    place = row
    for key in way:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(row)


INF, NAN = float("inf"), float("nan")
C, NOTE = "completions", ("completions", 1, "annotations", "honesty")
HONESTY = "completions[1].annotations.honesty"
BROKEN_ROWS = {  # what is wrong: (the line, its field, a part of what is said)
    "cut off": (json.dumps(good())[:200], "(the row)", "line 1, which is no JSON"),
    "no JSON": ("instruction: How?", "(the row)", "no JSON"),
    "two objects": ("{} {}", "(the row)", "Extra data"),
    "single quotes": ("{'instruction': 'How?'}", "(the row)", "no JSON"),
    "a number of 5000 digits": ('{"instruction": ' + "9" * 5000 + "}", "(the row)", "no JSON"),
    "5000 brackets": ("[" * 5000, "(the row)", "no JSON"),
    "a text": ('"How?"', "(the row)", "the text 'How?'"),
    "a number": ("7", "(the row)", "the number 7"),
    "null": ("null", "(the row)", "nothing (null)"),
    "a list": ('["How?"]', "(the row)", "a list"),
    "no instruction": (changed("instruction", ...), "instruction", "no such field"),
    "empty instruction": (changed("instruction", "  "), "instruction", "empty text"),
    "null instruction": (changed("instruction", None), "instruction", "nothing (null)"),
    "instruction a list": (changed("instruction", ["How?"]), "instruction", "a list ['How?']"),
    "half a character": (changed("instruction", "a \ud83d"), "instruction", "half a character"),
    "no completions": (changed(C, ...), C, "no such field"),
    "empty completions": (changed(C, []), C, "an empty list"),
    "completions an object": (changed(C, {"a": 1}), C, "dict"),
    "one completion": (json.dumps(good() | {C: [completion(0)], "models": ["m"]}), C, "1 completion"),
    "a completion a text": (changed(C, 2, "Answer."), "completions[2]", "the text 'Answer.'"),
    "a completion null": (changed(C, 3, None), "completions[3]", "nothing (null)"),
    "response missing": (changed(C, 0, "response", ...), "completions[0].response", "no such field"),
    "response empty": (changed(C, 0, "response", ""), "completions[0].response", "empty text"),
    "response null": (changed(C, 0, "response", None), "completions[0].response", "nothing (null)"),
    "response a number": (changed(C, 0, "response", 4), "completions[0].response", "the number 4"),
    "score null": (changed(C, 2, "overall_score", None), "completions[2].overall_score", "nothing (null)"),
    "score a text": (changed(C, 2, "overall_score", "7"), "completions[2].overall_score", "7 without"),
    "score a word": (changed(C, 2, "overall_score", "N/A"), "completions[2].overall_score", "the text 'N/A'"),
    "score true": (changed(C, 2, "overall_score", True), "completions[2].overall_score", "truth value"),
    "score not a number": (changed(C, 2, "overall_score", NAN), "completions[2].overall_score", "nan"),
    "score infinite": (changed(C, 2, "overall_score", INF), "completions[2].overall_score", "inf"),
    "score too high": (changed(C, 2, "overall_score", 11), "completions[2].overall_score", "from 1 to 10"),
    "score too low": (changed(C, 2, "overall_score", 0.5), "completions[2].overall_score", "from 1 to 10"),
    "score enormous": (changed(C, 2, "overall_score", 10**400), "completions[2].overall_score", "usual size"),
    "mean off its scale": (
        changed(C, 2, "fine-grained_score", 9.5), "completions[2].fine-grained_score", "from 1 to 5",
    ),
    "no annotations": (changed(C, 1, "annotations", ...), "completions[1].annotations", "no such field"),
    "annotations a list": (changed(C, 1, "annotations", []), "completions[1].annotations", "a list []"),
    "no honesty": (changed(*NOTE, ...), HONESTY, "no such field"),
    "honesty null": (changed(*NOTE, None), HONESTY, "nothing (null)"),
    "rating missing": (changed(*NOTE, "Rating", ...), f"{HONESTY}.Rating", "no such field"),
    "rating null": (changed(*NOTE, "Rating", None), f"{HONESTY}.Rating", "nothing (null)"),
    "rating a number": (changed(*NOTE, "Rating", 5), f"{HONESTY}.Rating", "make it text"),
    "rating too high": (changed(*NOTE, "Rating", "6"), f"{HONESTY}.Rating", "from 1 to 5, or 'N/A'"),
    "rating a word": (changed(*NOTE, "Rating", "good"), f"{HONESTY}.Rating", "'good'"),
    "rating empty": (changed(*NOTE, "Rating", ""), f"{HONESTY}.Rating", "empty text"),
    "type a text": (
        changed(C, 1, "annotations", "helpfulness", "Type", "1"),
        "completions[1].annotations.helpfulness.Type", "make it a list of texts",
    ),
    "models a text": (changed("models", "gpt-4"), "models", "make it a list of texts"),
    "a model too few": (changed("models", ["a", "b", "c"]), "models", "3 models for 4 completions"),
    "critique a list": (changed(C, 0, "critique", ["Fine."]), "completions[0].critique", "make it text"),
    "never rated": (
        json.dumps(good() | {C: [*good()[C][:3], completion(3, rating="N/A")]}),
        "completions[3].annotations", "no rating that is a number",
    ),
}  # fmt: skip
BAD_BYTES = json.dumps(good()).encode().replace(b"How?", b"\xff\xfe")


def interleaved(tmp_path) -> tuple[Path, dict[int, str]]:
    """A file with a good row before each broken one, and {row: its kind}; blank lines do not count."""
    lines, kinds = [], {}
    for i, (kind, (line, _, _)) in enumerate(BROKEN_ROWS.items()):
        lines += [json.dumps(good(f"How {i}?")), line]
        kinds[2 * i + 1] = kind
    path = tmp_path / "broken.jsonl"
    path.write_bytes("\n\n".join(lines).encode() + b"\n" + BAD_BYTES + b"\n")
    return path, kinds


def test_every_broken_row_of_a_file_is_reported_with_row_and_field(tmp_path):
    path, kinds = interleaved(tmp_path)
    assert len(kinds) >= 30
    report = pg.validate(path)
    assert report.form == "raw feedback" and report.rows == 2 * len(kinds) + 1
    found = {problem.row: problem for problem in report}
    assert len(report) == len(found) == report.bad_rows == len(kinds) + 1  # each has one, and the bad bytes
    for row, kind in kinds.items():
        _, field, said = BROKEN_ROWS[kind]
        assert found[row].field == field, kind
        assert said in str(found[row]).replace(f"line {2 * row + 1},", "line 1,"), kind
        assert f"broken.jsonl, row {row}, field" in str(found[row])
    last = found[2 * len(kinds)]
    assert last.field == "(the row)" and "'utf-8' codec can't decode" in last.found


def test_drop_bad_leaves_out_what_can_not_be_read_too(tmp_path):
    path, _ = interleaved(tmp_path)
    with pytest.warns(UserWarning, match="rows with problems left out"):
        feedback = pg.load_feedback(path, drop_bad=True)
    assert set(feedback["instruction"]) >= {f"How {i}?" for i in range(len(BROKEN_ROWS))}
    stream = pg.load_feedback(path, drop_bad=True, streaming=True)
    equal = [[row for row in data if "NaN" not in json.dumps(row)] for data in (stream, feedback)]
    assert equal[0] == equal[1]  # NaN is not equal to itself
    with pytest.warns(UserWarning, match="rows with problems left out"):
        assert not [p for p in pg.validate(pg.load_pairs(path, drop_bad=True)) if "score" not in p.field]


def test_a_list_a_stream_and_a_gzipped_file_give_the_same_report(tmp_path):
    readable = [json.loads(line) for line, field, _ in BROKEN_ROWS.values() if field != "(the row)"]
    expected = [(p.row, p.field, p.found) for p in pg.validate(readable)]
    assert len(expected) == len(readable) >= 30
    path = tmp_path / "same.json.gz"
    path.write_bytes(gzip.compress(json.dumps(readable).encode()))
    stream = datasets.IterableDataset.from_generator(lambda: iter(readable))
    for source in (path, str(path), stream, iter(readable)):
        assert [(p.row, p.field, p.found) for p in pg.validate(source)] == expected


def test_all_problems_of_a_row_are_reported_not_only_the_first():
    row = good() | {"instruction": "", "models": None}
    row[C][0]["overall_score"], row[C][3]["response"] = 12, None
    report = pg.validate([good(), row])
    assert [(p.row, p.field) for p in report] == [
        (1, "instruction"), (1, "completions[0].overall_score"), (1, "completions[3].response"),
    ]  # fmt: skip
    assert report.bad_rows == 1 and report.total == 3
    assert report.by_field["completions[·].overall_score"] == 1


PAIR = {"prompt": "Hi", "chosen": "Hello!", "rejected": "?", "score_chosen": 8.0, "score_rejected": 2.0}
ASK, SAY = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}
BROKEN_PAIRS = {
    "prompt missing": ({"prompt": ...}, "prompt"),
    "prompt empty": ({"prompt": ""}, "prompt"),
    "rejected missing": ({"rejected": ...}, "rejected"),
    "rejected empty": ({"rejected": " \n"}, "rejected"),
    "chosen null": ({"chosen": None}, "chosen"),
    "no messages": ({"chosen": []}, "chosen"),
    "no role": ({"chosen": [ASK, {"content": "Hello!"}]}, "chosen[1].role"),
    "an unknown role": ({"chosen": [ASK, {**SAY, "role": "gpt"}]}, "chosen[1].role"),
    "an unknown role on the way": (
        {key: [{**SAY, "role": "bot"}, ASK, SAY] for key in ("chosen", "rejected")}, "chosen[0].role",
    ),
    "ends with the user": ({"chosen": [ASK, SAY, ASK]}, "chosen[2].role"),
    "another prompt": ({"chosen": [{**ASK, "content": "Bye"}, SAY]}, "chosen[0].content"),
    "another context": ({"rejected": [ASK, SAY, ASK, SAY]}, "rejected"),
    "score a text": ({"score_chosen": "8"}, "score_chosen"),
    "score infinite": ({"score_rejected": float("-inf")}, "score_rejected"),
    "score not a number": ({"score_chosen": float("nan")}, "score_chosen"),
    "the wrong way round": ({"score_chosen": 1.0}, "score_chosen"),
    "score below metadata": ({"score_chosen": ..., "metadata": {"score_chosen": "high"}}, "score_chosen"),
    "prompt_id a number": ({"prompt_id": 7}, "prompt_id"),
    "messages a text": ({"messages": "Hi"}, "messages"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN_PAIRS)
def test_broken_pairs_are_reported(kind):
    change, field = BROKEN_PAIRS[kind]
    row = {key: value for key, value in (PAIR | change).items() if value is not ...}
    report = pg.validate([PAIR, row])
    assert report.form == "pairs" and {problem.row for problem in report} == {1}
    assert field in [problem.field for problem in report]


def test_a_row_of_another_form_is_a_problem_of_that_row():
    assert [p.row for p in pg.validate([good(), PAIR, good()])][0] == 1
    assert {p.field for p in pg.validate([PAIR, good()])} == {"prompt", "chosen", "rejected"}


def test_data_without_problems_loads_and_binarizes_by_every_strategy(tmp_path):
    """And what has some of each kind is refused by one of them, at the first such row."""
    path = tmp_path / "fine.jsonl"
    rows = [good(f"How {i}?") for i in range(3)]
    rows[1][C][2]["annotations"]["honesty"]["Rating"] = "N/A"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert not pg.validate(path) and "no problems" in str(pg.validate(path))
    feedback = pg.load_feedback(path)
    assert not pg.validate(feedback) and not pg.validate(pg.load_pairs(path))
    for strategy in STRATEGIES:
        margin = {"margin": 2} if strategy == "margin" else {}
        assert not pg.validate(pg.binarize(feedback, strategy=strategy, **margin))
    for kind in ("score null", "one completion", "never rated", "response empty", "cut off", "no honesty"):
        path.write_text(BROKEN_ROWS[kind][0])
        with pytest.raises(FeedbackError):
            for strategy in ("h4", "argilla"):
                pg.binarize(pg.load_feedback(path), strategy=strategy)


@pytest.mark.parametrize("kind", ["cut.jsonl.gz", "cut.parquet", "cut.json"])
def test_where_reading_must_stop_the_report_says_at_which_row(tmp_path, kind):
    rows = [good(f"How {i}? {i**50}") for i in range(800)]
    path = tmp_path / kind
    if kind.endswith("parquet"):
        datasets.Dataset.from_list(rows).to_parquet(path)
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2 : len(whole) // 2 + 3000] = bytes(3000)  # the footer stays
        path.write_bytes(whole)
    elif kind.endswith("gz"):
        whole = gzip.compress("\n".join(map(json.dumps, rows)).encode())
        path.write_bytes(whole[: len(whole) // 2])
    else:
        path.write_text(json.dumps(rows)[:-900])
    report = pg.validate(path)
    assert 0 <= report.rows <= 800 and len(report) == 1
    assert report[0].row <= report.rows
    if kind != "cut.parquet":
        assert report.rows > 100 and report[0].row >= report.rows - 1
    if report[0].field == "(file)":
        assert "whole" in report[0].remedy
        for given in ({"source": path}, {"source": rows, "other": path}):
            with pytest.raises(FeedbackError, match="whole"):
                pg.audit(**given)


def test_a_json_list_is_read_item_by_item(tmp_path):
    """Across block borders, numbers cut in half, and with any white space."""
    items = [good(f"How {'é' * i}?") for i in range(60)] + [12345678, "a]b,c", []]
    for text in (
        json.dumps(items),
        json.dumps(items, indent=2, ensure_ascii=False),
        f" \n{json.dumps(items)}\n",
    ):
        path = tmp_path / "list.json"
        path.write_text(text, encoding="utf-8")
        assert list(pg.feedback.File(path)) == items


def test_problems_beyond_the_limit_are_counted():
    report = pg.validate([{"instruction": ""}] * 50, limit=7)
    assert len(report) == 7 and report.bad_rows == report.rows == 50 and report.total > 50
    assert "limit=" in str(report)


def test_a_report_is_a_list_a_table_and_a_page():
    report = pg.validate([good(), good() | {"instruction": 3, "source": ["<script>"]}])
    table = report.to_pandas()
    assert list(table.columns) == ["row", "field", "found", "remedy"] and len(table) == len(report) == 2
    assert list(table["row"]) == [1, 1] and list(table["field"]) == ["source", "instruction"]
    assert "2 problems in 1 rows" in str(report) and "row 1, field 'instruction'" in repr(report)
    page = report._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert len(pg.validate([good()]).to_pandas()) == 0


@pytest.mark.parametrize("text", ["", "\n \n", "[]", " [ ] \n"])
def test_no_rows_are_a_problem_too(tmp_path, text):
    path = tmp_path / "none.json"
    path.write_text(text)
    (problem,) = pg.validate(path)
    assert problem.found == "no rows"
    with pytest.raises(FeedbackError, match="no rows"):
        pg.load_feedback(path)


def test_a_list_with_a_broken_item_or_more_after_its_end_is_not_read_in_part(tmp_path):
    rows, path = [json.dumps(good(f"How {i}?")) for i in range(9)], tmp_path / "list.json"
    for text in (
        f"[{rows[0]}, {rows[1][:-5]}, {', '.join(rows[2:])}]",
        f"[{', '.join(rows[:3])}]\n[{', '.join(rows[3:])}]",
        f"[{', '.join(rows)}]" + " " * 100_000 + "x",
    ):
        path.write_text(text)
        assert pg.validate(path)[-1].field == "(file)"
        with pytest.raises(FeedbackError, match="no JSON from here on|after the end of the list"):
            pg.load_feedback(path, drop_bad=True)
    path.write_text(f"[{', '.join(rows)}]" + " \n" * 100_000)
    assert len(pg.load_feedback(path)) == 9


def test_a_byte_order_mark_alone_on_its_line_hides_no_rows(tmp_path):
    path = tmp_path / "marked.jsonl"
    path.write_bytes(b"\xef\xbb\xbf\n" + "\n".join(json.dumps(good(f"How {i}?")) for i in range(3)).encode())
    assert len(pg.load_feedback(path)) == 3 and not pg.validate(path)


@pytest.mark.parametrize("columns", [{"s1": "score_choosen"}, ["prompt"]])
def test_columns_that_lead_nowhere_are_refused(tmp_path, columns):
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": "Hi", "chosen": "Hello!", "rejected": "?", "s1": 3}))
    with pytest.raises(FeedbackError, match="field 'columns'"):
        pg.load_pairs(path, columns=columns)


@pytest.mark.parametrize("source", [None, 3, {"train": []}])
def test_what_is_no_data_is_refused(source):
    for report in (pg.validate, pg.audit):
        with pytest.raises(FeedbackError, match="give "):
            report(source)


KEYS = [
    "prompt",
    "chosen",
    "rejected",
    "role",
    "content",
    "completions",
    "instruction",
    "response",
    "annotations",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from(["", "Hi", "\n\nHuman: a", "N/A"])
)
ANY = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=15,
)


@given(st.lists(ANY, max_size=4))
@settings(max_examples=150)
def test_no_rows_whatever_break_a_report(rows):
    """And what has no problem can be loaded; the report of an audit counts every row."""
    report, audit = pg.validate(rows), pg.audit(rows)
    assert report.rows == audit.rows == len(rows)
    assert str(report) and str(audit) and report._repr_html_() and audit._repr_html_()
    assert all(problem.field and problem.found and problem.remedy for problem in report)
    assert {problem.row for problem in report} >= set(audit["unreadable"].rows) if rows else True


# Audits


def pair(chosen="Yes, that is so.", rejected="No.", scores=(8.0, 2.0), prompt="Is it so?") -> dict:
    sides = dict(zip(("score_chosen", "score_rejected"), scores, strict=True))
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, **sides}


def figures(audit) -> dict[str, list[int]]:
    """{figure: rows} of those that found something."""
    return {name: list(figure.rows) for name, figure in audit.figures.items() if figure.count}


def test_figures_of_pairs_can_be_counted_by_hand():
    rows = [
        pair(prompt="a"),
        pair(prompt="b", scores=(5.0, 5.0)),
        pair(prompt="c", scores=(1.0, 5.0)),
        pair(prompt=" A "),  # as row 0, but for case and spaces
        pair(prompt="d", rejected=" "),
        pair(prompt="e", rejected="Yes, that is so. "),
        pair(prompt="f", scores=(None, None)),
        {"prompt": "g"},
        "no row at all",
    ]
    audit = pg.audit(rows)
    assert audit.rows == 9
    assert figures(audit) == {
        "tied": [1], "chosen_lower": [2], "empty_response": [4], "identical": [5], "unreadable": [7, 8],
        "repeated_prompt": [3],
    }  # fmt: skip
    assert (audit["tied"].count, audit["tied"].of, audit["tied"].share) == (
        1,
        6,
        1 / 6,
    )  # row 6 has no scores
    assert (audit.longer, audit.shorter) == (6, 0)  # row 5 is as long
    words = audit.lengths["chosen, words"]
    assert (words.n, words.mean, words.quantile(0.5)) == (7, 4, 4)


def test_figures_of_raw_feedback_can_be_counted_by_hand():
    def row(prompt, *given_):
        """given_: (overall_score, rating) a completion"""
        made = [completion(i, score, rating) for i, (score, rating) in enumerate(given_)]
        return good(prompt) | {C: made}

    rows = [
        row("a", (9, "5"), (2, "2")),
        row("b", (9, "5"), (9, "5")),  # all tied
        row("c", (9, "5"), (9, "4"), (1, "1")),  # the best tied
        row("d", (10, "2"), (4, "3")),  # the bug: mean 2
        row("e", (10, "3"), (4, "3")),  # doubtful: mean 3; 10 is 4.5 above the 5.5 that 3 stands for
        row("f", (10, "5"), (4, "3")),
        row("g", (2, "4"), (1, "1")),  # 2 is 5.75 below the 7.75 that 4 stands for
        row("h", (6, "N/A"), (4, "3")),
        row("i", (6, "4"), (4, "3")),
    ]
    rows[8][C][1]["response"] = rows[8][C][0]["response"]
    found = figures(pg.audit(rows))
    assert found == {
        "tied": [1, 2], "all_tied": [1], "false_ten": [3], "doubtful_ten": [4], "far_above": [3, 4],
        "far_below": [6], "not_rated": [7], "identical": [8],
    }  # fmt: skip


@pytest.mark.parametrize("form", ["pairs", "raw feedback"])
def test_prompts_shared_between_splits(form):
    names = ["a", "b", "c", "d"]
    make = (lambda prompt: pair(prompt=prompt)) if form == "pairs" else good
    audit = pg.audit([make(p) for p in names], other=[make("x"), make("C  "), make("a"), make("c")])
    assert audit.form == form
    assert list(audit["shared_prompt"].rows) == [0, 2]
    messages = [{"prompt": "b", "chosen": [{"role": "user", "content": "b"}, SAY], "rejected": "?"}]
    assert list(pg.audit([make(p) for p in names], other=messages)["shared_prompt"].rows) == [1]
    assert "shared_prompt" not in pg.audit([make(p) for p in names]).figures


def test_answers_that_are_the_same_once_cut(policies):
    """By the definition: prompt and answer with EOS in tokens, both cut after n."""
    policy = policies["llama"]
    rows = [
        pair("The sky is blue.", "The sky is red.", prompt="How is the sky?"),
        pair("Blue.", "Red.", prompt="How is the sky?"),
        pair("Blue.", "Blue.", prompt="How is the sky?"),
        pair("A", "B", prompt="How is the sky? " * 20),
    ]
    encode = policy.encoder
    prompts = [encode.prompt(row["prompt"])[0] for row in rows]
    for n in (1, len(prompts[0]), len(prompts[0]) + 1, len(prompts[0]) + 3, 40, 10_000):
        audit = pg.audit(rows, tokenizer=policy, max_tokens=n)
        whole = [
            [x + encode.response(row[side]) for side in ("chosen", "rejected")]
            for row, x in zip(rows, prompts, strict=True)
        ]
        same = [i for i, (a, b) in enumerate(whole) if a[:n] == b[:n]]
        assert list(audit["same_when_cut"].rows) == same and 2 in same
        assert list(audit["cut"].rows) == [i for i, ids in enumerate(whole) if max(map(len, ids)) > n]
    assert audit.lengths["chosen, tokens"].counts.total() == 4
    assert max(audit.lengths["prompt, tokens"].counts) == len(prompts[3])
    assert pg.audit(rows, tokenizer=policy.tokenizer).figures.keys() == pg.audit(rows).figures.keys()


def test_tokens_of_messages_without_a_chat_template_and_of_an_empty_prompt(policies):
    row = {"prompt": [ASK, SAY, ASK], "chosen": [SAY], "rejected": [{**SAY, "content": "?"}]}
    audit = pg.audit([row, pair(prompt="")], tokenizer=policies["gpt2"], max_tokens=50)
    assert min(audit.lengths["prompt, tokens"].counts) == 0 and not audit["same_when_cut"].count


@pytest.mark.parametrize("n", [0, -3, 1.5, "10", True])
def test_max_tokens_must_be_a_number_of_tokens(policies, n):
    if n is not True:
        with pytest.raises(ValueError, match="whole number"):
            pg.audit([PAIR], tokenizer=policies["gpt2"], max_tokens=n)
    with pytest.raises(ValueError, match="max_tokens"):
        pg.audit([PAIR], max_tokens=5)


def test_one_audit_from_every_kind_of_source(tmp_path):
    rows = [good(f"How {i % 5}?") for i in range(12)]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    stored = datasets.Dataset.from_list(rows, features=RAW_FEATURES)
    expected = figures(pg.audit(rows))
    assert expected["repeated_prompt"] == list(range(5, 12))
    for source in (path, stored, stored.to_iterable_dataset(), stored.with_format("numpy"), iter(rows)):
        assert figures(pg.audit(source)) == expected


def test_an_audit_prints_and_makes_tables():
    audit = pg.audit([pair(prompt="<b>"), pair()])
    table, lengths = audit.to_pandas(), audit.lengths_to_pandas()
    assert list(table.columns) == ["meaning", "count", "of", "share", "rows"]
    assert table.loc["tied", "count"] == 0 and table.loc["tied", "of"] == 2
    assert set(lengths["texts"]) == {"prompt, words", "chosen, words", "rejected, words"}
    for word in ("2 rows of pairs", "tied", "chosen, words", "longer"):
        assert word in str(audit) and word in audit._repr_html_()
    assert max(map(len, str(audit).splitlines())) <= 120
    assert "0 rows" in str(pg.audit([])) and len(pg.audit([]).lengths_to_pandas()) == 0
    with pytest.raises(KeyError, match="tied"):
        audit["ties"]


def test_an_audit_escapes_the_name_of_its_source(tmp_path):
    path = tmp_path / "<img>.jsonl"
    path.write_text(json.dumps(PAIR))
    assert "<img>" not in pg.audit(path)._repr_html_() + pg.validate(path)._repr_html_()


# The schema of the real sets, and real rows


def test_the_hubs_raw_set_by_name_is_read_as_a_stream(monkeypatch):
    """openbmb/UltraFeedback as `datasets` gives it: nulls where a JSON file had no field."""
    rows = [good("a"), good("b")]
    rows[1][C][0]["annotations"]["truthfulness"] = {"Rating": "N/A", "Rationale": "", "Type": None}
    rows.append(good("c") | {C: [], "models": []})  # it has such a row
    data = datasets.Dataset.from_list(rows, features=RAW_FEATURES)
    asked = []

    def load(name, split, streaming=False):
        asked.append((name, split, streaming))
        return data.to_iterable_dataset() if streaming else data

    monkeypatch.setattr(datasets, "load_dataset", load)
    name = "openbmb/UltraFeedback"
    assert [(p.row, p.field) for p in pg.validate(name)] == [(2, "completions")]
    assert list(pg.audit(name)["not_rated"].rows) == [1]
    assert asked == [(name, "train", True)] * 2
    with pytest.warns(UserWarning, match="1 rows"):
        feedback = pg.load_feedback(name, drop_bad=True)
    assert len(pg.binarize(feedback)) == len(pg.binarize(feedback, strategy="argilla")) == 2
    stream = pg.load_feedback(name, streaming=True, drop_bad=True)
    assert list(pg.binarize(stream)) == pg.binarize(feedback).to_list()


def test_the_hubs_binarized_set_by_name(monkeypatch):
    rows = [{**PAIR, "prompt_id": "1", "chosen": [ASK, SAY], "rejected": [ASK, {**SAY, "content": ""}]}]
    rows.insert(0, rows[0] | {"rejected": [ASK, {**SAY, "content": "?"}], "messages": [ASK, SAY]})
    data = datasets.Dataset.from_list(rows)
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split, streaming: data.to_iterable_dataset())
    name = "HuggingFaceH4/ultrafeedback_binarized"
    assert [(p.row, p.field) for p in pg.validate(name, "train_prefs")] == [(1, "rejected[1].content")]
    assert list(pg.audit(name, split="train_prefs")["empty_response"].rows) == [1]


@pytest.mark.skipif(not REAL.is_file(), reason="the real pairs are not beside this checkout")
def test_real_pairs_load_validate_audit_and_tokenize(policies):
    lines = [json.loads(line) for line in REAL.read_text(encoding="utf-8").splitlines()]
    pairs = pg.load_pairs(REAL, columns={"metadata.score_chosen": "score_chosen"})  # the one line
    assert len(pairs) == len(lines) and not pg.validate(REAL) and not pg.validate(pairs)
    audit = pg.audit(pairs, tokenizer=policies["gpt2"], max_tokens=512)
    assert figures(audit) == figures(pg.audit(REAL, tokenizer=policies["gpt2"], max_tokens=512))
    scores = [(row["metadata"]["score_chosen"], row["metadata"]["score_rejected"]) for row in lines]
    assert list(audit["tied"].rows) == [i for i, (a, b) in enumerate(scores) if a == b]
    assert list(audit["identical"].rows) == [
        i for i, row in enumerate(lines) if row["chosen"].strip() == row["rejected"].strip()
    ]
    hashes = [sha256(" ".join(row["prompt"].split()).casefold().encode()).digest() for row in lines]
    assert audit["repeated_prompt"].count == len(hashes) - len(set(hashes))
    for row in pairs:
        x, plus, minus = pair_texts(row)
        encoder = policies["gpt2"].encoder
        assert encoder.prompt(x)[0] and len(encoder.response(plus)) > 1 and len(encoder.response(minus)) > 1


def test_other_names_for_the_columns(tmp_path):
    path = tmp_path / "orca.jsonl"
    row = {"question": "Hi", "answers": {"good": "Hello!", "bad": "?"}, "chosen": "unused"}
    path.write_text(json.dumps(row))
    mapping = {"question": "prompt", "answers.good": "chosen", "answers.bad": "rejected"}
    assert pair_texts(pg.load_pairs(path, columns=mapping)[0]) == ("Hi", "Hello!", "?")
    with pytest.raises(FeedbackError, match="row 0, field 'rejected'"):
        pg.load_pairs(path, columns={"question": "prompt", "answers.worse": "rejected"})
