"""Fields that hold more than one value in one line of text, or a value in Slurm's spelling."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from tracker.slurm.batchcheck import field_problem
from tracker.slurm.durations import format_duration, parse_minutes
from tracker.submission import MAX_RUNS

_SEEDS = re.compile(r"(-?[0-9]{1,19})(?:\s*-\s*(-?[0-9]{1,19}))?", re.ASCII)
_INT64 = range(-(2**63), 2**63)


def as_sbatch_takes(name: str) -> Callable[[str], None]:
    """A validator of the option that this field of a request is."""

    def check(value: str) -> None:
        if problem := field_problem(name, value):
            raise ValidationError(f"{problem}.")

    return check


class TagsField(forms.CharField):
    """Words separated by commas, kept in order, each once."""

    def prepare_value(self, value: object) -> object:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: str | None) -> list[str]:
        words = (word.strip() for word in super().to_python(value).split(","))
        return list(dict.fromkeys(word for word in words if word))


class MinutesField(forms.CharField):
    """A time limit as sbatch takes it; kept in whole minutes."""

    def prepare_value(self, value: object) -> object:
        return format_duration(value * 60) if isinstance(value, int) else value

    def to_python(self, value: str | None) -> int | None:
        text = super().to_python(value)
        if not text:
            return None
        try:
            minutes = parse_minutes(text)
        except ValueError:
            minutes = None
        if minutes is None or not 1 <= minutes <= 5_000_000:
            raise ValidationError(
                f"“{text}” is not a time limit; give minutes, H:MM:SS or D-HH:MM:SS."
            )
        return int(minutes)


class SeedsField(forms.CharField):
    """``1, 2, 3`` and ``1-5``, kept in order; () where nothing is given."""

    def to_python(self, value: str | None) -> tuple[int, ...]:
        seeds: list[int] = []
        for part in filter(None, (part.strip() for part in super().to_python(value).split(","))):
            seeds += _seeds_of(part, MAX_RUNS - len(seeds))
        if len(set(seeds)) < len(seeds):
            twice = next(seed for seed in seeds if seeds.count(seed) > 1)
            raise ValidationError(f"{twice} stands there twice; give each seed once.")
        return tuple(seeds)


def _seeds_of(part: str, most: int) -> range:
    match = _SEEDS.fullmatch(part)
    if match is None:
        raise ValidationError(f"“{part[:40]}” is no seed; give whole numbers: 1, 2, 3 or 1-5.")
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    if first not in _INT64 or last not in _INT64:
        raise ValidationError(f"“{part}” is beyond 64 bits; give smaller numbers.")
    if last < first:
        raise ValidationError(f"“{part}” runs backwards; give the smaller number first.")
    if last - first >= most:
        raise ValidationError(f"A start makes at most {MAX_RUNS} runs; give fewer seeds.")
    return range(first, last + 1)


class ConfigsField(forms.CharField):
    """JSON: one object, or a list of objects; () where nothing is given."""

    widget = forms.Textarea

    def prepare_value(self, value: object) -> object:
        return json.dumps(value, indent=2) if isinstance(value, dict | list) else value

    def to_python(self, value: str | None) -> tuple[dict[str, Any], ...]:
        text = super().to_python(value)
        if not text:
            return ()
        configs = _json(text)
        if isinstance(configs, dict):
            return (configs,)
        if not isinstance(configs, list) or not all(isinstance(one, dict) for one in configs):
            raise ValidationError(
                'Give one object, such as {"lr": 0.1}, or a list of them: [{"lr": 0.1}, …].'
            )
        if len(configs) > MAX_RUNS:
            raise ValidationError(f"A start makes at most {MAX_RUNS} runs; give fewer.")
        return tuple(configs)


def _json(text: str) -> object:
    try:
        value = json.loads(text)
        # Strict once more: a database takes neither NaN nor half a surrogate pair.
        stored = json.dumps(value, ensure_ascii=False, allow_nan=False)
        stored.encode()
    except json.JSONDecodeError as error:
        raise ValidationError(
            f"This is no JSON at line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise ValidationError("This is nested too deeply; give a flatter object.") from None
    except ValueError:
        raise ValidationError(
            "It holds NaN, an infinity or half a character; give them as text."
        ) from None
    if "\\u0000" in stored:
        raise ValidationError("It holds a NUL character (\\u0000); leave it out.")
    return value
