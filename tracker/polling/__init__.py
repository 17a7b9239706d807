"""Following a cluster: its commands run, their output kept as a poll, and recorded."""

from tracker.polling.asking import ask
from tracker.polling.captures import StoredCapture, store_capture, store_outputs
from tracker.polling.health import poll_health
from tracker.polling.hints import check_hints, read_queue_soon
from tracker.polling.kinds import KINDS, poll, poll_everything
from tracker.polling.outputs import hold, newest_outputs, outputs_as_of, prune
from tracker.polling.showing import ShownJob, show_job

__all__ = [
    "KINDS",
    "ShownJob",
    "StoredCapture",
    "ask",
    "check_hints",
    "hold",
    "newest_outputs",
    "outputs_as_of",
    "poll",
    "poll_everything",
    "poll_health",
    "prune",
    "read_queue_soon",
    "show_job",
    "store_capture",
    "store_outputs",
]
