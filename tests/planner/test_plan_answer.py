"""An answer on the planning page, part by part: what it says, shows and leads to."""

from __future__ import annotations

import json
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import strip_tags

from planner.models import Question
from planner.views.plan_links import asking
from tests.factories import make_cluster, make_experiment
from tests.planner.answers import first_part, full_answer, option, quantiles, store_question
from tracker.models import Cluster, Node, Partition, Poll, ResourceRequest

pytestmark = pytest.mark.django_db

SCRIPT = """\
#!/bin/bash
#SBATCH --partition=cpu
#SBATCH --gres=gpu:a100:2 --time=4:00:00
#SBATCH --mail-type=END

python train.py
"""


@pytest.fixture
def cluster(db) -> Cluster:
    cluster = make_cluster()
    for name in ("cpu", "gpu"):
        Partition.objects.create(cluster=cluster, name=name, state="UP")
    size = {"cpus": 8, "cpus_alloc": 0, "mem_mib": 1024, "mem_alloc_mib": 0, "state": "IDLE"}
    Node.objects.create(cluster=cluster, name="gpu01", gpus={"a100": 4}, **size)
    Poll.objects.create(
        cluster=cluster,
        command="squeue",
        started_at=timezone.now(),
        seconds=0.1,
        ok=True,
        raw=b"",
    )
    return cluster


def shown(client, user, question: Question, query: str = "") -> str:
    client.force_login(user)
    response = client.get(f"/plan/questions/{question.pk}{query}")
    assert response.status_code == 200
    return response.content.decode()


def text_of(html: str) -> str:
    return unescape(" ".join(strip_tags(html).split()))


def test_a_full_answer_has_every_part(client, people, cluster) -> None:
    question = store_question(people.alice, cluster, timezone.now(), full_answer(timezone.now()))
    html = shown(client, people.alice, question)
    text = text_of(html)
    assert "Submitted to gpu, QOS normal, a100, it would start about" in text
    assert "As you asked for it (gpu-long, a100) it would start about" in text
    assert "The smallest change that helps: With limit_minutes of 120" in text
    assert "Because it has no GPUs." in text
    assert "0.412 → 0.398" in text
    assert "Submit now: a waiting job gains priority" in text
    assert "94 % of the futures meet it" in text
    assert "14 jobs stand before it" in text and "time in the queue" in text
    assert "Two A100 are asked for on one node and one is free." in text
    assert "With twice the fair share" in text
    for figure in ("walltime-figure", "fan-figure", "heat-figure"):
        assert f'id="{figure}"' in html and f'data-plan-figure="{figure}"' in html


def test_every_figure_of_an_answer_has_its_numbers_as_a_table(client, people, cluster) -> None:
    question = store_question(people.alice, cluster, timezone.now(), full_answer(timezone.now()))
    html = shown(client, people.alice, question)
    text = text_of(html)
    assert html.count("simulated futures</td>") == 24
    assert html.count("16 past waits</td>") == 126
    assert "4 h 2 h 1 h to 4 h 4 % maintenance begins in 3 h" in text


def test_what_is_approximate_and_what_was_simulated_is_said(client, people, cluster) -> None:
    answer = full_answer(timezone.now())
    question = store_question(people.alice, cluster, timezone.now(), answer)
    assert 'pill-ok">simulated' in shown(client, people.alice, question)
    answer["options"][0]["approximate"] = True
    Question.objects.update(answer=answer)
    assert "approximate" in text_of(shown(client, people.alice, question))


def test_the_first_part_of_an_answer_shows_while_the_rest_is_worked_out(
    client, people, cluster
) -> None:
    at = timezone.now()
    question = store_question(people.alice, cluster, at, first_part(at), state="running")
    html = shown(client, people.alice, question)
    assert "Submitted to" in html and "Being worked out" in html
    assert "More follows" in html and 'hx-trigger="every 2s"' in html
    seen = client.get(f"/plan/questions/{question.pk}").context["answer_seen"]
    assert client.get(f"/plan/questions/{question.pk}?seen={seen}").status_code == 204
    Question.objects.update(answer=full_answer(at), state="done")
    whole = client.get(f"/plan/questions/{question.pk}?seen={seen}").content.decode()
    assert "Why it waits" in whole and "hx-get" not in whole


