"""Docs that can be wrong are compared with what they describe."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from tracker.polling import KINDS
from tracker.slurm.commands import COMMANDS
from tracker.slurm.rows import SEPARATOR

ROOT = Path(__file__).resolve().parents[1]
# Set by the test run or by the operating system, not by whoever runs the service.
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PATH"}


def test_every_setting_is_described_and_every_description_is_read() -> None:
    source = (ROOT / "tracker/settings.py").read_text() + (ROOT / "tracker/env.py").read_text()
    read = set(re.findall(r"""(?:environ\.get|environ|env\.\w+)[\[(]["']([A-Z_]+)["']""", source))
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert read - NOT_SETTINGS == described


def test_staff_are_told_every_command_its_pace_and_its_cost() -> None:
    text = (ROOT / "docs/slurm-access.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|(.*)\|$", text.partition("## Rights")[0], re.MULTILINE)
    ]
    told = {row[0].strip("`"): row[1:] for row in rows if row[0].startswith("`")}
    assert told.keys() == COMMANDS.keys()
    paces = {
        command: f"{settings.CELERY_BEAT_SCHEDULE[kind]['schedule']:.0f} s"
        for kind, commands in KINDS.items()
        for command in commands
    }
    for name, (command, pace, rpcs, *per_hour) in told.items():
        words = COMMANDS[name].argv
        fixed = next((at for at, word in enumerate(words) if "," in word), len(words))
        plain = " ".join(word for word in words[:fixed] if SEPARATOR not in word)
        assert command.strip("`").startswith(plain)
        assert pace == paces.get(name, "only by `manage.py capture`")
        asked = 3600 // int(pace.split()[0]) * int(rpcs) if name in paces else 0
        assert sum(int(number or 0) for number in per_hour) == asked
    sums = [sum(int(row[at] or 0) for row in told.values()) for at in (3, 4)]
    assert [f"**{total}**" for total in sums] == rows[-1][-2:]
