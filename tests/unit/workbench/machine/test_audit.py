"""`make audit` tells vulnerabilities from what could not be looked up."""

from pathlib import Path

import pytest

from workbench.machine import audit, setup

CLEAN = {"name": "urllib3", "version": "2.8.0", "vulns": []}
SKIPPED = {"name": "msgspec", "skip_reason": "not found on PyPI"}
WEAK = {
    "name": "psycopg",
    "version": "3.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}


def test_what_is_known_is_said_with_where_it_is_put_right() -> None:
    found, skipped = audit.findings({"dependencies": [CLEAN, WEAK, SKIPPED]})
    assert found == [
        "psycopg 3.0: PYSEC-1, put right in 3.1",
        "psycopg 3.0: PYSEC-2, put right in no version yet",
    ]
    assert skipped == ["msgspec"]


@pytest.mark.parametrize(
    ("found", "skipped", "code", "says"),
    [
        ([], [], 0, "nothing is known"),
        (["psycopg 3.0: PYSEC-1"], [], 1, "psycopg 3.0: PYSEC-1"),
        ([], ["msgspec"], 1, "1 not audited, since there is no data here: msgspec"),
    ],
)
def test_what_was_not_looked_up_is_no_success(
    found: list[str], skipped: list[str], code: int, says: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def answer(_: Path | None = None) -> tuple[list[str], list[str]]:
        return found, skipped

    monkeypatch.setattr(setup, "main", lambda: None)
    monkeypatch.setattr(setup, "provide", lambda _: None)
    monkeypatch.setattr(audit, "audit_python", answer)
    monkeypatch.setattr(audit, "audit_npm", answer)
    assert audit.main() == code
    assert says in capsys.readouterr().out
