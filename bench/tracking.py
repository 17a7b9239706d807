"""MLflow's tracking server and ours side by side: the same client, the same points, one machine.

    python bench/tracking.py [--mlflow PYTHON] [--postgres] [--quick]

``make bench-tracking`` installs MLflow as ``bench/mlflow.lock`` pins it, and calls this. Each
server has one web worker and a fresh SQLite (``--postgres``: a database of a fresh PostgreSQL), and
all run at once while one of them is asked at a time: in every round each figure is taken of theirs,
of ours and, where it says something, of a bare view, and the median of the rounds is shown.

Ours is asked as in production: with a token, which is looked up, counted and checked against the
run. MLflow's server asks nobody who they are. CPU is that of a server's process tree, and of its
PostgreSQL. ``bare`` reads JSON and writes rows (``bench/tracking_bare.py``): the limit.

Exit code 1 when a goal is missed. Linux only.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.tracking_figures import Figure, line, table
from bench.tracking_rounds import Bench, Size
from bench.tracking_servers import ROOT, Place, bare, mlflow, ours, ours_whole
from tests import services

SETTLES_S = 15  # from the first answer to the last worker's start
SIZES = {
    False: Size(singles=300, each_of_eight=60, batches=25, runs=10_000, rounds=4),
    True: Size(singles=60, each_of_eight=10, batches=10, runs=2000, rounds=1),
}


def measured(mlflow_python: Path, size: Size, *, on_postgres: bool) -> list[Figure]:
    with ExitStack() as stack:
        folders = [stack.enter_context(services.folder("queuecast-bench-")) for _ in range(3)]
        url = stack.enter_context(services.postgres()) if on_postgres else None
        of_mlflow, of_ours, of_bare = (Place(folder, url) for folder in folders)
        theirs, uri = stack.enter_context(mlflow(of_mlflow, mlflow_python))
        us, environment = stack.enter_context(ours(of_ours))
        limit = stack.enter_context(bare(of_bare, us.told["argv"], us.port))
        bench = Bench(theirs, us, limit, size)
        bench.prepare(mlflow_python, uri, environment)
        figures = [told(figure) for figure in bench.figures(environment)]
        figures.append(told(whole_memory(of_mlflow, mlflow_python, of_ours, environment)))
        return figures


def whole_memory(
    of_mlflow: Place, mlflow_python: Path, of_ours: Place, environment: Mapping[str, str]
) -> Figure:
    """Of each service as its manual starts it, with all that runs beside its web server."""
    with mlflow(of_mlflow, mlflow_python, with_jobs=True) as (theirs, _):
        time.sleep(SETTLES_S)
        theirs_mib = theirs.pss_mib()
    with ours_whole(of_ours, environment) as us:
        time.sleep(SETTLES_S)
        return Figure("memory of the whole service", "MiB", theirs_mib, us.pss_mib(), goal=2)


def told(figure: Figure) -> Figure:
    """The figure, of which people hear as soon as it is known."""
    sys.stderr.write(line(figure) + "\n")
    return figure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mlflow", type=Path, default=ROOT / "var/mlflow/bin/python")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL instead of SQLite")
    parser.add_argument("--quick", action="store_true", help="small, to see that all works")
    asked = parser.parse_args()
    if not asked.mlflow.exists():
        parser.error(f"--mlflow {asked.mlflow} is not there; `make bench-tracking` installs it")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers end with it
    started = time.monotonic()
    figures = measured(asked.mlflow, SIZES[asked.quick], on_postgres=asked.postgres)
    print(table(figures))
    print(f"{'PostgreSQL' if asked.postgres else 'SQLite'}; {time.monotonic() - started:.0f} s")
    return int(any(figure.is_met is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
