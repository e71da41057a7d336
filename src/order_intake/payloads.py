"""Decoding of what a function is called with."""

import msgspec

from order_intake import logs
from order_intake.domain.errors import InvalidInput
from order_intake.domain.uploads import IncomingFile


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What the workflow hands to every step of a file's way, besides what the step needs."""

    file: IncomingFile
    execution: str | None = None
    """The name of the workflow's execution, for the logs."""

    def log(self) -> None:
        """Put the file and the execution into each further line of this call."""
        file = self.file
        logs.about(
            file_id=file.file_id, correlation_id=file.correlation_id, execution=self.execution
        )


def decode[P](event: object, form: type[P]) -> P:
    """Give the event in its form; raises InvalidInput, naming the field, when it has another."""
    try:
        return msgspec.convert(event, form)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"the input does not decode: {error}") from error


def encode(value: object) -> dict[str, object]:
    """Give a struct as the plain JSON object that a function returns."""
    encoded = msgspec.to_builtins(value)
    if not isinstance(encoded, dict):
        raise TypeError(f"{type(value).__name__} is not a JSON object")
    return encoded
