"""A submission as slurmrestd takes it. It reads no #SBATCH line: every option stands here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracker.slurm.batch import BatchOptions
from tracker.slurm.tres import parse_mem_mib

_OBJECTS_SINCE = 39
# Under the same name since v0.0.36; a field that needs more than a new name is written below.
_PROPERTY_BY_FIELD = {
    "partition": "partition",
    "ntasks": "tasks",
    "cpus_per_task": "cpus_per_task",
    "time_limit_minutes": "time_limit",
    "output": "standard_output",
    "error": "standard_error",
    "account": "account",
    "qos": "qos",
    "constraint": "constraints",
    "array": "array",
    "dependency": "dependency",
    "begin": "begin_time",
    "mail_user": "mail_user",
    "chdir": "current_working_directory",
    "comment": "comment",
}
# The node loads the user's environment, as it does for sbatch --export=NAMES.
_LOAD_ENVIRONMENT = {"SLURM_GET_USER_ENV": "1"}
# What sbatch's words for mail are called since v0.0.39, where they are not called the same.
_MAIL_WORDS = {
    "NONE": (),
    "ALL": ("BEGIN", "END", "FAIL", "REQUEUE", "INVALID_DEPENDENCY", "STAGE_OUT"),
    "INVALID_DEPEND": ("INVALID_DEPENDENCY",),
    "TIME_LIMIT": ("TIME=100%",),
    "TIME_LIMIT_90": ("TIME=90%",),
    "TIME_LIMIT_80": ("TIME=80%",),
    "TIME_LIMIT_50": ("TIME=50%",),
}


def job_properties(
    options: BatchOptions, variables: Mapping[str, str], *, version: int = 38
) -> dict[str, Any]:
    """``job`` of a submission; ValueError naming the options that slurmrestd cannot be given.

    ``begin`` is read in slurmrestd's time zone. From v0.0.39 on it is written after the source of
    later releases, and tried on none.
    """
    if problem := _problem(options, version):
        raise ValueError(problem)
    job: dict[str, Any] = {
        name: value
        for field, name in _PROPERTY_BY_FIELD.items()
        if (value := getattr(options, field)) not in (None, "")
    }
    job["name"] = options.job_name or "sbatch"  # sbatch's own name for a script without one
    if options.nodes is not None:
        job["nodes"] = str(options.nodes)  # a list of two would be ignored by 22.05
    if options.mem:
        job["memory_per_node"] = parse_mem_mib(options.mem)
    environment = _LOAD_ENVIRONMENT | dict(variables)
    if version < _OBJECTS_SINCE:
        plain = {"gres": options.gres, "mail_type": options.mail_type}
        job |= {name: value for name, value in plain.items() if value}
        job["environment"] = environment
    else:
        job |= _since_objects(options)
        job["environment"] = [f"{name}={value}" for name, value in environment.items()]
    return job


def _problem(options: BatchOptions, version: int) -> str:
    if options.others:
        return (
            f"slurmrestd cannot be given {', '.join(options.others)}; take it out of the script, "
            "or submit by sbatch"
        )
    if not options.chdir.startswith("/"):
        return (
            f"chdir: {options.chdir!r} would be taken from slurmrestd's own folder; give a path "
            "from / on"
        )
    if options.begin and version == _OBJECTS_SINCE and not options.begin.isdigit():
        return f"--begin={options.begin} cannot be given to v0.0.39 of slurmrestd; take it out"
    return ""


def _since_objects(options: BatchOptions) -> dict[str, Any]:
    job: dict[str, Any] = {}
    if options.gres:
        words = [re.sub(r"^gres[:/]", "", word) for word in options.gres.split(",")]
        job["tres_per_node"] = ",".join(f"gres/{word}" for word in words)
    if options.mail_type:
        words = options.mail_type.upper().split(",")
        job["mail_type"] = [new for word in words for new in _MAIL_WORDS.get(word, (word,))]
    return job
