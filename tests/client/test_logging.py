"""What arrives of what a training logs, while the service does as it should."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.client.node import Node
from tests.client.service import Service


def test_points_arrive_with_step_time_and_attempt_in_their_order(
    node: Node, service: Service
) -> None:
    before_s = datetime.now(UTC).timestamp()
    ended = node.run(
        """
queuecast.init(config={"lr": 3e-4}, seed=1)
for step in range(3): queuecast.log({"loss": 1 / (step + 1), "epoch": 0}, step=step * 10)
queuecast.finish()
""",
        SLURM_JOB_ID="828",
        SLURM_RESTART_COUNT="2",
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert service.values("loss") == [1, 1 / 2, 1 / 3]
    assert [point["step"] for point in service.points] == [0, 0, 10, 10, 20, 20]
    assert {point["attempt"] for point in service.points} == {2}
    after_s = datetime.now(UTC).timestamp()
    assert all(before_s <= point["time"] <= after_s for point in service.points)
    assert node.left() == []


def test_a_run_tells_what_it_is_and_how_it_ended(node: Node, service: Service) -> None:
    node.run(
        """
queuecast.init(9, {"lr": 1e-3}, seed=4, name="wide", tags=["baseline"], key="k", cluster="lab")
queuecast.log_artifact("out/last.pt", kind="checkpoint")
queuecast.finish(exit_code=0)
""",
        SLURM_JOB_ID="828",
    )
    creates = [body for _, path, body in service.requests if path == "/experiments/9/runs"]
    create = {"slurm_job_id": 828, "seed": 4, "config": {"lr": 1e-3}, "key": "k", "cluster": "lab"}
    assert creates == [create | {"name": "wide"}]
    words = next(words for words in service.words if "surroundings" in words)
    assert (words["name"], words["tags"]) == ("wide", {"baseline": ""})
    last_pt = str(node.home / "out/last.pt")
    assert service.artifacts == [{"kind": "checkpoint", "path": last_pt}]
    assert service.statuses() == ["RUNNING", "COMPLETED"]


def test_surroundings_hold_what_one_looks_for_and_no_secret(node: Node, service: Service) -> None:
    for words in (["init", "-q"], ["add", "queuecast.py"], ["commit", "-qm", "x"]):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        node.environ["GIT"] = " ".join(command)
        assert node.run("import subprocess; subprocess.run(os.environ['GIT'].split())").stderr == ""
    node.run(
        "sys.argv[1:] = ['--lr=3', '--api-key=s3cret', '--token', 's3cret', 'x']; queuecast.init()",
        SLURM_JOB_PARTITION="gpu",
        SLURM_JOB_SECRET="s3cret",
        QUEUECAST_ENV="MY_*",
        MY_SETTING="4",
    )
    [told] = [words["surroundings"] for words in service.words if "surroundings" in words]
    assert told["argv"][1:] == ["--lr=3", "--api-key=***", "--token", "***", "x"]
    assert told["environment"]["SLURM_JOB_PARTITION"] == "gpu"
    assert told["environment"]["MY_SETTING"] == "4"
    assert len(told["git"]["commit"]) == 40
    assert told["git"]["changed"] is False
    assert told["host"]
    assert "s3cret" not in json.dumps(told)
    assert "secret@" not in json.dumps(told)


def test_a_long_name_is_cut_and_costs_neither_the_run_nor_its_surroundings(
    node: Node, service: Service
) -> None:
    node.run("queuecast.init(name='x' * 201)")
    [created] = [body["name"] for _, path, body in service.requests if path.endswith("/runs")]
    [words] = [words for words in service.words if "surroundings" in words]
    assert created == words["name"] == "x" * 200


def test_secrets_of_a_configuration_are_hidden_and_a_tokenizer_is_none(
    node: Node, service: Service
) -> None:
    node.run(
        """
import argparse
sys.argv[1:] = ["--tokenizer", "bpe", "--max-tokens=512"]
hub = {"password": "s3cret", "user": "ada", "keys": [{"api_key": "s3cret"}]}
sizes = {"tokenizer": "bpe", "max_tokens": 512, "token_dim": 64}
queuecast.init(config=argparse.Namespace(hf_token="s3cret", hub=hub, **sizes))
"""
    )
    [config] = [body["config"] for _, path, body in service.requests if path.endswith("/runs")]
    assert config == {
        "hf_token": "***", "tokenizer": "bpe", "max_tokens": 512, "token_dim": 64,
        "hub": {"password": "***", "user": "ada", "keys": [{"api_key": "***"}]},
    }  # fmt: skip
    [told] = [words["surroundings"] for words in service.words if "surroundings" in words]
    assert told["argv"][1:] == ["--tokenizer", "bpe", "--max-tokens=512"]


def test_what_is_not_finite_and_what_numpy_holds_arrives_as_it_is(
    node: Node, service: Service
) -> None:
    ended = node.run(
        """
