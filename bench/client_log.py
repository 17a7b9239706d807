"""What queuecast.log() costs a training: microseconds a call, and the share of a step.

    python bench/client_log.py [--steps 1000] [--step-ms 50] [--metrics 2] [--away]

The CPU of 10,000 calls in a row; then calls between steps that compute, and how much longer such
steps take than the same steps without logging, the two taken in turns so that the machine's own
moods fall on both. A small server in a process of its own answers; with --away nobody
does. The training, its threads and the server share this machine's cores, as they would not on a
cluster.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CALLS = 10_000
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tracker.client.onefile import client_source  # noqa: E402 (found through the line above)

SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"run_id": "%s", "results": []}' % (b"01" * 16))
    do_GET = do_PATCH = do_POST
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def serving() -> Iterator[int]:
    """The port of a server that takes everything."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def work_of(seconds: float) -> int:
    """How many rounds of ``sum`` fill such a step here and now."""
    rounds, until = 0, time.perf_counter() + seconds * 20
    while time.perf_counter() < until:
        sum(range(1_000))
        rounds += 1
    return max(rounds // 20, 1)


def measure(log: Callable[..., None], asked: argparse.Namespace) -> dict[str, float]:
    metrics = {f"metric {number}": 0.5 for number in range(asked.metrics)}
    own_s, all_s = time.thread_time(), time.process_time()
    for step in range(CALLS):
        log(metrics, step)
    own_s = time.thread_time() - own_s
    time.sleep(3)  # those are written and sent meanwhile
    all_s = time.process_time() - all_s
    rounds = work_of(asked.step_ms / 1_000)
    plain_s, logged_s, call_s = [], [], []
    for step in range(asked.steps):
        for times, is_logging in ((plain_s, False), (logged_s, True)):
            began_s = time.perf_counter()
            for _ in range(rounds):
                sum(range(1_000))
            if is_logging:
                before_s = time.perf_counter()
                log(metrics, step)
                call_s.append(time.perf_counter() - before_s)
            times.append(time.perf_counter() - began_s)
    return {
        "CPU of a call, us": 1e6 * own_s / CALLS,
        "CPU of a call with writing and sending it, us": 1e6 * all_s / CALLS,
        "a call between steps, median us": 1e6 * statistics.median(call_s),
        "a call between steps, 99 % us": 1e6 * statistics.quantiles(call_s, n=100)[98],
        "the slowest call, us": 1e6 * max(call_s),
        "share of the median step, %": 100 * statistics.median(call_s) / statistics.median(plain_s),
        "steps with logging take longer by, % of the mean": 100
        * (statistics.mean(logged_s) / statistics.mean(plain_s) - 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--step-ms", type=float, default=50)
    parser.add_argument("--metrics", type=int, default=2)
    parser.add_argument("--away", action="store_true", help="nobody answers")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving() as port:
        Path(folder, "queuecast.py").write_text(client_source(), encoding="utf-8")
        address = f"http://token:secret@127.0.0.1:{1 if asked.away else port}"
        os.environ.update(TRACKER_API=address, QUEUECAST_SPOOL=f"{folder}/spool")
        sys.path.insert(0, folder)
        import queuecast

        queuecast.init(1)
        for what, figure in measure(queuecast.log, asked).items():
            print(f"{figure:10.2f}  {what}")
        queuecast.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main())