def test_each_part_that_arrives_is_sent_and_says_what_still_follows(
    client, people, cluster
) -> None:
    at = timezone.now()
    question = store_question(people.alice, cluster, at, first_part(at), state="running")
    url = f"/plan/questions/{question.pk}"
    client.force_login(people.alice)
    seen = client.get(url).context["answer_seen"]
    Question.objects.update(answer=full_answer(at) | {"complete": False})
    second = client.get(f"{url}?seen={seen}")
    assert "times of the best options are being simulated" in second.content.decode()
    assert client.get(f"{url}?seen={second.context['answer_seen']}").status_code == 204


def test_places_of_the_page_keep_their_names_when_options_are_ranked_anew(
    client, people, cluster
) -> None:
    at = timezone.now()
    answer = full_answer(at)
    question = store_question(people.alice, cluster, at, answer)
    assert 'id="use-gpu-long-a100"' in shown(client, people.alice, question)
    answer["options"].reverse()
    Question.objects.update(answer=answer | {"best": 1, "default": 2})
    assert 'id="use-gpu-long-a100"' in shown(client, people.alice, question)


def test_a_change_can_be_planned_by_its_link(client, people, cluster) -> None:
    answer = full_answer(timezone.now())
    args = ["--partition=gpu", "--gpus=a100:1", "--time=02:00:00"]
    answer["changes"][0]["option"]["sbatch_args"] = args
    question = store_question(people.alice, cluster, timezone.now(), answer)
    client.force_login(people.alice)
    experiment = make_experiment(people.alice).pk
    url = f"/plan/questions/{question.pk}?experiment={experiment}"
    link = client.get(url).context["changes"][0]["link"]
    assert parse_qs(urlsplit(link).query) == {
        **{"cluster": ["lab"], "ask": ["1"], "partition": ["gpu"], "time": ["02:00:00"]},
        **{"gpus": ["1"], "gpu_type": ["a100"], "experiment": [str(experiment)]},
    }


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("--gpus=2", {"gpus": "2"}),
        ("--gpus-per-node=h100:2", {"gpus": "4", "gpu_type": "h100"}),
        ("--gres=gpu:v100:1", {"gpus": "2", "gpu_type": "v100", "gpus_option": "gres"}),
        ("--mem-per-cpu=4000M", {"mem": "4000M", "mem_per_cpu": "1"}),
        ("--exclusive", {"exclusive": "1"}),
    ],
)
def test_options_of_sbatch_come_back_as_fields_of_the_form(word, fields) -> None:
    query = parse_qs(urlsplit(asking("lab", ["--nodes=2", word], QueryDict())).query)
    assert {name: query[name] for name in fields} == {name: [v] for name, v in fields.items()}


def test_a_start_beyond_the_horizon_and_unknown_shares_are_said_not_guessed(
    client, people, cluster
) -> None:
    at = timezone.now()
    answer = full_answer(at)
    late = {"start": quantiles(None, None, None), "finish": quantiles(None, None, None)}
    answer["options"] = [option("gpu", 1, **late, later_than_horizon=["p10", "p50", "p90"])]
    answer["walltime"][0] |= {
        "start": late["start"],
        "p_killed": None,
        "later_than_horizon": ["p50"],
    }
    question = store_question(
        people.alice, cluster, at, answer | {"best": None, "default": None, "smallest_change": None}
    )
    text = text_of(shown(client, people.alice, question))
    assert "It would not start within 1 d in any partition." in text
    assert "10 min over 1 d –" in text


def test_options_that_differ_in_their_qos_alone_are_told_once(client, people, cluster) -> None:
    at = timezone.now()
    answer = full_answer(at)
    answer["options"] = [option("gpu", 1), option("gpu", 1, qos="high"), option("cpu", 1)]
    question = store_question(people.alice, cluster, at, answer)
    text = text_of(shown(client, people.alice, question))
    assert text.count("the same as gpu, QOS normal, a100") == 1
    assert "gpu, QOS high, a100 as asked the same as" in text


def test_an_answer_from_an_old_queue_says_so_first(client, people, cluster) -> None:
    at = timezone.now() - timedelta(hours=1)
    question = store_question(people.alice, cluster, at, full_answer(at))
    assert "This answer is from the queue as it was 1 h ago" in text_of(
        shown(client, people.alice, question)
    )


