"""The course's widgets: each a game in plain Python under a thin ipywidgets view."""

from .gap import GapExplorer
from .markup import token_strip
from .order_builder import OrderBuilder
from .pareto import ParetoExplorer
from .picks import read_picks

__all__ = ["GapExplorer", "OrderBuilder", "ParetoExplorer", "read_picks", "token_strip"]
