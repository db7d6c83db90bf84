"""From a notebook to a deck: what is split, what is said, and for how long. A browser tests how it looks."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from pedagogy.publish import slides
from pedagogy.publish.execute import course


def cell(source, slide_type, *tags, code=False, **more):
    made = (new_code_cell if code else new_markdown_cell)(source, **more)
    made.metadata = nbformat.from_dict({"slideshow": {"slide_type": slide_type}, "tags": list(tags)})
    return made


def lecture():
    """Macros, title, one section of three slides, one of one."""
    return new_notebook(
        cells=[
            cell("%run", "slide", code=True),
            cell("# Title\n\n**About 7 minutes**", "-"),
            cell("## One", "slide"),
            cell("1", "subslide", code=True),
            cell("### More", "subslide"),
            cell("## Two", "slide"),
        ]
    )


def notes(*minutes):
    titles = ["Title", "One", "Two"]
    return [slides.Note(title, m, f"Say {title}.") for title, m in zip(titles, minutes, strict=False)]


@pytest.mark.parametrize("path", course(), ids=lambda path: path.stem)
def test_the_notes_fit_their_notebook_and_add_up_to_its_minutes(path):
    notebook = nbformat.read(path, as_version=4)
    said = slides.read_notes(path)
    slides.add_notes(notebook, said, slides.title_and_minutes(notebook)[1])  # raises where they do not
    assert all(len(note.text) > 20 for note in said)


def test_the_first_slide_of_a_section_has_its_note_and_each_has_its_time():
    notebook = lecture()
    slides.add_notes(notebook, notes(1, 4, 2), 7)
    said = [c.source for c in notebook.cells if c.metadata.slideshow.slide_type == "notes"]
    assert [text.count("Say") for text in said] == [1, 1, 0, 0, 1]
    assert "**4 min**, until minute 5 of 7. Slide 3 of 3: One" in said[3]
    timings = [c.metadata.slideshow.data["timing"] for c in notebook.cells if "data" in c.metadata.slideshow]
    assert timings == [60, 80, 80, 80, 120]


@pytest.mark.parametrize("minutes", [(1, 4, 3), (1, 6)])
def test_notes_that_do_not_fit_are_refused(minutes):
    with pytest.raises(ValueError, match="add up to 8 minutes|## Two"):
        slides.add_notes(lecture(), notes(*minutes), 7)


def test_a_section_needs_a_heading():
    notebook = lecture()
    notebook.cells[3].metadata.slideshow.slide_type = "slide"
    with pytest.raises(ValueError, match="without a heading"):
        slides.sections(notebook)


def test_a_slide_without_a_heading_says_whose_continuation_it_is():
    notebook = lecture()
    slides.add_running_heads(notebook)
    assert [c.source for c in notebook.cells[3:5]] == ['<p class="running">One</p>', "1"]
    assert [c.metadata.slideshow.slide_type for c in notebook.cells[3:5]] == ["subslide", "-"]
    assert len(notebook.cells) == len(lecture().cells) + 1


def test_an_output_with_a_slide_of_its_own_stands_there_once():
    code = cell("2 + 2", "-", "output_slide", code=True, outputs=[new_output("stream", text="4")])
    source, output = slides._parts(code, "a.ipynb")
    assert not source.outputs and "remove_input" not in source.metadata.tags
    assert output.outputs[0].text == "4" and "remove_input" in output.metadata.tags
    assert output.metadata.slideshow.slide_type == "subslide" and output.id != source.id


def test_warnings_and_progress_bars_stay_out():
    bar = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "0%"})
    outputs = [new_output("stream", name="stderr", text="beware"), bar, new_output("stream", text="4")]
    (made,) = slides._parts(cell("2 + 2", "-", code=True, outputs=outputs), "a.ipynb")
    assert [output.text for output in made.outputs] == ["4"]
