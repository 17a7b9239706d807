"""Options of the commands that ask: one reading for all of them."""

from __future__ import annotations

import getopt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.demo.calls import Call
from planner.demo.refusal import SlurmRefusalError


@dataclass(frozen=True, slots=True)
class Arguments:
    """Options by long name ("" for a flag), and the words behind them."""

    options: Mapping[str, str]
    words: tuple[str, ...]

    def __contains__(self, name: str) -> bool:
        return name in self.options

    def listed(self, name: str) -> set[str]:
        """A comma-separated value; empty if the option was not given."""
        return {word for word in self.options.get(name, "").split(",") if word}

    def numbers(self, name: str) -> list[int]:
        """Job ids of a list such as ``12,13_4``: the part before the underscore."""
        ids = [word.partition("_")[0] for word in self.listed(name)]
        return [int(word) for word in ids if word.isascii() and word.isdigit() and len(word) < 10]


def parse(call: Call, short: Mapping[str, str], flags: Sequence[str] = ()) -> Arguments:
    """``short``: letter to long name, with a colon behind the letter if it takes a value.

    ``flags``: long names without a letter, ``=`` behind those with a value. Options and words may
    be mixed, as getopt allows. Raises SlurmRefusalError.
    """
    letters = "".join(short)
    longs = [name + "=" * key.endswith(":") for key, name in short.items()] + list(flags)
    names = {f"-{key[0]}": name for key, name in short.items()}
    try:
        pairs, words = getopt.gnu_getopt(list(call.arguments), letters, longs)
    except getopt.GetoptError as error:
        raise SlurmRefusalError(
            f'{call.command}: {error.msg}\nTry "{call.command} --help" for more information'
        ) from None
    options = {names.get(name, name.removeprefix("--")): value for name, value in pairs}
    return Arguments(options, tuple(words))
