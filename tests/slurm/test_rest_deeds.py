"""Submitting, cancelling and looking over HTTP, with slurmrestd's place taken by a small server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.slurm.restd import Restd, answer, serving
from tracker.slurm.batch import BatchOptions
from tracker.slurm.errors import SlurmRefused, SlurmUnavailable
from tracker.slurm.rest import RestTransport

SUBMIT = "POST /slurm/v0.0.38/job/submit"
OPTIONS = BatchOptions(job_name="train", chdir="/home/ada", comment="queuecast:1")
DONE = '{"errors": []}'
GONE = '{"errors": [{"error_number": 2017, "error": "Invalid job id specified"}]}'
DENIED = '{"errors": [{"error_number": 2002, "error": "Access/permission denied"}]}'
INVALID = '{"errors": [{"error_code": 2000, "error": "Invalid partition name specified"}]}'


@pytest.fixture
def restd() -> Iterator[Restd]:
    with serving(Restd()) as restd:
        restd.offer(36, 37, 38)
        yield restd


@pytest.fixture
def transport(restd: Restd) -> RestTransport:
    return RestTransport(restd.url, "ada", lambda: "aaa.bbb.ccc")


def test_a_submission_sends_script_options_and_variables_and_gives_the_id(
    restd: Restd, transport: RestTransport
) -> None:
    restd.answers[SUBMIT] = (200, '{"errors": [], "job_id": 828}')
    script = "#!/bin/bash\necho 'ünï' \"$X\"\n"
    assert transport.submit(script, OPTIONS, {"TRACKER_API": "secret"}, timeout_s=10) == 828
    sent = json.loads(restd.asked[-1].body)
    assert sent["script"] == script
    assert sent["job"]["environment"]["TRACKER_API"] == "secret"
    assert sent["job"]["comment"] == "queuecast:1"
    assert restd.asked[-1].headers["Content-Type"] == "application/json"


def test_a_job_that_was_taken_with_a_warning_is_taken(
    restd: Restd, transport: RestTransport
) -> None:
    body = {"job_id": 12, "errors": [{"error_code": 2015, "error": "not available now"}]}
    restd.answers[SUBMIT] = (200, json.dumps(body))
    assert transport.submit("#!/bin/bash\n", OPTIONS, {}) == 12


def test_a_submission_that_is_refused_says_why(restd: Restd, transport: RestTransport) -> None:
    restd.answers[SUBMIT] = (500, INVALID)
    with pytest.raises(SlurmRefused, match="Invalid partition name specified"):
        transport.submit("#!/bin/bash\n", OPTIONS, {})


def test_an_option_that_cannot_be_carried_is_refused_unsent(
    restd: Restd, transport: RestTransport
) -> None:
    with pytest.raises(SlurmRefused, match="--nodes=2-4"):
        transport.submit("", BatchOptions(chdir="/home/ada", others=("--nodes=2-4",)), {})
    assert restd.lines == ["GET /openapi/v3"]


@pytest.mark.parametrize(
    "body",
    ['{"errors": []}', '{"errors": [], "job_id": 0}', "taken", '{"errors": [], "job_id": "12"}'],
)
def test_a_submission_without_an_id_may_have_been_taken(
    restd: Restd, transport: RestTransport, body: str
) -> None:
    restd.answers[SUBMIT] = (200, body)
    with pytest.raises(SlurmUnavailable):
        transport.submit("#!/bin/bash\n", OPTIONS, {})


def test_a_cancelled_job_may_be_gone_already(restd: Restd, transport: RestTransport) -> None:
    restd.answers["DELETE /slurm/v0.0.38/job/12"] = (200, DONE)
    restd.answers["DELETE /slurm/v0.0.38/job/13_4"] = (500, GONE)
    transport.cancel(["12", "13_4"], timeout_s=10)
    assert restd.lines[1:] == ["DELETE /slurm/v0.0.38/job/12", "DELETE /slurm/v0.0.38/job/13_4"]


def test_one_job_of_somebody_else_does_not_keep_the_others(
    restd: Restd, transport: RestTransport
) -> None:
    restd.answers["DELETE /slurm/v0.0.38/job/12"] = (500, DENIED)
    restd.answers["DELETE /slurm/v0.0.38/job/13"] = (200, DONE)
    with pytest.raises(SlurmRefused, match="job/12: Access/permission denied"):
        transport.cancel(["12", "13"])
    assert restd.lines[-1] == "DELETE /slurm/v0.0.38/job/13"


@pytest.mark.parametrize("job_id", ["", "12/../13", "12?x", "all", "12_[1-3]", "-1"])
def test_only_a_job_id_is_cancelled(restd: Restd, transport: RestTransport, job_id: str) -> None:
    with pytest.raises(ValueError, match="is no job id"):
        transport.cancel([job_id])
    assert not any(line.startswith("DELETE") for line in restd.lines)


def test_a_job_is_shown_in_scontrols_words(restd: Restd, transport: RestTransport) -> None:
    document = json.loads(answer("slurm_38_jobs"))
    (job,) = (job for job in document["jobs"] if job["job_id"] == 848)
    job |= {"standard_output": "out/%A_%a.txt", "name": "two\n   StdOut=/etc/passwd"}
    restd.answers["GET /slurm/v0.0.38/job/848"] = (200, json.dumps(document | {"jobs": [job]}))
    text = transport.show_job(848)
    assert text.startswith("JobId=848 JobName=two    StdOut=/etc/passwd\n")
    assert "   ArrayJobId=831 ArrayTaskId=5\n" in text
    assert "   StdOut=/var/lib/slurm-test/work/out/831_5.txt\n" in text
    assert "JobState=FAILED Reason=NonZeroExitCode" in text


def test_a_job_that_is_forgotten_is_refused(restd: Restd, transport: RestTransport) -> None:
    restd.answers["GET /slurm/v0.0.38/job/9"] = (500, GONE)
    with pytest.raises(SlurmRefused, match="Invalid job id"):
        transport.show_job(9)


@pytest.mark.parametrize("silence", ["", "<html>Bad Gateway"])
def test_a_submission_that_a_proxy_lost_may_have_been_taken(
    restd: Restd, transport: RestTransport, silence: str
) -> None:
    restd.answers[SUBMIT] = (502, silence)
    with pytest.raises(SlurmUnavailable, match="HTTP 502"):
        transport.submit("#!/bin/bash\n", OPTIONS, {})
