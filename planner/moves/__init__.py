"""Why the expected start of a waiting job moved between two forecasts, in words."""

from planner.moves.look import Look
from planner.moves.told import Move, moves

__all__ = ["Look", "Move", "moves"]
