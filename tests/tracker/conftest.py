"""The tracker's tests run on a database file: threads then lock it as they do in production."""

from django.conf import settings
from django.db import connections

if connections["default"].vendor == "sqlite":
    connections["default"].settings_dict["TEST"]["NAME"] = settings.DATA_DIR / "test.sqlite3"
