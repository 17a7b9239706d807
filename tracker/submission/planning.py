"""What a start comes to: the runs, and the batch script and options of their one job."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import PurePosixPath
from typing import Any

from tracker.models import Cluster, Experiment, ResourceRequest, Run
from tracker.models.submissions import MARK
from tracker.recording import ConflictError
from tracker.slurm.batch import BatchOptions
from tracker.slurm.jobids import parse_tasks
from tracker.slurm.script import ScriptError, Task, check_options, read_script, render_script

MAX_RUNS = 1_000  # of one start
MAX_FOLDER_CHARS = Run._meta.get_field("folder").max_length
# What every job of ours sets right before the site's own lines:
AS_SUBMITTED_BY_HAND = (
    # scripts go back to where they were submitted, which for a service is nowhere of theirs;
    'export SLURM_SUBMIT_DIR="$PWD"',
    # srun would hand on no more variables to its tasks than sbatch was told to;
    "export SLURM_EXPORT_ENV=ALL",
    # the address to report to holds a user and a secret, and the user is free: here it becomes the
    # run's id, so that tasks of an array are told apart before Slurm has told their ids.
    '[ -z "${TRACKER_API-}" ] ||',
    'export TRACKER_API="${TRACKER_API%%//*}//$RUN_ID:${TRACKER_API#*//*:}"',
)
_OPTION_NAMES = frozenset(field.name for field in fields(BatchOptions)) - {"others", "comment"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks to start; each pair of seed and configuration is a run."""

    seeds: tuple[int, ...] = ()
    configs: tuple[dict[str, Any], ...] = ()
    options: BatchOptions = field(default_factory=BatchOptions)  # in place of the experiment's
    at_once: int | None = None  # how many of a sweep run at a time


@dataclass(frozen=True, slots=True)
class PlannedRun:
    run_id: str
    seed: int | None
    config: dict[str, Any]
    task_id: int | None
    folder: str = ""  # absolute


@dataclass(frozen=True, slots=True)
class Plan:
    runs: Sequence[PlannedRun]
    options: BatchOptions
    script: str
    mark: str


def plan_start(
    experiment: Experiment, cluster: Cluster, unix_name: str, wish: Wish, new_id: Callable[[], str]
) -> Plan:
    """The whole start, nothing stored. ConflictError names the field that stands against it."""
    if not experiment.batch_script.strip():
        raise ConflictError(
            "batch_script", "is empty: write what the job runs into the experiment's batch script"
        )
    try:
        script = read_script(_unix_lines(experiment.batch_script))
    except ScriptError as error:
        raise ConflictError("batch_script", str(error)) from error
    asked = wish.options.over(requested(experiment, cluster)).over(script.options)
    if asked.array and (len(wish.seeds) or 1) * (len(wish.configs) or 1) > 1:
        raise ConflictError("array", "is made from the seeds and configurations: leave it empty")
    runs = _runs(wish, asked.array, new_id)
    mark = MARK + runs[0].run_id
    options = replace(asked, comment=mark).over(_defaults(experiment, cluster, unix_name))
    if len(runs) > 1 and not asked.array:
        throttle = f"%{wish.at_once}" if wish.at_once else ""
        options = replace(options, array=f"0-{len(runs) - 1}{throttle}")
    if problems := check_options(options):
        name, problem = next(iter(problems.items()))
        raise ConflictError(name, problem)
    folders = _folders(experiment, cluster, unix_name, runs)
    tasks = [_task(run, folder) for run, folder in zip(runs, folders, strict=True)]
    try:
        setup = "\n".join([*AS_SUBMITTED_BY_HAND, _unix_lines(cluster.setup_lines)]).rstrip()
        text = render_script(script, options, setup=setup, tasks=tasks)
    except ScriptError as error:
        raise ConflictError("batch_script", str(error)) from error
    placed = [
        replace(run, folder=_absolute(options.chdir, folder))
        for run, folder in zip(runs, folders, strict=True)
    ]
    return Plan(placed, options, text, mark)


