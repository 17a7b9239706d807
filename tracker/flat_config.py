"""Configurations as one flat row per setting: what columns, filters, diffs and plots name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping


def flat(config: Mapping[str, object]) -> dict[str, object]:
    """``{"optim": {"lr": 0.1}}`` as ``{"optim.lr": 0.1}``; lists and empty objects stay whole.

    Of a nested setting and one whose key has the dots in it, the later one counts.
    """
    return dict(_settings(config, ""))


def setting_words(value: object) -> str:
    """One setting as people read it: text as it is, the rest as JSON; "" where it is null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _settings(config: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
