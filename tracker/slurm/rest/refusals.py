"""What slurmrestd's errors mean: nobody answered, or a no."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tracker.slurm.errors import SlurmError, SlurmRefused, SlurmUnavailable
from tracker.slurm.rest.exchange import Answer

_FOUND_NOTHING = 9003  # an empty answer, told as an error
GONE = frozenset({2017, 2021})  # Invalid job id specified; Job/step already completing or completed
# Of the network, the controller, the controller's connection and the database.
_NO_ANSWER = frozenset({*range(1001, 1005), *range(1800, 1804), *range(5000, 5006), 7000, -1})
# slurmrestd says these of a controller that is away and of a token that is none.
AMBIGUOUS = frozenset({-1, 5005})
BAD_TOKEN = 1007  # of the database, which tells them apart
_NUMBER_KEYS = ("error_number", "error_code", "errno")
_PROXY_SILENCE = frozenset({408, 429, 502, 503, 504})
_SHOWN_CHARS = 300


@dataclass(frozen=True, slots=True)
class Complaint:
    """An entry of ``errors``; ``number`` is Slurm's own errno."""

    number: int | None
    text: str


def complaints(answer: Answer) -> list[Complaint] | None:
    """The errors in an answer, none of them for an empty one; None where it is not Slurm's JSON."""
    try:
        document = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    errors = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(errors, list):
        return None
    found = [_complaint(entry) for entry in errors if isinstance(entry, dict)]
    return [complaint for complaint in found if complaint.number != _FOUND_NOTHING]


def _complaint(entry: dict[str, Any]) -> Complaint:
    numbers = [entry[key] for key in _NUMBER_KEYS if isinstance(entry.get(key), int)]
    words = [entry.get(key) for key in ("description", "error")]
    text = ": ".join(dict.fromkeys(word for word in words if isinstance(word, str) and word))
    return Complaint(numbers[0] if numbers else None, text or "an error without words")


def refusal(asked: str, answer: Answer, found: list[Complaint] | None) -> SlurmError | None:
    """Why this answer is none; None where it is one. The text is the server's own."""
    if found:
        said = "; ".join(complaint.text for complaint in found)[:_SHOWN_CHARS]
        is_silence = any(complaint.number in _NO_ANSWER for complaint in found)
        return (SlurmUnavailable if is_silence else SlurmRefused)(f"{asked}: {said}")
    if answer.status == 200 and found is not None:
        return None
    said = " ".join(answer.text.split())[:_SHOWN_CHARS] or "nothing"
    problem = f"{asked}: HTTP {answer.status}: {said}"
    if 300 <= answer.status < 400:
        return SlurmRefused(f"{problem}; give the address that it leads to")
    if answer.status in _PROXY_SILENCE or answer.status == 200:
        return SlurmUnavailable(problem)
    return SlurmRefused(problem)
