from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.slurm.hostlist import compress, expand


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("cpu1", ["cpu1"]),
        ("cpu[01-03,07],gpu1", ["cpu01", "cpu02", "cpu03", "cpu07", "gpu1"]),
        ("cpu[9-11]", ["cpu9", "cpu10", "cpu11"]),
        ("cpu[098-101]", ["cpu098", "cpu099", "cpu100", "cpu101"]),
        ("r[1-2]n[01-02]", ["r1n01", "r1n02", "r2n01", "r2n02"]),
        ("n[1,3]-ib", ["n1-ib", "n3-ib"]),
        ("login-a,b.c", ["login-a", "b.c"]),
    ],
)
def test_host_lists_are_expanded_in_the_order_written(text: str, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize("text", ["cpu[1-", "cpu]1[", "cpu[[1]]", "cpu[a-b]", "cpu[]", "cpu[3-1]"])
def test_malformed_lists_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"bracket|range"):
        expand(text)


@pytest.mark.parametrize(
    "text", ["a[0-999999999999]", "a[0-9999][0-9999][0-9999]", "a[1-60],b[1-60]"]
)
def test_a_list_of_more_names_than_allowed_is_refused_before_it_is_built(text: str) -> None:
    with pytest.raises(ValueError, match="more"):
        expand(text, max_hosts=100)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["gpu1", "cpu07", "cpu02", "cpu01", "cpu03"], "cpu[01-03,07],gpu1"),
        (["n9", "n10", "n11"], "n[9-11]"),
        (["n09", "n10", "n11"], "n[09-11]"),
        (["n1", "n01"], "n1,n01"),
        (["head", "head"], "head"),
        ([], ""),
    ],
)
def test_names_are_compressed_as_slurm_writes_them(names: list[str], text: str) -> None:
    assert compress(names) == text


HOSTS = st.from_regex(r"[a-z]{1,3}[0-9]{0,4}(-ib)?", fullmatch=True)


@given(st.sets(HOSTS, max_size=30))
def test_compressing_and_expanding_gives_the_same_names(names: set[str]) -> None:
    expanded = expand(compress(names))
    assert len(expanded) == len(names)
    assert set(expanded) == names


@given(st.text(alphabet="ab01-9[],", max_size=30) | st.text(max_size=30))
def test_any_text_is_a_host_list_or_a_value_error(text: str) -> None:
    try:
        assert len(expand(text, max_hosts=1000)) <= 1000
    except ValueError:
        return
