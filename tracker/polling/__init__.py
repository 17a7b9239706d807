"""Following a cluster: its commands run, their output kept as a poll, and recorded."""

from tracker.polling.asking import ask
from tracker.polling.hints import check_hints
from tracker.polling.kinds import KINDS, poll, poll_everything
from tracker.polling.outputs import newest_outputs, prune

__all__ = [
    "KINDS",
    "ask",
    "check_hints",
    "newest_outputs",
    "poll",
    "poll_everything",
    "prune",
]
