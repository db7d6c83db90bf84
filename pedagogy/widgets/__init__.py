"""The course's widgets: each a game in plain Python under a thin ipywidgets view."""

from .desk import AnnotationDesk
from .gap import GapExplorer
from .live import DPOLive
from .markup import token_strip
from .order_builder import OrderBuilder
from .pareto import ParetoExplorer
from .picks import read_picks
from .rows import RowBrowser
from .stepper import EpisodeStepper

__all__ = [
    "AnnotationDesk",
    "DPOLive",
    "EpisodeStepper",
    "GapExplorer",
    "OrderBuilder",
    "ParetoExplorer",
    "RowBrowser",
    "read_picks",
    "token_strip",
]
