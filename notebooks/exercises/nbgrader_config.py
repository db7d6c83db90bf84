"""The course as nbgrader sees it, in this folder and for `python -m pedagogy.grading`."""

from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IgnorePattern,
    IncludeHeaderFooter,
    InstantiateTests,
    LimitOutput,
    LockCells,
    SaveAutoGrades,
    SaveCells,
)

from pedagogy.grading.execute import Run, Vouched

c = get_config()  # noqa: F821 (traitlets provides it)

c.CourseDirectory.course_id = "preferences"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)

# What a student sees in place of a solution: it runs, so that an unanswered notebook can be run to its end.
c.ClearSolutions.code_stub = {"python": "...  # your code here"}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.ClearMarkScheme.enforce_metadata = False  # the rubrics stand in the open questions themselves

# nbgrader's own list, with the rubrics cleared before the cells are saved: so an open question without an
# answer is known by its checksum.
c.GenerateAssignment.preprocessors = [
    IncludeHeaderFooter,
    InstantiateTests,
    LockCells,
    ClearSolutions,
    ClearMarkScheme,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ComputeChecksums,
    CheckCellMetadata,
]

# nbgrader's own list, with our Run in place of Execute, and Vouched before the points are saved.
c.Autograde.autograde_preprocessors = [
    Run,
    Vouched,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.Run.timeout = 60  # seconds for one cell
c.Run.wall = 240  # seconds for all of them
