"""From an experiment to a job of its own unix user, and back: start, cancel, adopt.

Rows first, Slurm second: a claim is written before sbatch is asked, and after a crash the polls
tell whether it arrived.
"""

from tracker.submission.adopting import adopt_job
from tracker.submission.cancelling import ask_cancel, ask_cancel_all, send_cancels
from tracker.submission.planning import MAX_RUNS, Wish, plan_start
from tracker.submission.recovering import decide_unclear, recover
from tracker.submission.sending import send
from tracker.submission.starting import start, start_again, why_not_start

__all__ = [
    "MAX_RUNS",
    "Wish",
    "adopt_job",
    "ask_cancel",
    "ask_cancel_all",
    "decide_unclear",
    "plan_start",
    "recover",
    "send",
    "send_cancels",
    "start",
    "start_again",
    "why_not_start",
]
