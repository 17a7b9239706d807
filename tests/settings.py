"""Settings of a test run: the service's own, in a data folder that ends with the run."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Two test runs at once must not meet in one folder, nor in the folder of a running service.
_folder = Path(tempfile.mkdtemp(prefix="queuecast-test-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["QUEUECAST_DATA_DIR"] = str(_folder)
os.environ.setdefault("SECRET_KEY", "of-the-tests-only-" + "x" * 40)

from tracker.settings import *  # noqa: E402, F403
from tracker.settings import CACHES, DATABASES, STATIC_ROOT, STORAGES  # noqa: E402

# Programs that tests start run the service's own settings, in the folder above.
os.environ["DJANGO_SETTINGS_MODULE"] = "tracker.settings"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Hashed file names need collectstatic; pages under test only need the plain ones.
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
STATIC_ROOT.mkdir()  # WhiteNoise warns where collectstatic has not made it, and warnings are errors
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    # A file, not memory: threads must lock it as in production.
    DATABASES["default"]["TEST"] = {"NAME": _folder / "test.sqlite3"}
if "redis" in CACHES["default"]["BACKEND"]:
    # Each test empties its cache, which on Redis is a whole database: one of its own, so that it
    # empties neither another worker's nor the broker of a service that runs beside it.
    _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    CACHES["default"]["LOCATION"] = f"{str(CACHES['default']['LOCATION'])[:-1]}{8 + _worker % 8}"
