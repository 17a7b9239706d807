#!/usr/bin/env python
"""Queuecast's command line; ``--data-dir D`` goes with every command."""

import os
import sys


def _take_data_dir(argv: list[str]) -> list[str]:
    """Move ``--data-dir D`` from the arguments to the environment: settings read it at import."""
    kept: list[str] = []
    rest = iter(argv)
    for word in rest:
        if word == "--data-dir":
            value = next(rest, None)
            if value is None:
                sys.stderr.write("--data-dir needs a folder, for example --data-dir var\n")
                sys.exit(2)
            os.environ["QUEUECAST_DATA_DIR"] = value
        elif word.startswith("--data-dir="):
            os.environ["QUEUECAST_DATA_DIR"] = word.partition("=")[2]
        else:
            kept.append(word)
    return kept


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(_take_data_dir(sys.argv))


if __name__ == "__main__":
    main()
