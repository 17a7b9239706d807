"""The part of a run's page that people write: name, notes and tags, and what it is nested in."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from tracker.forms.runs import RunWordsForm
from tracker.models import Actor, Run, RunTag

CHILDREN_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Words:
    """``parent`` is None where it has none that this reader may see; ``form`` where it may not
    change the run."""

    tags: list[RunTag]
    parent: Run | None
    children: list[Run]
    more_children: int
    form: RunWordsForm | None
    kept_days: int  # once it is deleted


def words_of(run: Run, actor: Actor) -> dict[str, object]:
    """Context of ``_run_words.html``."""
    children = actor.runs().filter(parent=run)
    may_edit = actor.editable_runs().filter(pk=run.pk).exists()
    return {
        "words": Words(
            tags=list(run.tags.all()),
            parent=actor.runs().filter(pk=run.parent_id).first() if run.parent_id else None,
            children=list(children[:CHILDREN_SHOWN]),
            more_children=max(0, children.count() - CHILDREN_SHOWN),
            form=RunWordsForm(instance=run, auto_id="words-%s") if may_edit else None,
            kept_days=round(settings.DELETED_RUN_KEEP_DAYS),
        )
    }
