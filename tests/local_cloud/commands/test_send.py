"""`make send` and `make approve`, end to end on the local cloud."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from workbench.stages.stage import ROOT

HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis"


def orders(folder: Path, price: str, header: str = HEADER, name: str = "my orders.csv") -> Path:
    """A file of nordwind's with one line that no one has sent before."""
    path = folder / name
    path.write_text(f"{header}\nNW-{uuid.uuid4().hex};02.12.2010;K-1;A-1;Palette;2;{price}\n")
    return path


def run(command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The command as `make` runs it: its arguments are in the environment."""
    return subprocess.run(
        [sys.executable, "-m", f"operations.commands.{command}"],
        cwd=ROOT, env=os.environ | {"STAGE": "local"} | settings,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def send(file: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    return run("send", FILE=str(file), PARTNER="nordwind", **settings)


@pytest.mark.usefixtures("deployed")
def test_a_file_of_ones_own_is_followed_to_its_outcome(tmp_path: Path) -> None:
    done = send(orders(tmp_path, "10.25"))

    assert done.returncode == 0, done.stderr
    assert "my orders.csv: Accepted by one direct call" in done.stdout
    assert "20.50 EUR in 1 order\n" in done.stdout


@pytest.mark.usefixtures("deployed")
def test_programs_read_one_line_of_json(tmp_path: Path) -> None:
    done = send(orders(tmp_path, "10.25"), JSON="1")

    (line,) = done.stdout.splitlines()
    reported = json.loads(line)
    assert len(reported.pop("file_id")) == 24
    assert reported == {
        "route": "direct",
        "status": "Accepted",
        "error": None,
        "reason": None,
        "lines_in": 1,
        "accepted": 1,
        "refused": {},
        "total": "20.50",
        "currency": "EUR",
        "house_total": "20.50",
        "approval": None,
    }


@pytest.mark.usefixtures("deployed")
def test_a_rejected_file_is_reported_with_its_reason_and_fails_the_command(tmp_path: Path) -> None:
    done = send(orders(tmp_path, "10.25", header="Order;Date"), JSON="1")

    reported = json.loads(done.stdout)
    assert done.returncode == 1
    assert (reported["status"], reported["error"]) == ("Rejected", "OrderFileRejected")
    assert reported["reason"] == "wrong_header"


@pytest.mark.usefixtures("deployed")
def test_the_same_content_again_is_a_duplicate_and_no_failure(tmp_path: Path) -> None:
    file = orders(tmp_path, "10.25")
    first = json.loads(send(file, JSON="1").stdout)

    again = send(file)

    assert again.returncode == 0
    assert "Duplicate" in again.stdout
    assert f"{first['file_id']} had the same content" in again.stdout


@pytest.mark.usefixtures("deployed")
def test_an_approval_is_granted_where_that_is_asked_for(tmp_path: Path) -> None:
    done = send(orders(tmp_path, "20000"), APPROVE="1", JSON="1")

    reported = json.loads(done.stdout)
    assert done.returncode == 0
    assert (reported["status"], reported["route"], reported["approval"]) == (
        "Accepted",
        "workflow",
        "approved",
    )


@pytest.mark.parametrize(
    ("decision", "status"), [("approved", "Accepted"), ("declined", "Declined")]
)
@pytest.mark.usefixtures("deployed")
def test_a_file_that_awaits_approval_says_how_to_decide(
    tmp_path: Path, decision: str, status: str
) -> None:
    waiting = send(orders(tmp_path, "20000"))
    assert waiting.returncode == 0, waiting.stderr
    command = waiting.stdout.splitlines()[-2].strip()
    assert command.startswith("make approve FILE_ID=")
    file_id = command.split("FILE_ID=")[1].split()[0]

    decided = run("approve", FILE_ID=file_id, DECISION=decision)
    again = run("approve", FILE_ID=file_id, DECISION="approved")

    assert decided.returncode == 0, decided.stderr
    assert f"my orders.csv: {status} through the workflow" in decided.stdout
    assert again.returncode == 1
    assert again.stderr.startswith(f"error: file {file_id} was already {decision} by ")


@pytest.mark.usefixtures("deployed")
def test_a_file_of_another_type_is_rejected_with_what_to_send(tmp_path: Path) -> None:
    done = send(orders(tmp_path, "10.25", name=f"{uuid.uuid4().hex}.txt"))

    assert done.returncode == 1
    assert "Rejected by one direct call" in done.stdout
    assert "wrong_file_type: the file's name does not end in .csv: send CSV text" in done.stdout


@pytest.mark.usefixtures("deployed")
def test_a_decision_about_nothing_is_one_clear_line(tmp_path: Path) -> None:
    unknown = run("approve", FILE_ID="0" * 24, DECISION="approved")
    accepted = json.loads(send(orders(tmp_path, "10.25"), JSON="1").stdout)
    final = run("approve", FILE_ID=accepted["file_id"], DECISION="approved")
    wrong = run("approve", FILE_ID="0" * 24, DECISION="maybe")

    assert unknown.stderr.startswith("error: no file '000000000000000000000000'")
    assert final.stderr.startswith(f"error: file {accepted['file_id']} awaits no approval")
    assert wrong.stderr.startswith("error: name the file and what to do")
    for done in (unknown, final, wrong):
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
