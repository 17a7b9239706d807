from __future__ import annotations

import pytest

from tests.slurm.corpus import HOSTILE_TEXTS, UNSENDABLE_TEXTS
from tracker.slurm.batch import BatchOptions
from tracker.slurm.script import check_options, option_words

GOOD = {
    "job_name": ["vit", "-x", "two words", "a'b\"c\\ # $(x)", "模型 🚀", "x" * 1000],
    "partition": ["gpu", "gpu,debug", "a.b_c@d+e-f"],
    "nodes": [1, 1_000_000],
    "mem": ["0", "512", "64G", "1T"],
    "gres": ["gpu", "gpu:2", "gpu:a100:2", "gpu:2,shard:1", "gres/gpu:1", "gres:gpu:1"],
    "time_limit_minutes": [1, 5_000_000],
    "output": ["logs/%x-%j.out", "%A_%4a.log", "100%%", "a b/%N_%s_%t_%u_%n_%b_%J"],
    "constraint": ["a100", "a100&ib", "[rack1*2&rack2*4]", "(a|b)&!c", "a,b"],
    "array": ["0", "0-7%2", "1,3,5-9:2", "4000000"],
    "dependency": [
        "singleton", "after:1+10:2", "afterok:1:2,afterany:3", "afternotok:1_3?aftercorr:2_*",
        "afterburstbuffer:9",
    ],
    "begin": [
        "now", "now+60", "now+1hour", "now+2days", "16:00", "7:05:30", "2026-02-28",
        "2026-11-23T12:30", "midnight", "noon", "teatime", "today", "tomorrow",
    ],
    "mail_type": ["END", "begin,end", "ALL", "TIME_LIMIT_90,ARRAY_TASKS"],
    "mail_user": ["ada", "ada.l+slurm@example.org"],
    "chdir": ["/", "/scratch/ada lovelace/模型"],
    "comment": ["queuecast:0192", "; touch x"],
    "others": [("--exclusive",), ("--my-plugin=a 'b' #c",), ("--nodes=2-4", "--hold")],
}  # fmt: skip
BAD = {
    "job_name": ["a\nb", "a\x7fb", "a\u2028b", "\x1b[2J", "x" * 1001],
    "partition": ["-gpu", "gpu,", ",gpu", "gpu,-x", "a b", "a;b", "gpü", "a/b"],
    "account": ["a b", "a:b"],
    "qos": ["'", "$x"],
    "nodes": [0, -1, 1_000_001],
    "ntasks": [0],
    "cpus_per_task": [0],
    "time_limit_minutes": [0, 5_000_001],
    "mem": ["64GB", "64 G", "-1", "64g", "1.5G", "٣G", "G"],
    "gres": ["gpu:", "gpu:a:b:c", "gpu 2", "-gpu", "gpu;2"],
    "output": ["-o", "a\nb", "%y", "50%", "%123j", "%é"],
    "error": ["--uid=0", "a\tb"],
    "chdir": ["runs", "./runs", "~/runs", "/a\nb", "/" + "x" * 4096],
    "constraint": ["a b", "-a", "a;b", "a$b", "a`b"],
    "array": ["a", "0,0", "0-3,2", "1,", "1,,2", "9-1", "1-3:0", "0-7%", "0-7%0", "1-3...",
              "4000001", "0-3999999", "-1", "1 2"],
    "dependency": ["1", "afterok", "afterok:", "afterok:a", "afterok:1+5", "afterok:1,",
                   "afterok:1,afterany:2?singleton", "later:1", "afterok:0", "singleton:1"],
    "begin": ["now+", "now+1fortnight", "24:00", "12:60", "2026-02-30", "2026-13-01", "soon",
              "now + 1hour", "1230"],
    "mail_type": ["ENDS", "END,", "END FAIL", "TIME_LIMIT_70"],
    "mail_user": ["a b", "-a", "a@b@c", "a@", "a;b", "a@-b", "$(x)"],
    "comment": ["a\nb", "\t"],
    "others": [("hold",), ("-H",), ("",), ("--",), ("--Ü=1",), ("--a b=1",), ("--uid=0",),
               ("--ui=0",), ("--export",), ("--parsable",), ("--comment=x",), ("--comment",),
               ("--foo=",), ("--foo=a\nb",), ("--foo=" + "x" * 1000,), ("--nodes=3",),
               ("--hold", "--wait")],
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in GOOD.items() for v in vs])
def test_what_sbatch_documents_is_accepted(field: str, value: object) -> None:
    assert check_options(BatchOptions(**{field: value})) == {}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in BAD.items() for v in vs])
def test_anything_else_is_a_problem_of_its_field_that_says_what_to_do(
    field: str, value: object
) -> None:
    problems = check_options(BatchOptions(**{field: value}))
    assert list(problems) == [field]
    assert any(cure in problems[field] for cure in ("give", "type", "put", "take", "write"))
    assert problems[field].isprintable()


@pytest.mark.parametrize(
    "text", [text for text in (*HOSTILE_TEXTS, *UNSENDABLE_TEXTS) if not text.isalnum()]
)
def test_only_free_text_and_paths_take_what_a_shell_would_obey(text: str) -> None:
    fields = ("partition", "account", "qos", "mem", "gres", "array", "dependency", "begin",
              "mail_type", "mail_user")  # fmt: skip
    problems = check_options(BatchOptions(**dict.fromkeys(fields, text)))
    assert set(problems) == set(fields)
    if not text.isprintable():
        free = ("job_name", "comment", "output", "error", "chdir", "constraint")
        assert set(check_options(BatchOptions(**dict.fromkeys(free, text)))) == set(free)


def test_a_number_of_nodes_beside_a_range_is_a_contradiction() -> None:
    problems = check_options(BatchOptions(nodes=3, others=("--nodes=2-4",)))
    assert problems == {"others": "'--nodes=2-4' stands beside nodes 3; give one of them"}


def test_a_field_given_over_a_script_replaces_its_range_and_keeps_the_rest() -> None:
    script = BatchOptions(partition="gpu", others=("--nodes=2-4", "--hold"))
    assert BatchOptions(nodes=3).over(script) == BatchOptions(
        partition="gpu", nodes=3, others=("--hold",)
    )
    assert BatchOptions(ntasks=3).over(script).others == ("--nodes=2-4", "--hold")


def test_words_are_unquoted_in_a_fixed_order_with_the_others_last() -> None:
    options = BatchOptions(
        comment="it's", nodes=2, time_limit_minutes=90, job_name="a b", others=("--hold",)
    )
    assert option_words(options) == [
        "--job-name=a b", "--nodes=2", "--time=01:30:00", "--comment=it's", "--hold",
    ]  # fmt: skip
    assert option_words(BatchOptions()) == []
