"""Make the one file that is served of the parts of this package."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from textwrap import fill

FOLDER = Path(__file__).parent
PACKAGE = "tracker.client."
WIDTH, INDENT = 100, "    "
# In the order in which one reads them; what a part imports of another stands above it.
PARTS = (
    "server", "terminal", "values", "api", "surroundings", "spool", "delivery", "recorder", "run",
    "sync", "beginning", "training", "starting", "following", "planning", "command",
)  # fmt: skip


@cache
def client_source() -> str:
    """The text of queuecast.py."""
    sources = {name: (FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in PARTS}
    about = ast.get_docstring(ast.parse((FOLDER / "__init__.py").read_text(encoding="utf-8")))
    return assemble(about or "", sources)


def assemble(about: str, sources: Mapping[str, str]) -> str:
    """One module of many: imports among the parts go, all others stand at its top, once.

    Raises ValueError for what would mean another thing in one module: a name that two parts
    define, an import under another name or after other statements, a part that stands above what
    it imports.
    """
    imports: dict[str, set[str]] = defaultdict(set)  # names by module; "" for the module itself
    defined: dict[str, str] = {}  # the part by name
    texts = []
    for part, source in sources.items():
        tree = ast.parse(source)
        body = tree.body[1:] if ast.get_docstring(tree) else tree.body
        heads = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        if heads != body[: len(heads)]:
            raise ValueError(f"{part}: an import stands below other statements")
        for node in heads:
            _take_import(part, node, imports, defined)
        for name in _names(body):
            if name in defined:
                raise ValueError(f"{name} is defined by {defined[name]} and by {part}")
            defined[name] = part
        title = (ast.get_docstring(tree) or "").replace("\n", "\n# ").replace("# \n", "#\n")
        first = heads[-1].end_lineno or 0 if heads else body[0].lineno - 1
        rest = "\n".join(source.splitlines()[first:]).strip("\n")
        texts.append(f"\n\n# --- {part}\n# {title}\n\n{rest}\n")
    for taken in {name for names in imports.values() for name in names} & set(defined):
        raise ValueError(f"{taken} is imported, and defined by {defined[taken]}")
    head = f'#!/usr/bin/env python3\n"""{about}\n"""\n\nfrom __future__ import annotations\n'
    return f"{head}\n{''.join(_import_lines(imports))}{''.join(texts)}"


def _take_import(
    part: str,
    node: ast.Import | ast.ImportFrom,
    imports: dict[str, set[str]],
    defined: Mapping[str, str],
) -> None:
    for alias in node.names:
        if alias.asname:
            raise ValueError(f"{part}: {alias.name} is imported under another name")
        if isinstance(node, ast.Import):
            imports[alias.name].add("")
        elif (node.module or "").startswith(PACKAGE):
            if defined.get(alias.name) != str(node.module)[len(PACKAGE) :]:
                raise ValueError(f"{part} stands above {node.module}.{alias.name}")
        elif node.module != "__future__":
            imports[str(node.module)].add(alias.name)


def _import_lines(imports: Mapping[str, set[str]]) -> Iterable[str]:
    for module in sorted(module for module, names in imports.items() if "" in names):
        yield f"import {module}\n"
    for module, names in sorted(imports.items()):
        wanted = ", ".join(sorted(names - {""}))
        if len(module) + len(wanted) > WIDTH - len("from  import "):
            wanted = f"(\n{fill(wanted, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)}\n)"
        if wanted:
            yield f"from {module} import {wanted}\n"


def _names(body: Iterable[ast.stmt]) -> Iterable[str]:
    """What the statements define at the level of the module."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            inside = (name for target in targets for name in ast.walk(target))
            yield from (name.id for name in inside if isinstance(name, ast.Name))
