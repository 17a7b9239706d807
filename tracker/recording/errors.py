from __future__ import annotations


class ConflictError(Exception):
    """The request is well formed, but what is recorded already speaks against it.

    ``field`` is the request's field that can cure it.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(f"{field}: {message}")

    @property
    def sentence(self) -> str:
        """For people. A message that begins small ends a sentence that the field's name begins."""
        text = self.message
        if text[:1].islower():
            text = f"{self.field.replace('_', ' ').capitalize()} {text}"
        return text if text[-1:] in (".", "!", "?") else f"{text}."
