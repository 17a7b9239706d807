"""From a batch script, pasted, uploaded or of an experiment, to the planning page's address.

The page's fields live in its address. The script itself is too long for that: the session keeps
its head, for the diff that an option comes to.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from itertools import takewhile
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from planner.asking.scripts import Asked, as_text, asked_by_script
from tracker.models import Cluster, Experiment
from tracker.slurm.script import option_words
from tracker.submission.planning import requested

SESSION_KEY = "plan_script"
HEAD_MAX = 64 * 1024  # characters


def address_of_experiment(
    request: HttpRequest, experiment: Experiment, cluster: Cluster, now: datetime
) -> str | None:
    """Of what the experiment asks for on the cluster, by its script and its request; None, with a
    message, where that cannot be read."""
    options = option_words(requested(experiment, cluster))
    try:
        asked = asked_by_script(experiment.batch_script, now, options=options)
    except ValueError as error:
        messages.warning(request, f"What “{experiment}” asks for cannot be read: {error}")
        return None
    return address_of(request, cluster, asked, experiment.batch_script, str(experiment.pk))


def script_of(request: HttpRequest) -> str | None:
    """The head of the script that the page's address speaks of, while the session has it."""
    stored = request.session.get(SESSION_KEY) or {}
    named = request.GET.get("script")
    return stored.get("head") if named and named == stored.get("digest") else None


def address_of(
    request: HttpRequest, cluster: Cluster, asked: Asked, script: str, experiment: str
) -> str:
    """Of the question that ``asked`` is; keeps the script for it. ``experiment``: its key or ""."""
    query = {"cluster": cluster.name, "ask": "1", **as_text(asked.fields)}
    query["ignored"] = list(asked.ignored)
    if experiment:
        query["experiment"] = experiment
    if script:
        query["script"] = _keep(request, script)
    return f"{reverse('plan')}?{urlencode(query, doseq=True)}#answer"


def _keep(request: HttpRequest, script: str) -> str:
    """Its digest, by which the address names it."""
    lines = script.replace("\r\n", "\n").split("\n")
    head = takewhile(lambda line: line.lstrip()[:1] in ("", "#"), lines)
    kept = "\n".join(head).rstrip()[:HEAD_MAX]
    digest = hashlib.sha256(kept.encode()).hexdigest()[:12]
    request.session[SESSION_KEY] = {"digest": digest, "head": kept}
    return digest
