"""The page of what really happened: the way of a file, and nothing that must not be in it."""

import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from operations.commands import send, sent_page
from operations.deployed import Deployed
from operations.files.decide import give_decision, me
from operations.files.follow import follow
from operations.files.order_file import AWAITING, Row, Uploaded, question_of, read_row
from operations.reconciliation.leaks import secret_values
from workbench.page import document
from workbench.stages.stage import local_keys
from workbench.workflow.definition import load_all

HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis"
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


class Sent:
    """A file whose lines hold words that nothing else has, and its page."""

    def __init__(self, deployed: Deployed, folder: Path, price: str) -> None:
        self.words = [f"planted{uuid.uuid4().hex[:12]}" for _ in range(3)]
        customer, item, text = self.words
        self.file = folder / "planted.csv"
        line = f"NW-{uuid.uuid4().hex};02.12.2010;{customer};{item};{text};2;{price}"
        self.file.write_text(f"{HEADER}\n{line}\n")
        self.deployed, self.started = deployed, datetime.now(UTC)
        self.uploaded: Uploaded = send.send(deployed, self.file, "nordwind")

    def page(self, row: Row) -> tuple[str, dict[str, Any]]:
        """Return the page as it is now, and the data in it."""
        said = send.explained(row, self.file.name, "")
        [line] = sent_page.lines(
            self.deployed, self.file, self.uploaded, self.started, row, said[1:]
        )
        path = Path(line.removeprefix("the page: file://"))
        text = path.read_text(encoding="utf-8")
        found = DATA.search(text)
        assert found
        return text, json.loads(found[1])

    def hidden(self, text: str) -> list[str]:
        """Return what of secrets and order lines stands in a text, by what it is."""
        secrets = {local_keys().secret_access_key: "key", local_keys().control: "control"}
        secrets |= secret_values(self.deployed) | dict.fromkeys(self.words, "an order line's word")
        return [name for value, name in secrets.items() if value in text]


@pytest.fixture(autouse=True)
def own_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "local_dir", lambda: tmp_path)


def test_page_follows_a_file_and_has_no_token_secret_or_order_line(
    deployed: Deployed, tmp_path: Path
) -> None:
    sent = Sent(deployed, tmp_path, "90000.25")
    row = follow(deployed, sent.uploaded.file_id, lambda: False)
    token = (read_row(deployed, sent.uploaded.file_id) or {})["task_token"]
    waiting, data = sent.page(row)

    assert row["status"] == AWAITING
    states = {one["name"]: one for one in data["executions"][0]["states"]}
    assert states["RequestApproval"]["status"] == "running"
    assert token not in waiting
    assert sent.hidden(waiting) == []

    give_decision(deployed, sent.uploaded.file_id, "approved", me())
    row = follow(deployed, sent.uploaded.file_id, lambda: False, answered=question_of(row))
    text, data = sent.page(row)
    [execution], [entry] = data["executions"], data["entries"]

    assert entry["outcome"] == "Accepted"
    assert entry["events"][0]["rules"] == ["SmallFileUploaded"]
    assert {"RequestApproval", "LoadOrders", "Announce"} <= {
        one["name"] for one in execution["states"]
    }
    assert text.count('<template class="drawing"') == 1
    [machine] = load_all()
    assert execution["machine"].endswith(machine)
    assert sent.hidden(text) == []
    assert token not in text


def test_refused_line_is_not_quoted(deployed: Deployed, tmp_path: Path) -> None:
    sent = Sent(deployed, tmp_path, "free of charge")
    text, data = sent.page(follow(deployed, sent.uploaded.file_id, lambda: False))

    assert data["entries"][0]["outcome"] == "Rejected"
    assert sent.hidden(text) == []