def test_figures_are_json_with_colours_of_the_page(client, people, cluster) -> None:
    question = store_question(people.alice, cluster, timezone.now(), full_answer(timezone.now()))
    client.force_login(people.alice)
    context = client.get(f"/plan/questions/{question.pk}").context
    for name in ("walltime_figure", "fan_figure", "heat_figure"):
        told = json.dumps(context[name])
        assert "var(--series-3)" in told and "#" not in told


def test_a_pasted_script_becomes_a_question_in_the_address(client, people, cluster) -> None:
    client.force_login(people.alice)
    response = client.post("/plan/script", {"cluster": "lab", "script": SCRIPT})
    assert response.status_code == 302
    query = parse_qs(urlsplit(response.url).query)
    assert query["partition"] == ["cpu"] and query["gpus"] == ["2"]
    assert query["ignored"] == ["--mail-type=END"]
    html = client.get(response.url).content.decode()
    assert "2 a100 GPUs, 1 CPU" in html
    asked = Question.objects.get().request
    assert (asked["gpus"], asked["limit_minutes"]) == (2, 240)


def test_an_uploaded_script_is_read_as_a_pasted_one(client, people, cluster, tmp_path) -> None:
    file = tmp_path / "train.sh"
    file.write_text(SCRIPT)
    client.force_login(people.alice)
    with file.open("rb") as upload:
        response = client.post("/plan/script", {"cluster": "lab", "file": upload})
    assert parse_qs(urlsplit(response.url).query)["time"] == ["04:00:00"]


def test_a_script_that_sbatch_would_refuse_comes_back_with_the_line(
    client, people, cluster
) -> None:
    client.force_login(people.alice)
    response = client.post(
        "/plan/script", {"cluster": "lab", "script": "#!/bin/bash\n#SBATCH --nodes\n"}
    )
    assert response.status_code == 400
    html = response.content.decode()
    assert "Line 2" in html and "#SBATCH --nodes\n</textarea>" in html
    assert not Question.objects.exists()


def test_the_diff_shows_what_an_option_changes_in_the_pasted_script(
    client, people, cluster
) -> None:
    client.force_login(people.alice)
    address = client.post("/plan/script", {"cluster": "lab", "script": SCRIPT}).url
    client.get(address)
    at = timezone.now()
    Question.objects.update(answer=full_answer(at), snapshot_at=at, state="done")
    url = f"/plan/questions/{Question.objects.get().pk}?{urlsplit(address).query}"
    html = client.get(url).content.decode()
    assert '<span class="diff-old">-#SBATCH --partition=cpu</span>' in html
    assert '<span class="diff-new">+#SBATCH --partition=gpu</span>' in html
    # Another script has been pasted since: its diff would be another one.
    client.post("/plan/script", {"cluster": "lab", "script": SCRIPT.replace("a100", "v100")})
    assert "diff-old" not in client.get(url).content.decode()


def test_an_experiment_fills_the_form_with_what_it_asks_for(client, people, cluster) -> None:
    experiment = make_experiment(people.alice, batch_script=SCRIPT)
    ResourceRequest.objects.create(experiment=experiment, cluster=cluster, partition="gpu")
    client.force_login(people.alice)
    response = client.get(f"/plan?experiment={experiment.pk}&cluster=lab")
    query = parse_qs(urlsplit(response.url).query)
    assert query["partition"] == ["gpu"] and query["experiment"] == [str(experiment.pk)]
    assert query["gpu_type"] == ["a100"]


def test_an_experiment_that_one_may_not_see_fills_nothing(client, people, cluster) -> None:
    experiment = make_experiment(people.alice, shared=False)
    client.force_login(people.mallory)
    assert client.get(f"/plan?experiment={experiment.pk}").status_code == 404


def test_an_experiment_whose_script_cannot_be_read_leaves_the_form_and_says_why(
    client, people, cluster
) -> None:
    experiment = make_experiment(people.alice, batch_script="#!/bin/bash\n#SBATCH --nodes\n")
    client.force_login(people.alice)
    response = client.get(f"/plan?experiment={experiment.pk}&cluster=lab")
    assert response.status_code == 200
    assert "cannot be read" in response.content.decode()
