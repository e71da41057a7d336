"""What the handlers' tests share: their settings, a partner's file, and its way so far."""

import contextlib
import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from order_intake import logs
from order_intake.adapters import database, rates_api
from order_intake.domain import results, uploads
from order_intake.domain.errors import DatabaseUnavailable
from order_intake.handlers import assess_file, price_chunk, register_file
from tests.unit.fakes import Context, FakeCloud

BUCKET = "uploads"
MACHINE = "arn:aws:states:eu-central-1:000000000000:stateMachine:order-intake-test-OrderIntake"
KEY = "incoming/online-retail/orders.csv"
HEADER = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
GOOD = b"536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
BAD = b"536366,71053,LANTERN,6,2010-12-01 08:28:00,-1.00,17850.0,United Kingdom\n"
LARGE = b"536367,22960,JAM SET,60000,2010-12-01 08:34:00,4.25,13047.0,United Kingdom\n"


class Database:
    """Stands in for the orders database: takes a content and an order of a partner once."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.contents: dict[tuple[str, str], str] = {}
        self.orders: dict[tuple[str, str], list[list[str]]] = {}
        self.owners: dict[tuple[str, str], str] = {}
        self.corrected: set[tuple[str, str]] = set()
        self.files: dict[str, tuple[results.Loaded, list[dict[str, str]]]] = {}
        self.faults: list[Exception] = []

    def load_chunks(
        self, arn: str, store: Any, file: Any, count: int, totals: Any, request: Any
    ) -> results.LoadResult:
        if self.faults:
            raise self.faults.pop(0)
        if file.file_id in self.files:
            return msgspec.structs.replace(self.files[file.file_id][0], again=True)
        content = (file.partner, request.sha256 or file.file_id)
        if content in self.contents:
            return results.ContentThere(self.contents[content], same_sums=True)
        rows = [row for index in range(count) for row in _priced(store, file, index)]
        mine: dict[str, list[list[str]]] = {}
        for row in rows:
            mine.setdefault(row["invoice"], []).append([row[name] for name in ORDER_FIELDS])
        corrected = {(request.corrects, row["corrects_line"]) for row in rows if request.corrects}
        if corrected & self.corrected:
            raise database.CorrectedBefore("another correction has brought a line of this one")
        owner = request.corrects or file.file_id
        there = {one for one in mine if self.owners.get((file.partner, one), owner) != owner}
        if request.sha256 and there and not request.only_new:
            same = {one for one in there if self.orders[file.partner, one] == mine[one]}
            parts = (set(mine) - there, same, there - same)
            return results.OrdersThere(*(results.Orders(len(p), sorted(p)) for p in parts))
        left_out = [row for row in rows if row["invoice"] in there and request.only_new]
        kept = [row for row in rows if row not in left_out]
        answer = results.Loaded(_figures(kept), _figures(left_out))
        self.files[file.file_id] = (answer, kept)
        self.lines[file.file_id] = len(kept)
        self.contents[content] = file.file_id
        self.corrected |= corrected
        self.owners |= {(file.partner, one): owner for one in set(mine) - there}
        self.orders |= {(file.partner, one): mine[one] for one in set(mine) - there}
        return answer

    def loaded_lines(self, _: Any, file_id: str, lines: list[int]) -> set[int]:
        return {int(row["line"]) for row in self.files[file_id][1]} & set(lines)

    def down(self, times: int) -> None:
        self.faults += [DatabaseUnavailable("the database is not there")] * times


ORDER_FIELDS = ("sku", "description", "quantity", "unit_price", "ordered_at", "customer")


def _priced(store: Any, file: Any, index: int) -> list[dict[str, str]]:
    body = b"".join(store.blocks(uploads.priced_key(file.file_id, index)))
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def _figures(rows: list[dict[str, str]]) -> results.Figures:
    total, house_total = (
        str(sum((Decimal(row[one]) for row in rows), Decimal(0)))
        for one in ("amount", "house_amount")
    )
    return results.Figures(len(rows), len({row["invoice"] for row in rows}), total, house_total)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "UPLOADS_BUCKET": BUCKET,
        "LEDGER_TABLE": "ledger",
        "ORDERS_BUS": "orders",
        "RATES_API_SECRET_ARN": "arn:rates",
        "DATABASE_SECRET_ARN": "arn:database",
        "PARTNER_WEBHOOK_SECRET_ARN": "arn:webhook",
        "OUTCOMES_DEAD_LETTER_QUEUE_URL": "https://sqs/outcomes-dlq",
        "ORDER_INTAKE_STATE_MACHINE_ARN": MACHINE,
        "MAX_FILE_BYTES": "100000",
        "MAX_ATTEMPTS": "3",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def orders_database(monkeypatch: pytest.MonkeyPatch) -> Database:
    fake = Database()
    monkeypatch.setattr(database, "load_chunks", fake.load_chunks)
    monkeypatch.setattr(database, "loaded_lines", fake.loaded_lines)
    monkeypatch.setattr(database, "connection", lambda _: contextlib.nullcontext())
    return fake


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Give the rates of 2010-12-31; first raise what is put into the list."""
    faults: list[Exception] = []

    def fetch(arn: str, currency: str, *days: Any) -> dict[str, Decimal]:
        if faults:
            raise faults.pop(0)
        return {"2010-12-31": Decimal("0.86075")}

    monkeypatch.setattr(rates_api, "fetch", fetch)
    return faults


