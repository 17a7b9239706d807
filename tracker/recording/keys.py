"""When are two creates the same run: DESIGN.md section 5."""

from __future__ import annotations

import hashlib
import json

from tracker.models import Run


def config_sha256(config: dict[str, object]) -> str:
    """Digest of the canonical JSON: key order and white space do not make another run."""
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def create_key(run: Run, cluster_id: int | None) -> str | None:
    """Equal for a repeated create; None without a job id, since that is always a new run."""
    if run.slurm_job_id is None:
        return None
    parts = [run.experiment_id, cluster_id, run.slurm_job_id, run.seed, run.config_sha256, run.key]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
