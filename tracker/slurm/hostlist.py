"""Slurm's host lists: ``cpu[01-03,07],gpu1`` to names and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_HOSTS = (
    100_000  # several times the largest cluster; a bomb such as a[0-99999][0-99999] is refused
)

_RANGE = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?", re.ASCII)
_TRAILING_NUMBER = re.compile(r"(.*?)([0-9]{1,12})", re.ASCII | re.DOTALL)


def expand(text: str, *, max_hosts: int = MAX_HOSTS) -> list[str]:
    """Names in the order written, repeats kept; ValueError if malformed or above ``max_hosts``."""
    names: list[str] = []
    for item in split_outside_brackets(text):
        expanded = _expand_item(item, max_hosts - len(names))
        names.extend(expanded)
    return names


def split_outside_brackets(text: str) -> Iterator[str]:
    """The comma-separated items, commas inside brackets left alone."""
    depth, start = 0, 0
    for position, char in enumerate(text):
        if char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
        elif char == "," and depth == 0:
            if position > start:
                yield text[start:position]
            start = position + 1
        if depth not in (0, 1):
            raise ValueError(f"brackets do not pair up in host list {text[:80]!r}")
    if depth:
        raise ValueError(f"a bracket is left open in host list {text[:80]!r}")
    if start < len(text):
        yield text[start:]


def _expand_item(item: str, room: int) -> list[str]:
    names = [""]
    for number, piece in enumerate(re.split(r"[\[\]]", item)):
        choices = list(_numbers(piece, room)) if number % 2 else [piece]
        if len(names) * len(choices) > room:
            raise ValueError(f"host list {item[:80]!r} has more names than the {room} allowed")
        names = [name + choice for name in names for choice in choices]
    return names


def _numbers(ranges: str, room: int) -> Iterator[str]:
    """``01-03,07`` as zero-padded texts."""
    for part in ranges.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:80]!r} is not a range such as 01-08 in a host list")
        first, last = match[1], match[2] or match[1]
        if int(last) < int(first) or int(last) - int(first) >= room:
            raise ValueError(f"range {part!r} runs backwards or has more than {room} names")
        width = len(first)
        for number in range(int(first), int(last) + 1):
            yield f"{number:0{width}}"


def compress(names: Iterable[str]) -> str:
    """The shortest usual form, sorted by prefix and number: ``cpu[01-03,07],gpu1``."""
    plain: set[str] = set()
    numbered: dict[tuple[str, int], set[int]] = {}
    for name in names:
        match = _TRAILING_NUMBER.fullmatch(name)
        if match is None:
            plain.add(name)
        else:
            # 9 and 10 share one range, 09 and 9 do not: only padded numbers have a width.
            width = len(match[2]) if match[2].startswith("0") and len(match[2]) > 1 else 0
            numbered.setdefault((match[1], width), set()).add(int(match[2]))
    _pull_into_padded(numbered)
    items = sorted(plain)
    items += [_compress_group(*key, numbers) for key, numbers in sorted(numbered.items())]
    return ",".join(items)


def _pull_into_padded(numbered: dict[tuple[str, int], set[int]]) -> None:
    """Let cpu10 join cpu[01-09]: a number as long as the group's width reads the same there."""
    for prefix, width in [key for key in numbered if key[1]]:
        unpadded = numbered.get((prefix, 0), set())
        fitting = {number for number in unpadded if len(str(number)) == width}
        numbered[prefix, width] |= fitting
        unpadded -= fitting
        if not unpadded:
            numbered.pop((prefix, 0), None)


def _compress_group(prefix: str, width: int, numbers: set[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [
        f"{first:0{width}}" if first == last else f"{first:0{width}}-{last:0{width}}"
        for first, last in runs
    ]
    if len(texts) == 1 and "-" not in texts[0]:
        return prefix + texts[0]
    return f"{prefix}[{','.join(texts)}]"