import numpy
queuecast.init(config={"lr": numpy.float32(0.5), "n": float("nan"), "path": sys, 3: {"a": (1,)}})
for value in (float("nan"), float("inf"), -float("inf"), numpy.float64(2), numpy.array(3), True):
    queuecast.log({"loss": value})
queuecast.finish()
"""
    )
    assert ended.stderr == ""
    assert service.values("loss") == ["NaN", "Infinity", "-Infinity", 2, 3, 1]
    assert [point["step"] for point in service.points] == [0, 1, 2, 3, 4, 5]
    config = service.runs[0]["config"]
    assert config.pop("path").startswith("<module 'sys'")
    assert config == {"lr": 0.5, "n": "NaN", "3": {"a": [1]}}


def test_what_is_no_number_is_told_once_and_training_goes_on(node: Node, service: Service) -> None:
    ended = node.run(
        """
queuecast.log({"too early": 1})
queuecast.init()
for step in range(3):
    queuecast.log({"loss": "high", "with it": 1}, step=step)
    queuecast.log({"": 1}, step=step)
    queuecast.log({"a\\0b": 1}, step=step)
    queuecast.log(None, step=step)
    queuecast.log({"fine": step}, step=step)
queuecast.log_artifact(7)
print("trained")
queuecast.finish()
queuecast.log({"late": 1})
"""
    )
    assert (ended.returncode, ended.stdout) == (0, "trained\n")
    assert service.values("fine") == [0, 1, 2]
    assert {point["name"] for point in service.points} == {"fine", "with it"}
    told = ended.stderr.splitlines()
    assert len(told) == 7
    assert told[0] == "queuecast: call init() before log(): nothing is logged"
    assert "metric 'loss' is not kept: could not convert" in told[1]


def test_a_thousand_metrics_in_one_call_and_ten_thousand_calls_all_arrive(
    node: Node, service: Service
) -> None:
    node.run(
        """
queuecast.init()
queuecast.log({f"m{number}": number for number in range(2_500)})
for step in range(12_000): queuecast.log({"loss": step}, step=step)
queuecast.finish()
"""
    )
    assert service.values("loss") == list(range(12_000))
    assert {point["name"] for point in service.points} >= {f"m{n}" for n in range(2_500)}
    sizes = [len(body) for _, path, body in service.requests if path.endswith("/metrics")]
    assert max(sizes) <= 1_000
    assert len(sizes) < 40


@pytest.mark.parametrize("variable", ["SLURM_PROCID", "RANK", "PMI_RANK"])
def test_of_many_ranks_only_the_first_logs_unless_all_shall(
    node: Node, service: Service, variable: str
) -> None:
    ended = node.run("queuecast.init(); queuecast.log({'loss': 1})", **{variable: "3"})
    assert (ended.stderr, service.requests) == ("", [])
    node.run("queuecast.init(all_ranks=True); queuecast.log({'loss': 1})", **{variable: "3"})
    assert service.values("loss") == [1]


def test_runs_one_after_another_in_one_process_are_runs_of_their_own(
    node: Node, service: Service
) -> None:
    node.run(
        """
ids = []
for seed in (1, 2):
    run = queuecast.init(seed=seed)
    run.log({"loss": seed})
    run.flush()
    ids.append(run.id)
assert len(set(ids)) == 2, ids
""",
        SLURM_JOB_ID="828",
    )
    assert [run["seed"] for run in service.runs] == [1, 2]
    assert service.values("loss") == [1, 2]
    assert service.statuses() == ["RUNNING", "COMPLETED", "RUNNING"]


def test_a_run_that_is_named_is_gone_on_with(node: Node, service: Service) -> None:
    known = "ab" * 16
    node.run(f"queuecast.init(run_id={known!r}); queuecast.log({{'loss': 1}})", EXPERIMENT_ID="")
    paths = [path for _, path, _ in service.requests]
    assert f"/runs/{known}/metrics" in paths
    assert service.runs == []


def test_a_netrc_of_another_account_changes_nothing(node: Node, service: Service) -> None:
    text = "machine 127.0.0.1 login alice password of-another-service\n"
    (node.home / ".netrc").write_text(text)
    node.run("queuecast.init(); queuecast.log({'loss': 1})")
    assert service.values("loss") == [1]
    assert service.tokens == {"Bearer secret"}
