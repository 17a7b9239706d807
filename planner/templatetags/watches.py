"""How pages say what an option asks for: ``{% load watches %}``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from django import template

register = template.Library()


@register.filter
def shell(words: Sequence[str]) -> str:
    """Words of a command as a shell takes them."""
    return shlex.join(words)
