"""One file of many parts."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import tracker.client
from tracker.client.onefile import PARTS, assemble, client_source

ONE = '''"""The first."""

from __future__ import annotations

import re


def much() -> int:
    return len(re.escape("."))  # as it stands
'''
TWO = """
import re
import ast
from tracker.client.one import much


def how_much() -> str:
    return f"{much()}"
"""


def test_parts_stand_one_after_another_and_what_they_import_at_the_top_once() -> None:
    text = assemble("About.\n\nMore.", {"one": ONE, "two": TWO})
    assert text.startswith('#!/usr/bin/env python3\n"""About.\n\nMore.\n"""\n\nfrom __future__')
    assert re.findall("^import .*|^from .*", text, re.MULTILINE) == [
        "from __future__ import annotations",
        "import ast",
        "import re",
    ]
    assert "# --- one\n# The first.\n\ndef much" in text
    assert "  # as it stands\n" in text
    names: dict[str, object] = {}
    exec(text, names)  # noqa: S102 (the text of this test)
    assert names["how_much"]() == "2"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("much = 3\n", "much is defined by one and by two"),
        ("a, (b, much) = 1, (2, 3)\n", "much is defined by one and by two"),
        ("from os import path as p\n", "path is imported under another name"),
        ("from tracker.client.one import less\n", "two stands above tracker.client.one.less"),
        ("x = 1\nimport ast\n", "an import stands below other statements"),
        ("from os import much\n", "much is imported, and defined by one"),
    ],
)
def test_what_would_mean_another_thing_in_one_module_is_refused(second: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        assemble("", {"one": ONE, "two": second})


def test_every_part_is_in_the_file_and_the_file_is_not_wider_than_its_parts() -> None:
    folder = Path(tracker.client.__file__).parent
    assert {*PARTS, "onefile", "__init__"} == {path.stem for path in folder.glob("*.py")}
    assert max(map(len, client_source().splitlines())) <= 100


def test_it_is_python_3_8_and_imports_the_standard_library_only() -> None:
    tree = ast.parse(client_source(), feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    imported = {alias.name for node in imports for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
