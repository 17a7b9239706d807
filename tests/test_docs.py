"""Docs that can be wrong are compared with what they describe."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Set by the test run or by the operating system, not by whoever runs the service.
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PATH"}


def test_every_setting_is_described_and_every_description_is_read() -> None:
    source = (ROOT / "tracker/settings.py").read_text() + (ROOT / "tracker/env.py").read_text()
    read = set(re.findall(r"""(?:environ\.get|environ|env\.\w+)[\[(]["']([A-Z_]+)["']""", source))
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert read - NOT_SETTINGS == described
