"""What a demo job used: made up, the same whenever it is asked, alike for jobs of one name."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from planner.demo.amounts import held
from planner.demo.jobs import Attempt
from tracker.slurm.durations import format_duration

SAMPLED_EVERY_S = 30  # what is over sooner left no trace of its memory
GPU_MEM_MIB = 40_960
IDLE_ONES = 0.06  # of the names: jobs that hold GPUs and never use them


@dataclass(frozen=True, slots=True)
class Used:
    cpu_s: float
    rss_kib: int | None = None
    gpu_util_percent: int | None = None
    gpu_mem_mib: int | None = None

    @property
    def total_cpu(self) -> str:
        return format_duration(self.cpu_s)

    @property
    def max_rss(self) -> str:
        return "" if self.rss_kib is None else f"{self.rss_kib}K"

    @property
    def tres(self) -> str:
        """As TRESUsageInMax and, of the one task that a demo job has, TRESUsageInTot."""
        if self.rss_kib is None:
            return ""
        words = [f"cpu={self.total_cpu}", "energy=0"]
        if self.gpu_util_percent is not None:
            words += [f"gres/gpumem={self.gpu_mem_mib}M", f"gres/gpuutil={self.gpu_util_percent}"]
        return ",".join([*words, f"mem={self.rss_kib}K", "pages=0"])


def used_by(attempt: Attempt, now_at: float) -> Used:
    """By an attempt that has started."""
    of_name = np.random.default_rng(zlib.crc32(attempt.request.name.encode()))
    of_job = np.random.default_rng(attempt.job_id)
    busy, mem_share = of_name.uniform(0.35, 0.95), of_name.uniform(0.1, 0.7)
    gpu_busy = of_name.uniform(60, 97) if of_name.random() > IDLE_ONES else 2
    elapsed_s = attempt.elapsed_s(now_at)
    amounts = held(attempt)
    cpu_s = elapsed_s * amounts.get("cpu", 1) * busy * of_job.uniform(0.9, 1.0)
    if elapsed_s < SAMPLED_EVERY_S:
        return Used(cpu_s)
    if attempt.state == "OUT_OF_MEMORY":
        mem_share = 1.0
    rss_kib = int(amounts.get("mem", 0) * 1024 * mem_share * of_job.uniform(0.92, 1.0))
    if not amounts.get("gres/gpu"):
        return Used(cpu_s, rss_kib)
    gpu_mem_mib = int(GPU_MEM_MIB * of_name.uniform(0.3, 0.95)) if gpu_busy > 2 else 300
    return Used(cpu_s, rss_kib, round(gpu_busy * of_job.uniform(0.95, 1.0)), gpu_mem_mib)
