"""queuecast.py as a user has it: the served file, alone in a folder."""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from tracker.client.onefile import client_source

FOLDER = Path(tempfile.mkdtemp(prefix="queuecast-client-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
FILE = FOLDER / "queuecast.py"
FILE.write_text(client_source(), encoding="utf-8")


def _imported() -> ModuleType:
    spec = importlib.util.spec_from_file_location("queuecast", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["queuecast"] = module
    spec.loader.exec_module(module)
    return module


queuecast = _imported()
