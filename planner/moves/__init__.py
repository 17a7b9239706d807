"""Why the expected start of a waiting job moved between two forecasts, in words."""

from planner.moves.ends import expected_ends
from planner.moves.look import Look
from planner.moves.told import Move, moves

__all__ = ["Look", "Move", "expected_ends", "moves"]
