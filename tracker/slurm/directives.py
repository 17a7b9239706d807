"""The options of one #SBATCH line: cut, told apart and quoted as sbatch itself does it.

The rules are those of sbatch 20.11 to 25.11 (``get_argument`` in src/sbatch/opt.c, then
``getopt_long``). Where the releases disagree, or read on in silence, there is a ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracker.slurm.batch import FIELD_BY_OPTION

# Why the service cannot let a script say this, and the cure.
REFUSED = {
    "clusters": "the service submits to the cluster that is chosen there; take it out",
    "cluster": "the service submits to the cluster that is chosen there; take it out",
    "test-only": "nothing would be submitted; take it out",
    "wait": "sbatch would not return before the job's end; take it out",
    "uid": "a job runs as the user who submits it; take it out",
    "gid": "a job runs with the group of the user who submits it; take it out",
    "export": "the service names the variables that travel; take it out and set yours in the "
    "script: export NAME=value",
    "export-file": "the service names the variables that travel; take it out and set yours in the "
    "script: export NAME=value",
    "get-user-env": "the service names the variables that travel; take it out and load your "
    "profile in the script",
    "wrap": "the script is the command; take it out",
    "help": "sbatch would print and submit nothing; take it out",
    "usage": "sbatch would print and submit nothing; take it out",
    "version": "sbatch would print and submit nothing; take it out",
    "autocomplete": "sbatch would print and submit nothing; take it out",
}
# They change what sbatch prints, which only the service reads: left out without a word.
PRINTING = frozenset({"parsable", "quiet", "verbose"})

_OWN_NAMES = frozenset({*FIELD_BY_OPTION, *REFUSED, *PRINTING})
# Without a value, or with one that only = can give.
_FLAGS = PRINTING | frozenset(
    {"test-only", "wait", "get-user-env", "help", "usage", "version", "contiguous", "exclusive",
     "hold", "ignore-pbs", "nice", "no-kill", "no-requeue", "oom-kill-step", "overcommit",
     "oversubscribe", "propagate", "reboot", "requeue", "resv-ports", "spread-job", "stepmgr",
     "use-min-nodes"}
)  # fmt: skip
_NAME_BY_LETTER = {
    "A": "account", "a": "array", "B": "extra-node-info", "b": "begin", "C": "constraint",
    "c": "cpus-per-task", "D": "chdir", "d": "dependency", "e": "error", "F": "nodefile",
    "G": "gpus", "H": "hold", "h": "help", "i": "input", "J": "job-name", "k": "no-kill",
    "L": "licenses", "M": "clusters", "m": "distribution", "N": "nodes", "n": "ntasks",
    "O": "overcommit", "o": "output", "p": "partition", "Q": "quiet", "q": "qos",
    "S": "core-spec", "s": "oversubscribe", "t": "time", "V": "version", "v": "verbose",
    "W": "wait", "w": "nodelist", "x": "exclude",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_BLANKS = " \t\v\f\r"  # what isspace() of C's locale says, but the newline
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.,:/@%+=-]+", re.ASCII)


def read_directive(text: str) -> Iterator[tuple[str, str | None]]:
    """(long name, value or None) of each option of what follows ``#SBATCH``. Raises ValueError."""
    words = split_words(text)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            yield _long_option(word, words)
        elif word.startswith("-") and len(word) > 1:
            yield from _short_options(word, words)
        else:
            raise ValueError(
                f"{word!r} belongs to no option; write --name=value, and quote values with spaces"
            )


def split_words(text: str) -> list[str]:
    """Words between blanks; quotes of both kinds group, a backslash escapes in both, # ends."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    chars = iter(text)
    for char in chars:
        if not quote and char == "#":
            break
        if not quote and char in _BLANKS:
            words += [] if word is None else [_whole(word)]
            word = None
            continue
        word = [] if word is None else word
        if char == "\\":
            word.append(_escaped(next(chars, ""), quote))
        elif quote:
            word += [] if char == quote else [char]
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            word.append(char)
    if quote:
        raise ValueError(f"the {quote} is never closed; close it, or write \\{quote} for one")
    return words if word is None else [*words, _whole(word)]


def _escaped(char: str, quote: str) -> str:
    if not char:
        raise ValueError("a \\ at the end continues no line; begin the next with #SBATCH too")
    if char in _BLANKS and not quote:
        raise ValueError("sbatch 22.05 ends the word at '\\ '; put the value in double quotes")
    return char


def _whole(letters: list[str]) -> str:
    word = "".join(letters)
    if not word:
        raise ValueError("sbatch reads nothing after an empty word; take the '' out")
    if word.lower() in ("hetjob", "packjob") or word.startswith(":"):
        raise ValueError(f"{word!r} begins a heterogeneous job; the service submits plain jobs")
    return word


def _long_option(word: str, following: list[str]) -> tuple[str, str | None]:
    name, equals, value = word[2:].partition("=")
    if problem := name_problem(name):
        raise ValueError(problem)
    if equals:
        if not value:
            raise ValueError(f"--{name} has no value; give one or take the option out")
        return name, value
    if name in _FLAGS:
        return name, None
    # Of a plug-in's option only the cluster knows whether a value follows.
    if following and (name in FIELD_BY_OPTION or not following[0].startswith("-")):
        return name, following.pop(0)
    if name in FIELD_BY_OPTION:
        raise ValueError(f"--{name} has no value; give one or take the option out")
    return name, None


def name_problem(name: str) -> str | None:
    """Why this cannot be the name of a long option, with the cure; None where it can."""
    if not _NAME.fullmatch(name):
        return f"'--{name[:80]}' is no option of sbatch; write --name=value"
    meant = sorted(own for own in _OWN_NAMES if own.startswith(name))
    if meant and name not in _OWN_NAMES:
        return f"--{name} is cut short; write --{' or --'.join(meant)}"
    return None


def _short_options(word: str, following: list[str]) -> Iterator[tuple[str, str | None]]:
    """``-Hp gpu`` is --hold and --partition=gpu; ``-n4`` is --ntasks=4."""
    for position, letter in enumerate(word[1:], start=2):
        name = _NAME_BY_LETTER.get(letter)
        if name is None:
            raise ValueError(f"-{letter} of {word[:80]!r} is no option of sbatch; take it out")
        if name in _FLAGS and not (name == "no-kill" and word[position:]):
            yield name, None
            continue
        value = word[position:] or (following.pop(0) if following else "")
        if not value:
            raise ValueError(f"-{letter} has no value; give one or take the option out")
        yield name, value
        return


def quote_option(word: str) -> str:
    """``--name=value`` such that :func:`split_words` and every sbatch give the word back."""
    name, equals, value = word.partition("=")
    if not equals or _PLAIN_VALUE.fullmatch(value):
        return word
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'
