"""The demo cluster in motion: jobs come, start and end on the simulator's clock, and are journaled.

Time is an argument: whoever drives the controller says what time it is (epoch seconds). Catching
up after a stop, and the weeks of history before the first start, are the same thing: the same
rules, looked at less often, up to now.
"""

from __future__ import annotations

from planner.demo import endings, history, site
from planner.demo.crowd import Crowd
from planner.demo.endings import Ending
from planner.demo.history import Witness
from planner.demo.jobs import Attempt, Request, Script
from planner.demo.journal import Journal
from planner.demo.processes import LaunchError, Processes, end_orphan
from planner.demo.roster import Roster
from planner.demo.world import build_world, sim_job
from planner.sim.config import DAY_S, SchedulerConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Key
from planner.sim.views import EndedJob, RunningJob

HISTORY_DAYS = 21
FIRST_JOB_ID = 1001
CLOCK_KEPT_EVERY_S = 30
_TAKEN_OUT = Ending("PENDING")  # of the simulation only, to be submitted again


class Controller:
    """All that the commands ask about and act on."""

    def __init__(
        self,
        journal: Journal,
        processes: Processes,
        *,
        own_name: str,
        own_uid: int,
        now_at: int,
        seed: int = 1,
        history_days: int = HISTORY_DAYS,
        witness: Witness | None = None,
    ) -> None:
        self.own_name, self.own_uid = own_name, own_uid
        self.roster = Roster(journal)
        self.simulation: Simulation
        self.started_at = self.origin_at = self.now_at = (now_at // 3600 - history_days * 24) * 3600
        self.next_job_id = FIRST_JOB_ID
        self._journal, self._processes = journal, processes
        self._endings: dict[Key, Ending] = {}  # of jobs ended by somebody, until they are closed
        self._launches: list[Attempt] = []
        self._requeues: list[Attempt] = []
        self._usage: dict[tuple[str, str | None], float] = {}
        self._kept_at = 0
        resumed_at = self._resume()
        self._crowd = Crowd(seed, max(self.now_at, resumed_at))
        self._catch_up(now_at, None if resumed_at else witness)
        self.started_at = now_at

    # --- time

    def advance(self, now_at: int) -> None:
        """Let everything happen that is due up to and including ``now_at``, and keep it."""
        for key, exit_code, exit_signal in self._processes.finished():
            self._end(key, endings.of_script(exit_code, exit_signal))
        self._processes.sweep(now_at)
        self.pass_time(now_at)
        self.roster.forget(now_at)
        if now_at - self.origin_at >= DAY_S:
            self.note_usage()
            self.rebuild(site.LIVE)  # so that the next days' maintenance becomes known
        self._keep(at_once=False)

    def pass_time(self, until_at: float) -> None:
        while True:
            step_at = min(until_at, self._crowd.next_at())
            self.simulation.run(step_at - self.origin_at)
            self.now_at = max(self.now_at, int(step_at))
            self._follow_up()
            self._let_crowd_act()
            if step_at >= until_at:
                return

    def _let_crowd_act(self) -> None:
        submission = self._crowd.submission(self.now_at, self.roster.pending_count())
        if submission is not None:
            self._crowd.submitted(self._enter_new(*submission))
        lost = set(self._crowd.lost_patience(self.now_at))
        for attempt in list(self.roster.active.values()) if lost else ():
            if attempt.db_index in lost and attempt.is_pending:
                self.cancel(attempt, self._uid(attempt))

    def _resume(self) -> float:
        """Take up what the journal holds; the instant it ends at."""
        clock = self._journal.fact("clock")
        if clock is None:
            return 0.0
        self.now_at = int(clock)
        self.next_job_id = self._journal.fact("next_job_id")
        self._usage = {(a, u): usage for a, u, usage in self._journal.fact("usage")}
        for attempt in self._journal.active():
            if attempt.request.is_real and not attempt.is_pending:
                self._lose(attempt)
            else:
                self.roster.add(attempt)
        return float(self.now_at)

    def _lose(self, attempt: Attempt) -> None:
        """A real script died with the server, or is the orphan of one that was killed."""
        end_orphan(attempt)
        endings.close(attempt, endings.NODE_FAIL, self.now_at)
        self._journal.save(attempt)
        if attempt.request.requeue:
            self.roster.add(endings.next_attempt(attempt))
        else:
            self._forget_script(attempt)

    def _catch_up(self, now_at: int, witness: Witness | None) -> None:
        """Live through the time since the last stop; real scripts cannot run in the past."""
        for attempt in self.roster.active.values():
            self._crowd.watch(attempt)
        real = {key: one for key, one in self.roster.active.items() if one.request.is_real}
        for key in real:
            del self.roster.active[key]
        history.live(self, now_at, witness)
        self.roster.active |= real
        self.rebuild(site.LIVE)
        self.roster.recall(now_at)
        self._keep(at_once=True)

    def rebuild(self, config: SchedulerConfig, *, keeps_plan: bool = True) -> None:
        """A fresh simulation of the cluster as it is now."""
        self.origin_at = self.now_at
        world = build_world(
            self.roster.active.values(),
            origin_at=self.now_at,
            config=config,
            own_name=self.own_name,
            usage=self._usage,
            resolve=self.roster.resolve,
        )
        self.simulation = Simulation(
            world, on_start=self._started, on_end=self._ended, keeps_plan=keeps_plan
        )

    def note_usage(self) -> None:
        self._usage = {
            (row.association.account, row.association.user): row.usage
            for row in self.simulation.shares()
        }

    def _keep(self, *, at_once: bool) -> None:
        """Commit what changed, with the clock: together they are a state to resume from."""
        if at_once or self._journal.is_changed or self.now_at - self._kept_at >= CLOCK_KEPT_EVERY_S:
            self.note_usage()
            self._journal.set_fact("clock", self.now_at)
            self._journal.set_fact("next_job_id", self.next_job_id)
            self._journal.set_fact("usage", [[*key, usage] for key, usage in self._usage.items()])
            self._journal.commit()
            self._kept_at = self.now_at

    # --- what the outside may do

    def submit(self, request: Request, script: Script, tasks: tuple[int, ...] = ()) -> int:
        """Queue a real job or array; its id."""
        self._journal.save_script(self.next_job_id, script)
        job_id = self._enter_new(request, tasks)
        self._keep(at_once=True)
        return job_id

    def cancel(self, attempt: Attempt, by_uid: int) -> None:
        # scancel sends SIGTERM; accounting shows it only for what ran.
        signal = 0 if attempt.is_pending else 15
        self._split(attempt)
        self._end(attempt.key, Ending("CANCELLED", 0, signal, by_uid))

    def hold(self, attempt: Attempt) -> None:
        attempt.held = True
        self.simulation.hold(attempt.key)
        self._journal.save(attempt)

    def release(self, attempt: Attempt) -> None:
        attempt.held = False
        attempt.eligible_at = self.now_at
        self.simulation.release(attempt.key)
        self._journal.save(attempt)

    def requeue(self, attempt: Attempt) -> None:
        """Back to the queue under the same id, as a new attempt."""
        self._end(attempt.key, endings.REQUEUED)

    def stop(self) -> None:
        """End the real scripts, as a failing node would, and close the books."""
        for attempt in list(self.roster.active.values()):
            if attempt.request.is_real and not attempt.is_pending:
                self._end(attempt.key, endings.NODE_FAIL)
        self._processes.stop_all()
        self._keep(at_once=True)
        self._journal.close()

    def _uid(self, attempt: Attempt) -> int:
        return site.uid_of(attempt.request.user, self.own_name, self.own_uid)

    # --- jobs come and start

    def _enter_new(self, request: Request, tasks: tuple[int, ...]) -> int:
        job_id = self.next_job_id
        self.next_job_id += 1
        for task in tasks or (None,):
            self._enter(
                Attempt(
                    request=request,
                    job_id=job_id,
                    submit_at=self.now_at,
                    array_id=None if task is None else job_id,
                    task_id=task,
                    held=request.held,
                )
            )
        return job_id

    def _enter(self, attempt: Attempt) -> None:
        self.roster.add(attempt)
        self._crowd.watch(attempt)
        self.simulation.submit(sim_job(attempt, self.origin_at, self.roster.resolve))

    def _started(self, running: RunningJob) -> None:
        attempt = self.roster.active[running.job.key]
        self._split(attempt)
        attempt.eligible_at = self.roster.eligible_at(attempt)
        attempt.state, attempt.reason = "RUNNING", "None"
        attempt.start_at = self.origin_at + int(running.start_s)
        attempt.partition, attempt.shares = running.partition, running.allocation
        self._journal.save(attempt)
        if attempt.request.is_real:
            self._launches.append(attempt)

    def _split(self, attempt: Attempt) -> None:
        """Give an array task a raw id of its own; the last one keeps the array's, as in Slurm."""
        if not attempt.is_split and self.roster.has_unsplit_siblings(attempt):
            attempt.job_id = self.next_job_id
            self.next_job_id += 1

    def _follow_up(self) -> None:
        """What must not happen while the simulation runs."""
        launches, self._launches = self._launches, []
        for attempt in launches:
            self._launch(attempt)
        requeues, self._requeues = self._requeues, []
        for attempt in requeues:
            self._enter(endings.next_attempt(attempt))

    def _launch(self, attempt: Attempt) -> None:
        try:
            self._processes.start(attempt, self._journal.script(attempt.base_id))
        except LaunchError as error:
            self._end(attempt.key, endings.of_script(error.exit_code, error.exit_signal))
        else:
            self._journal.save(attempt)

    # --- jobs end

    def _end(self, key: Key, ending: Ending) -> None:
        """End a pending or running attempt now."""
        attempt = self.roster.active[key]
        children = self.roster.children_of(attempt) if ending.state == "COMPLETED" else []
        self._endings[key] = ending
        self.simulation.cancel(key)
        # To the simulator a job that was ended early has failed; its children ask the journal.
        for child in children:
            self._endings[child.key] = _TAKEN_OUT
            self.simulation.cancel(child.key)
            self.simulation.submit(sim_job(child, self.origin_at, self.roster.resolve))
        self._follow_up()

    def _ended(self, ended: EndedJob) -> None:
        key = ended.job.key
        ending = self._endings.pop(key, None)
        if ending is _TAKEN_OUT:
            return
        attempt = self.roster.active[key]
        if attempt.is_pending:
            attempt.eligible_at = self.roster.eligible_while_pending(attempt, self.now_at)
        if ending is None:
            ending = endings.in_due_time(attempt, self._uid(attempt))
        endings.close(attempt, ending, self.origin_at + int(ended.end_s))
        self.roster.end(attempt)
        if ending.requeues and attempt.request.requeue:
            self._requeues.append(attempt)
        if attempt.request.is_real:
            self._processes.stop(key, self.now_at)
            self._forget_script(attempt)

    def _forget_script(self, attempt: Attempt) -> None:
        self._processes.forget_file(attempt)
        siblings = [*self.roster.active.values(), *self._requeues]
        if not any(one.base_id == attempt.base_id for one in siblings):
            self._journal.forget_script(attempt.base_id)
