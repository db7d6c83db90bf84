"""What every grading process needs, imported once: they are forked from a process that has it."""

from nbconvert.exporters import HTMLExporter, NotebookExporter  # noqa: F401
from nbgrader.converters import Autograde, GenerateFeedback  # noqa: F401

from . import execute, run  # noqa: F401
