from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.slurm.recordings import LOADED_CLUSTER, SMALL_CLUSTER
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.reasons import ReasonClass, classify, explain

CODES = {
    ReasonClass.TIME: """Priority Resources None Reservation NodeDown Prolog Cleaning
        MaxPoweredUpNodes MpiPortsBusy SchedDefer""",
    ReasonClass.DATE: "BeginTime",
    ReasonClass.OWN_JOBS: """JobArrayTaskLimit AssocMaxJobsLimit AssocGrpCpuLimit AssocGrpMemLimit
        AssocGrpNodeLimit AssocGrpGRES AssocGrpBilling AssocGrpJobsLimit AssocGrpLicense AssocGrpBB
        QOSGrpCpuLimit QOSGrpGRES QOSGrpNodeLimit QOSMaxJobsPerUserLimit QOSMaxCpuPerUserLimit
        QOSMaxNodePerUserLimit QOSMaxMemoryPerUser QOSMaxGRESPerUser MaxCpuPerAccount
        MaxGRESPerAccount MaxJobsPerAccount AssocGrpCPURunMinutesLimit AssocGrpGRESRunMinutes
        QOSGrpMemRunMinutes MaxCpuRunMinsPerAccount MaxCPURunMinsPerUser AssociationJobLimit
        QOSResourceLimit AccountingPolicy""",
    ReasonClass.BUDGET: """AssocGrpCPUMinutesLimit AssocGrpGRESMinutes QOSGrpCPUMinutesLimit
        QOSGrpBillingMinutes AssocGrpWallLimit QOSGrpWallLimit AssociationTimeLimit QOSTimeLimit
        QOSUsageThreshold AssocGrpMemMinutes""",
    ReasonClass.NEVER: """AssocMaxCpuPerJobLimit AssocMaxGRESPerNode AssocMaxCpuMinutesPerJobLimit
        AssocMaxWallDurationPerJobLimit QOSMaxCpuPerJobLimit QOSMaxGRESPerNode
        QOSMaxCpuMinutesPerJobLimit QOSMaxWallDurationPerJobLimit QOSMinGRES QOSMinCpuNotSatisfied
        PartitionTimeLimit PartitionNodeLimit PartitionConfig MaxMemPerLimit BadConstraints
        AccountNotAllowed QOSNotAllowed InvalidAccount InvalidQOS AssocMaxSubmitJobLimit
        QOSMaxSubmitJobPerUserLimit AssocGrpSubmitJobsLimit MaxSubmitJobsPerAccount""",
    ReasonClass.ACTION: """JobHeldUser JobHeldAdmin JobHoldMaxRequeue ReservationDeleted
        ReservationInvalid BurstBufferOperation DependencyNeverSatisfied DeadLine""",
    ReasonClass.OTHER: """Dependency Licenses ReqNodeNotAvail PartitionDown PartitionInactive
        Constraints NvidiaImexChannels BurstBufferResources BurstBufferStageIn FedJobLock""",
    ReasonClass.UNKNOWN: "NoSuchReason NonZeroExitCode Priorities",
}
CASES = [(code, reason_class) for reason_class, codes in CODES.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "reason_class"), CASES)
def test_every_code_has_its_class(code: str, reason_class: ReasonClass) -> None:
    assert classify(code) is reason_class


@pytest.mark.parametrize(
    ("text", "reason_class"),
    [
        ("ReqNodeNotAvail, May be reserved for other job", ReasonClass.OTHER),
        ("ReqNodeNotAvail, UnavailableNodes:cpu[01-02]", ReasonClass.OTHER),
        (
            "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority",
            ReasonClass.OTHER,
        ),
        ("job requeued in held state", ReasonClass.ACTION),
        ("(Priority)", ReasonClass.TIME),
        ("AssocGrpTomorrowsResource", ReasonClass.OWN_JOBS),
        ("QOSGrpShardMinutes", ReasonClass.BUDGET),
    ],
)
def test_free_text_and_codes_of_new_resources_find_their_class(
    text: str, reason_class: ReasonClass
) -> None:
    assert classify(text) is reason_class


def test_a_job_not_looked_at_yet_waits_for_time() -> None:
    assert classify(None) is ReasonClass.TIME


def test_notable_codes_say_what_to_do() -> None:
    assert "shorter --time" in explain("PartitionTimeLimit").cure
    assert "scontrol release" in explain("JobHeldUser").cure
    assert explain("NoSuchReason").why == "Unknown reason."


@pytest.mark.parametrize("folder", [LOADED_CLUSTER, SMALL_CLUSTER])
def test_every_recorded_reason_to_wait_is_known(folder: Path) -> None:
    queue = Slurm(read_capture(folder).transport).queue()
    reasons = {job.reason for job in queue if job.state == "PENDING"}
    assert ReasonClass.UNKNOWN not in {classify(reason) for reason in reasons}


@given(st.text(max_size=60))
def test_any_text_is_explained_in_a_why_and_a_cure(text: str) -> None:
    explanation = explain(text)
    assert explanation.why.endswith(".")
    assert explanation.cure.endswith(".")
