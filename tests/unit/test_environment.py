"""A function's settings are checked when it is entered."""

import pytest

from order_intake import environment


def test_settings_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADS_BUCKET", "uploads")
    monkeypatch.setenv("LEDGER_TABLE", "ledger")
    monkeypatch.setenv("MAX_FILE_BYTES", "1048576")

    settings = environment.read(environment.RegisterFile)

    assert settings == environment.RegisterFile("uploads", "ledger", 1048576)


@pytest.mark.parametrize(
    ("name", "value"),
    [("UPLOADS_BUCKET", None), ("LEDGER_TABLE", ""), ("MAX_FILE_BYTES", "many")],
)
def test_what_is_missing_or_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    for known in ("UPLOADS_BUCKET", "LEDGER_TABLE"):
        monkeypatch.setenv(known, known)
    monkeypatch.setenv("MAX_FILE_BYTES", "1")
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)

    with pytest.raises(environment.EnvironmentInvalid, match=name):
        environment.read(environment.RegisterFile)