def _unix_lines(text: str) -> str:
    """Browsers send what is typed with the line ends of DOS, which sbatch refuses."""
    return text.replace("\r\n", "\n")


def requested(experiment: Experiment, cluster: Cluster) -> BatchOptions:
    """What the experiment asks of this cluster."""
    request = ResourceRequest.objects.filter(experiment=experiment, cluster=cluster).first()
    if request is None:
        return BatchOptions()
    known = {field.name for field in ResourceRequest._meta.fields}
    return BatchOptions(**{name: getattr(request, name) for name in _OPTION_NAMES & known})


def output_folders(options: BatchOptions) -> list[str]:
    """Folders that must stand before the job starts, or Slurm ends it for want of its output."""
    work_dir = PurePosixPath(options.chdir)
    named = [name for name in (options.output, options.error) if name]
    folders = {str(work_dir / PurePosixPath(name).parent) for name in named}
    return sorted(folder for folder in folders if "%" not in folder)


def _runs(wish: Wish, array: str, new_id: Callable[[], str]) -> list[PlannedRun]:
    pairs = list(product(wish.seeds or (None,), wish.configs or ({},)))
    if array:
        tasks: Sequence[int | None] = parse_tasks(array)[0]
        pairs *= len(tasks)
    else:
        tasks = range(len(pairs)) if len(pairs) > 1 else [None]
    if len(pairs) > MAX_RUNS:
        raise ConflictError("seeds", f"make {len(pairs)} runs; start at most {MAX_RUNS} at once")
    return [
        PlannedRun(new_id(), seed, config, task)
        for (seed, config), task in zip(pairs, tasks, strict=True)
    ]


def _defaults(experiment: Experiment, cluster: Cluster, unix_name: str) -> BatchOptions:
    name = "".join(char if char.isprintable() else " " for char in experiment.name)
    output = cluster.job_output
    if cluster.submit_as == Cluster.SubmitAs.SLURMRESTD:
        output = PurePosixPath(output).name  # slurmrestd makes no folder for it
    return BatchOptions(
        job_name=name[:120],
        output=output,
        chdir=cluster.work_dir.format(user=unix_name),
    )


def _folders(
    experiment: Experiment, cluster: Cluster, unix_name: str, runs: Sequence[PlannedRun]
) -> list[str]:
    template = experiment.folder or cluster.run_folder
    folders = [_folder(template, experiment, unix_name, run) for run in runs]
    if len(set(folders)) < len(folders):  # runs side by side must not write into one folder
        folders = [
            f"{folder}/task-{run.task_id}" for folder, run in zip(folders, runs, strict=True)
        ]
    return folders


def _folder(template: str, experiment: Experiment, unix_name: str, run: PlannedRun) -> str:
    names = {
        "user": unix_name,
        "experiment": f"{experiment.pk:03}",
        "run": run.run_id,
        "seed": "none" if run.seed is None else str(run.seed),
    }
    for name, value in names.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def _absolute(work_dir: str, folder: str) -> str:
    """As the job's shell will have it, without ``..``; empty where it is longer than is kept."""
    path = "/" + posixpath.normpath(posixpath.join(work_dir, folder)).lstrip("/")
    return path if len(path) <= MAX_FOLDER_CHARS else ""


def _task(run: PlannedRun, folder: str) -> Task:
    variables: dict[str, str] = {
        "RUN_ID": run.run_id,
        "RUN_FOLDER": folder,
        "CONFIG_FILE": f"{folder}/config.yaml",
    }
    if run.seed is not None:
        variables["SEED"] = str(run.seed)
    return Task(variables, folder, config_text(run.config), run.task_id)


def config_text(config: Mapping[str, Any]) -> str:
    """JSON with sorted keys: YAML too, and the same text for the same configuration."""
    return json.dumps(config, sort_keys=True, indent=2) + "\n"
