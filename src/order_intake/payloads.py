"""Decoding of what a function is called with."""

import msgspec

from order_intake.errors import InvalidInput


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
        raise TypeError(f"{type(value).__name__} is no JSON object")
    return encoded
