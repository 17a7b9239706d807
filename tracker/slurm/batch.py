"""What a batch job asks for, in sbatch's own terms: one shape for scripts, argv and REST."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Options of one submission; None or "" is left to Slurm.

    Each field is the long option of that name with dashes (``time_limit_minutes`` is ``--time``).
    Values are as sbatch takes them; ``tracker.slurm.script`` checks and writes them.
    """

    job_name: str = ""
    partition: str = ""  # one, or several: a,b
    nodes: int | None = None
    ntasks: int | None = None
    cpus_per_task: int | None = None
    mem: str = ""  # per node, such as 64G
    gres: str = ""  # per node: gpu:2, or typed: gpu:a100:2
    time_limit_minutes: int | None = None
    output: str = ""  # file name pattern, relative to chdir
    error: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    array: str = ""  # 0-7%2
    dependency: str = ""  # afterok:828
    begin: str = ""
    mail_type: str = ""
    mail_user: str = ""
    chdir: str = ""
    comment: str = ""
    others: tuple[str, ...] = ()  # further options of a script, kept as they stand there

    def over(self, other: BatchOptions) -> BatchOptions:
        """These, and what they leave open as ``other`` has it."""
        missing = {
            field.name: getattr(other, field.name)
            for field in fields(self)
            if getattr(self, field.name) in (None, "", ())
        }
        if "others" in missing:
            # --nodes=2-4 of a script stands there; a number of nodes given here replaces it.
            missing["others"] = tuple(
                word for word in other.others if not self._sets(word[2:].partition("=")[0])
            )
        return replace(self, **missing)

    def _sets(self, option: str) -> bool:
        field = FIELD_BY_OPTION.get(option)
        return field is not None and getattr(self, field) not in (None, "")


OPTION_BY_FIELD = {
    field.name: field.name.removesuffix("_limit_minutes").replace("_", "-")
    for field in fields(BatchOptions)
    if field.name != "others"
}
FIELD_BY_OPTION = {option: name for name, option in OPTION_BY_FIELD.items()}