type Put = Callable[..., dict[str, Any]]


@pytest.fixture
def put(cloud: FakeCloud) -> Put:
    """Upload a file, and give the event by which S3 reports it."""

    def upload(body: bytes, key: str = KEY) -> dict[str, Any]:
        version = cloud.s3.upload(key, body)
        return {
            "version": "0",
            "id": "event-1",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "time": "2026-03-02T12:00:00Z",
            "detail": {
                "bucket": {"name": BUCKET},
                "object": {"key": key, "size": len(body), "version-id": version},
            },
        }

    return upload


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Catch what the functions log."""
    stream = io.StringIO()
    monkeypatch.setattr(logs.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def started(put: Put) -> dict[str, Any]:
    """Give the input of a workflow over a good file of three lines, two of them accepted."""
    return upload_in(put(HEADER + GOOD * 2 + BAD))


def upload_in(event: dict[str, Any]) -> dict[str, Any]:
    upload = uploads.upload_of(event)
    return {
        "upload": msgspec.to_builtins(upload),
        "claimant": "execution-1",
        "route": "workflow",
    }


def file_id_of(event: dict[str, Any]) -> str:
    upload = uploads.upload_of(event)
    return uploads.file_id(upload.bucket, upload.key, upload.version_id)


def context(request_id: str = "request-1") -> Any:
    return Context(request_id)


def registered(started: dict[str, Any]) -> dict[str, Any]:
    """Take a file through RegisterFile, as the workflow would."""
    return register_file.handler(started, context())


def priced(started: dict[str, Any], cloud: FakeCloud) -> dict[str, Any]:
    """Take a file through its pricing; gives `file`, `chunks` and `totals`."""
    answer: Any = registered(started)
    rates = {"currency": "GBP", "house_currency": "EUR", "rates": {"2010-12-31": "0.86075"}}
    for chunk in msgspec.json.decode(cloud.s3.objects("work/")[answer["manifest"]["key"]]):
        payload = {"file": answer["file"], "chunk": chunk, "rates": rates}
        price_chunk.handler(payload, context())
    known = {"file": answer["file"], "chunks": answer["chunks"], "claimant": started["claimant"]}
    terms = {"approval_threshold": "100000.00", "tolerance": "0.5"}
    assessed: Any = assess_file.handler(known | {"terms": terms}, context())
    return known | {"totals": assessed["totals"]}
