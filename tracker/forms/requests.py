"""What an experiment asks of one cluster."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms

from tracker.forms.fields import MinutesField, as_sbatch_takes
from tracker.models import Cluster, Experiment, ResourceRequest

USUAL = (
    "partition", "nodes", "ntasks", "cpus_per_task", "mem", "gres", "time_limit_minutes",
    "account", "qos", "constraint",
)  # fmt: skip
RARE = (
    "job_name", "output", "error", "array", "dependency", "begin", "mail_type", "mail_user",
)  # fmt: skip
NUMBERS = ("nodes", "ntasks", "cpus_per_task", "time_limit_minutes")


class ResourceRequestForm(forms.ModelForm):
    """What to ask of one cluster; left empty as a whole, nothing is kept."""

    time_limit_minutes = MinutesField(
        required=False, label="Time limit", help_text="minutes, H:MM:SS or D-HH:MM:SS"
    )

    class Meta:
        model = ResourceRequest
        fields = [*USUAL, *RARE]
        labels = {
            "ntasks": "Tasks",
            "cpus_per_task": "CPUs per task",
            "mem": "Memory",
            "gres": "GPUs and other GRES",
            "qos": "QOS",
            "output": "Output file",
            "error": "Error file",
            "array": "Array tasks",
            "begin": "Not before",
            "mail_type": "Mail on",
            "mail_user": "Mail to",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name in (*USUAL, *RARE):
            if name not in NUMBERS:
                self.fields[name].validators.append(as_sbatch_takes(name))

    @property
    def usual(self) -> list[forms.BoundField]:
        return [self[name] for name in USUAL]

    @property
    def rare(self) -> list[forms.BoundField]:
        """Folded away while nothing of it is set."""
        return [self[name] for name in RARE]

    @property
    def shows_rare(self) -> bool:
        return any(field.value() or field.errors for field in self.rare)

    def asks_for_something(self) -> bool:
        return any(value not in (None, "") for value in self.cleaned_data.values())


def request_forms(
    experiment: Experiment,
    data: object = None,
    *,
    filled: Mapping[str, Mapping[str, str]] | None = None,
) -> list[ResourceRequestForm]:
    """One form for each cluster, filled with what the experiment asks of it now, or with what
    ``filled`` gives by its name."""
    known = {}
    if experiment.pk:
        known = {request.cluster_id: request for request in experiment.requests.all()}
    return [
        ResourceRequestForm(
            data,
            prefix=f"cluster-{cluster.pk}",
            instance=known.get(cluster.pk) or ResourceRequest(cluster=cluster),
            initial=(filled or {}).get(cluster.name),
        )
        for cluster in Cluster.objects.all()
    ]
