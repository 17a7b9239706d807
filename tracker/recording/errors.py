from __future__ import annotations


class ConflictError(Exception):
    """The request is well formed, but what is recorded already speaks against it.

    ``field`` is the request's field that can cure it.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(f"{field}: {message}")
