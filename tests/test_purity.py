"""Pure packages stay importable without any framework: checked in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PURE = [
    "tracker.slurm",
    "tracker.curves",
    "tracker.usage.next_request",
    "tracker.comparing.smoothing",
    "tracker.comparing.seeds",
    "tracker.comparing.looks",
    "tracker.comparing.groups",
    "tracker.logs",
    "tracker.tensorboard",
    "tracker.client",
    "planner.sim",
    "planner.snapshot",
    "planner.selfcheck",
    "planner.workload",
    "planner.clusterfile",
    "planner.demo",
    "planner.advice",
    "planner.charts",
    "planner.traces",
    "planner.backtest",
    "planner.report",
    "planner.baselines",
    "planner.accuracy",
    "planner.quantiles",
    "planner.record.milestones",
    "planner.runtimes",
    "planner.arrivals",
    "planner.ensemble",
    "planner.calibration",
    "planner.learning",
    "planner.moves",
    "planner.asking.probe",
    "planner.forecasting.cadence",
    "planner.forecasting.forecasts",
    "planner.forecasting.news",
    "planner.forecasting.stored_starts",
    "planner.learnt.situating",
    "planner.futures",
    "planner.asking.request",
    "planner.asking.refusals",
    "planner.asking.scripts",
    "planner.asking.answered",
    "planner.asking.answer_text",
    "planner.asking.told_option",
    "planner.asking.option_asks",
    "planner.asking.request_words",
    "planner.asking.script_change",
    "planner.watches.better_slot",
]
HEAVY = {"sklearn", "scipy", "numba"}  # loaded by the function that computes, in the worker alone
COMPILED = "planner.sim.kernel."  # these load numba; the package itself loads them when called
FRAMEWORKS = {"django", "rest_framework", "celery", "requests", "tracker.models", "planner.models"}
IMPORT_ALL = """
import importlib, pkgutil, sys
root = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(getattr(root, "__path__", []), root.__name__ + "."):
    if not module.name.startswith(sys.argv[2]):
        importlib.import_module(module.name)
print(" ".join(sys.modules))
"""


@pytest.mark.parametrize("package", PURE)
def test_importing_it_imports_no_framework(package: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package, COMPILED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(answer.stdout.split())
    assert package in loaded
    assert loaded & (FRAMEWORKS | HEAVY) == set()


@pytest.mark.parametrize("package", ["tracker", "planner"])
def test_the_project_packages_are_empty(package: str) -> None:
    assert (ROOT / package / "__init__.py").read_text() == ""
