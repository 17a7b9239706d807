"""Why a job starts at another time in the model: what the side that lets it wait says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.sim.engine import Simulation
from planner.snapshot import read_facts
from planner.snapshot.rows import key_of, tasks_of
from tests.cluster.fidelity_replay import Known, Run
from tests.cluster.fidelity_run import LOADED
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm


def reasons(run: Run, own_s: Mapping[Known, float], jobs: Sequence[Known]) -> dict[Known, str]:
    """``own_s`` are the model's starts from what was measured in this run."""
    later = [known for known in jobs if own_s[known] > run.seen[known].start_s]
    said = _by_model(run, later)
    shown = _by_slurm(run)
    for known in set(jobs) - set(later):
        of_it = [(at_s, reason) for at_s, reason in shown.get(known, []) if at_s >= own_s[known]]
        said[known] = f"Slurm: {of_it[0][1]}" if of_it else "Slurm: not captured meanwhile"
    return said


def _by_model(run: Run, jobs: Sequence[Known]) -> dict[Known, str]:
    """What the model says at the moment when Slurm starts the job."""
    simulation = Simulation(run.as_measured())
    said: dict[Known, str] = {}
    for known in sorted(jobs, key=lambda known: run.seen[known].start_s):
        simulation.run(run.seen[known].start_s - run.origin_s)
        waiting = {one.job.key: one for one in simulation.queue()}
        if known in waiting:
            one = waiting[known]
            said[known] = f"model: {one.reason}, priority {one.priority}"
        else:
            said[known] = "model: started meanwhile"
    return said


def _by_slurm(run: Run) -> dict[Known, list[tuple[float, str]]]:
    """Reasons in the captures made under load, with their time."""
    known_of = {one.job_id: known for known, one in run.seen.items()}
    found: dict[Known, list[tuple[float, str]]] = {}
    for folder in sorted((run.folder / LOADED).iterdir()):
        facts = read_facts(Slurm(read_capture(folder).transport))
        at_s = (facts.taken_at - run.begin_at).total_seconds()
        for row in facts.queue:
            if row.state == "PENDING":
                for task in tasks_of(row):
                    if (known := known_of.get(key_of(row, task))) is not None:
                        told = f"{row.reason or 'None'}, priority {row.priority}"
                        found.setdefault(known, []).append((at_s, told))
    return found
