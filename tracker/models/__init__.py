from tracker.models.access import Actor
from tracker.models.audit import AuditEntry
from tracker.models.clusters import (
    Association,
    Cluster,
    ClusterAccount,
    Node,
    Partition,
    Qos,
    Reservation,
)
from tracker.models.estimates import StartEstimate
from tracker.models.eventfiles import EventFile, EventReading
from tracker.models.experiments import Experiment, Membership, ResearchGroup, ResourceRequest
from tracker.models.jobs import Attempt, AttemptUsage, Job, JobHint
from tracker.models.metrics import MetricChunk, MetricPoint, MetricSeries
from tracker.models.notices import Notice, NoticedRun, NoticeWishes
from tracker.models.polls import HistoryImport, Poll, PollClaim
from tracker.models.runs import Artifact, Run, RunTag, SavedView
from tracker.models.submissions import Submission
from tracker.models.tokens import Token

__all__ = [
    "Actor",
    "Artifact",
    "Association",
    "Attempt",
    "AttemptUsage",
    "AuditEntry",
    "Cluster",
    "ClusterAccount",
    "EventFile",
    "EventReading",
    "Experiment",
    "HistoryImport",
    "Job",
    "JobHint",
    "Membership",
    "MetricChunk",
    "MetricPoint",
    "MetricSeries",
    "Node",
    "Notice",
    "NoticeWishes",
    "NoticedRun",
    "Partition",
    "Poll",
    "PollClaim",
    "Qos",
    "ResearchGroup",
    "Reservation",
    "ResourceRequest",
    "Run",
    "RunTag",
    "SavedView",
    "StartEstimate",
    "Submission",
    "Token",
]
