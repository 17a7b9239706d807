"""What a page's address fills in of a request: ``?partition=gpu&time_limit_minutes=90&key=…``.

The fields are those of the request by name. Nothing is taken on trust: it stands in the form as if
typed, and is validated with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from tracker.forms import ResourceRequestForm
from tracker.models import Cluster, Experiment
from tracker.slurm.batch import BatchOptions
from tracker.slurm.script import ScriptError, read_script
from tracker.submission.planning import requested

KEY_MAX = 64  # of StartForm and of Submission
NAMES = (
    "partition", "qos", "account", "nodes", "ntasks", "cpus_per_task", "mem", "gres",
    "time_limit_minutes", "constraint", "begin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that the address fills with something else than the experiment asks for."""

    label: str
    own: object  # "" or None: left to Slurm
    asked: object


def prefilled(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in NAMES if request.GET.get(name)}


def given_key(request: HttpRequest) -> dict[str, str]:
    """The key of a start that is known by it elsewhere; made with the form where none is given."""
    key = request.GET.get("key", "")
    is_key = key.isascii() and key.isalnum() and len(key) <= KEY_MAX
    return {"key": key} if is_key else {}


def differences(
    experiment: Experiment, cluster: Cluster, form: ResourceRequestForm, asked: Mapping[str, str]
) -> list[Difference]:
    """Of what is asked from what would be sent without it, by the fields as they are labelled."""
    own = _own(experiment, cluster)
    return [
        Difference(form[name].label, _shown(form, name, getattr(own, name)), text)
        for name, text in asked.items()
        if getattr(own, name) != _read(form, name, text)
    ]


def _own(experiment: Experiment, cluster: Cluster) -> BatchOptions:
    options = requested(experiment, cluster)
    try:
        script = read_script(experiment.batch_script.replace("\r\n", "\n"))
    except ScriptError:  # told when it is started
        return options
    return options.over(replace(script.options, others=()))


def _read(form: ResourceRequestForm, name: str, text: str) -> object:
    try:
        return form.fields[name].to_python(text)
    except ValidationError:  # told when it is sent
        return text


def _shown(form: ResourceRequestForm, name: str, value: object) -> object:
    return form.fields[name].prepare_value(value)
