"""What the replicas of a forecast did, kept; and hypothetical jobs fitted into it."""

from planner.futures.fitter import Fitter
from planner.futures.future import Bar, Future
from planner.futures.packing import pack, unpack
from planner.futures.recording import Recording

__all__ = ["Bar", "Fitter", "Future", "Recording", "pack", "unpack"]
