"""Loading into the local cloud's PostgreSQL: wholly or not at all, once, by the functions' role."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from operations.deployed import Deployed
from operations.services import postgres
from order_intake.adapters import aws_clients, database, secrets
from order_intake.adapters.database import LoadRequest
from order_intake.domain.errors import DatabaseRefused, DatabaseUnavailable, ServiceBusy
from order_intake.domain.results import (
    COLUMNS,
    ContentThere,
    Figures,
    Loaded,
    LoadResult,
    Orders,
    OrdersThere,
    Totals,
)
from order_intake.domain.uploads import IncomingFile
from workbench.stages.stage import Stage
from workbench.stages.waiting import wait_until

HEADER = (",".join(COLUMNS) + "\r\n").encode()
CORRECTION_HEADER = (",".join((*COLUMNS, "corrects_line")) + "\r\n").encode()
CONTENT, OTHER_CONTENT = "a" * 64, "b" * 64


def lines(first: int, count: int, invoice: str = "536365", quantity: int = 6) -> bytes:
    """Priced lines as PriceChunk writes them: quotes and line ends within, no customer."""
    return b"".join(
        b'%d,%s,85123A,"a ""white"", heart\nof two lines",%d,2.5500,GBP,15.30,0.86075,17.78,'
        b"2010-12-01T08:26:00,,United Kingdom,f\r\n" % (line, invoice.encode(), quantity)
        for line in range(first, first + count)
    )


def correcting(invoice: str, refused_line: int) -> bytes:
    """The first line of a correction."""
    return CORRECTION_HEADER + lines(2, 1, invoice)[:-2] + b",%d\r\n" % refused_line


def totals(accepted: int, orders: int = 1, rate: str = "1") -> Totals:
    total, base_total = 15 * accepted, 17 * accepted * Decimal(rate)
    return Totals(accepted, accepted, {}, orders, f"{total}.00", "GBP", f"{base_total:.2f}", "EUR")


@pytest.fixture
def arn(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the name of the database's secret, read by the functions' own code."""
    client = Stage("local").client("secretsmanager")
    monkeypatch.setattr(aws_clients, "secrets_manager", lambda: client)
    secrets.forget()
    yield f"{Stage('local').prefix}/database"
    secrets.forget()


@pytest.fixture
def owner(arn: str) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    secret = secrets.read(arn, secrets.Database)
    with postgres.connect_as_owner(secret.port, secret.dbname) as connected:
        yield connected


@pytest.fixture
def partner(owner: "psycopg.Connection[tuple[Any, ...]]") -> Iterator[str]:
    """Give a partner of this test's own, and remove what was loaded of it."""
    name = uuid.uuid4().hex
    yield name
    mine = "file_id IN (SELECT file_id FROM order_file WHERE partner = %s)"
    owner.execute(f"DELETE FROM order_line WHERE {mine}", [name])  # noqa: S608 - a constant
    for table in ("order_file", "partner_order"):
        owner.execute(f"DELETE FROM {table} WHERE partner = %s", [name])  # noqa: S608


def file_of(partner: str) -> IncomingFile:
    return IncomingFile(
        uuid.uuid4().hex[:24], "uploads", f"incoming/{partner}/a.csv", "v1", partner, 1,
        "2026-03-02T12:00:00Z", "direct", "c",
    )  # fmt: skip


@pytest.fixture
def file(partner: str) -> IncomingFile:
    return file_of(partner)


def load(
    arn: str,
    file: IncomingFile,
    given: Totals,
    *chunks: Any,
    request: LoadRequest = LoadRequest(CONTENT),  # noqa: B008 - nobody can change it
) -> LoadResult:
    with database.connection(arn) as connected:
        return database.load(connected, file, given, chunks, request)


def loaded(arn: str, file: IncomingFile) -> int:
    with database.connection(arn) as connected:
        found = connected.execute(
            "SELECT count(*) FROM order_line WHERE file_id = %s", [file.file_id]
        )
        return int(found.fetchall()[0][0])


def figures(given: Totals) -> Figures:
    return Figures(given.accepted, given.orders, given.total, given.house_total)


def test_a_file_is_loaded_once_in_all_its_chunks(arn: str, file: IncomingFile) -> None:
    first, second = HEADER + lines(2, 3), HEADER + lines(9, 2)
    chunks = [[first[:100], first[100:]], [second], [HEADER]]
    five = figures(totals(5))

    assert load(arn, file, totals(5), *chunks) == Loaded(five, database.NOTHING)
    assert load(arn, file, totals(5), *chunks) == Loaded(five, database.NOTHING, again=True)
    assert loaded(arn, file) == 5


def broken_off() -> Iterator[bytes]:
    yield HEADER + lines(2, 1)
    raise ServiceBusy("s3: the stream broke off")


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        ([HEADER + lines(2, 2)], database.LoadIncomplete),
        ([HEADER + lines(2, 1) + lines(2, 1) + lines(3, 1)], database.LoadIncomplete),
        ([HEADER + lines(2, 3).replace(b"17.78", b"many")], database.LoadIncomplete),
        ([b"another,header\r\n" + lines(2, 3)], database.LoadIncomplete),
        (broken_off(), ServiceBusy),
    ],
)
def test_a_load_that_fails_leaves_nothing_and_can_be_done_again(
    arn: str, file: IncomingFile, chunk: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        load(arn, file, totals(3), chunk)

    assert loaded(arn, file) == 0
    again = load(arn, file, totals(3), [HEADER + lines(2, 3)])
    assert again == Loaded(figures(totals(3)), database.NOTHING)


def test_a_session_that_is_ended_in_the_middle_passes(
    arn: str, file: IncomingFile, owner: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    def load_and_be_ended() -> None:
        with database.connection(arn) as connected:
            process = connected.info.backend_pid

            def interrupted() -> Iterator[bytes]:
                yield HEADER + lines(2, 1)
                owner.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
                yield lines(3, 2)

            database.load(connected, file, totals(3), [interrupted()], LoadRequest(CONTENT))

    with pytest.raises(DatabaseUnavailable):
        load_and_be_ended()

    assert loaded(arn, file) == 0


def test_a_rotated_password_is_read_anew(
    arn: str, file: IncomingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = secrets.read(arn, secrets.Database)
    wrong = secrets.Database(
        right.engine, right.host, right.port, right.dbname, right.username, "of yesterday"
    )
    reads: list[bool] = []

    def read(arn: str, form: Any, *, fresh: bool = False) -> secrets.Database:
        reads.append(fresh)
        return right if fresh else wrong

    monkeypatch.setattr(secrets, "read", read)

    assert loaded(arn, file) == 0
    assert reads == [False, True]

    right = wrong
    with pytest.raises(DatabaseRefused):
        loaded(arn, file)


def test_the_functions_role_can_change_and_delete_nothing(arn: str, file: IncomingFile) -> None:
    load(arn, file, totals(1), [HEADER + lines(2, 1)])

    for statement in (
        "DELETE FROM order_line",
        "UPDATE order_line SET quantity = 0",
        "UPDATE order_file SET sha256 = NULL",
        "DELETE FROM partner_order",
        "UPDATE partner_order SET file_id = ''",
        "TRUNCATE order_file CASCADE",
        "DROP TABLE order_line",
        "CREATE TABLE mine ()",
        "SELECT * FROM schema_migration",
    ):
        with pytest.raises(DatabaseRefused), database.connection(arn) as connected:
            connected.execute(statement)


def test_a_try_with_other_sums_leaves_what_is_there(arn: str, file: IncomingFile) -> None:
    load(arn, file, totals(2), [HEADER + lines(2, 2)])

    with pytest.raises(database.LoadedDifferently, match=r"30\.0000 / 34\.00.* 30\.00 / 37\.40"):
        load(arn, file, totals(2, rate="1.1"), [HEADER + lines(2, 2)])

    assert loaded(arn, file) == 2


@pytest.mark.parametrize(("rate", "same_sums"), [("1", True), ("1.1", False)])
def test_a_content_is_loaded_once_whoever_brings_it(
    arn: str, partner: str, file: IncomingFile, rate: str, same_sums: bool
) -> None:
    resent = file_of(partner)
    load(arn, file, totals(2), [HEADER + lines(2, 2)])

    answer = load(arn, resent, totals(2, rate=rate), [HEADER + lines(2, 2)])

    assert answer == ContentThere(file.file_id, same_sums)
    assert loaded(arn, resent) == 0


def test_two_loads_of_a_content_at_once_load_it_once(
    arn: str, partner: str, file: IncomingFile, owner: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    resent, copying, go_on = file_of(partner), threading.Event(), threading.Event()

    def waiting() -> Iterator[bytes]:
        copying.set()
        assert go_on.wait(30)
        yield HEADER + lines(2, 2)

    with ThreadPoolExecutor() as threads:
        first = threads.submit(load, arn, file, totals(2), waiting())
        assert copying.wait(30)
        second = threads.submit(load, arn, resent, totals(2), [HEADER + lines(2, 2)])
        wait_until(lambda: someone_waits(owner), "the second load waits for the first one")
        go_on.set()

    assert isinstance(first.result(), Loaded)
    assert second.result() == ContentThere(file.file_id, same_sums=True)


def someone_waits(owner: "psycopg.Connection[tuple[Any, ...]]") -> bool:
    waiting = "SELECT FROM pg_stat_activity WHERE usename <> %s AND wait_event_type = 'Lock'"
    return owner.execute(waiting, [postgres.OWNER]).fetchone() is not None


def brings(arn: str, partner: str, *invoices: str, content: str = CONTENT) -> IncomingFile:
    """Load a file with one line for each of these orders."""
    brought, count = file_of(partner), len(invoices)
    chunk = HEADER + b"".join(lines(2 + n, 1, invoice) for n, invoice in enumerate(invoices))
    answer = load(arn, brought, totals(count, count), [chunk], request=LoadRequest(content))
    assert isinstance(answer, Loaded)
    return brought


def test_orders_that_are_there_are_noticed_and_nothing_is_loaded(
    arn: str, partner: str, file: IncomingFile
) -> None:
    brings(arn, partner, "A1", "A2", "A3", content=OTHER_CONTENT)
    # Another rate is no change, another quantity or one line more is.
    a1 = lines(9, 1, "A1").replace(b"0.86075,17.78", b"0.86,17.79")
    chunk = HEADER + a1 + lines(10, 1, "A2", quantity=7) + lines(11, 2, "A3") + lines(20, 1, "B1")

    answer = load(arn, file, totals(5, 4), [chunk])

    assert answer == OrdersThere(
        Orders(1, ["B1"]), same=Orders(1, ["A1"]), changed=Orders(2, ["A2", "A3"])
    )
    assert loaded(arn, file) == 0
    # Nor is anything of it kept: the same orders may come from another file.
    brings(arn, partner, "B1")


def test_of_many_orders_a_hundred_are_named(arn: str, partner: str, file: IncomingFile) -> None:
    invoices = [f"A{number:03}" for number in range(150)]
    brings(arn, partner, *invoices, content=OTHER_CONTENT)
    chunk = HEADER + b"".join(lines(2 + n, 1, name) for n, name in enumerate(invoices))

    answer = load(arn, file, totals(150, 150), [chunk])

    assert isinstance(answer, OrdersThere)
    assert answer.same == Orders(150, invoices[:100])


def test_only_the_new_orders_are_loaded_when_it_is_asked(
    arn: str, partner: str, file: IncomingFile
) -> None:
    brings(arn, partner, "A1", content=OTHER_CONTENT)
    chunk = HEADER + lines(2, 2, "A1") + lines(4, 1, "B1").replace(b"15.30", b"4.5")
    whole = Totals(3, 3, {}, 2, "35.10", "GBP", "53.34", "EUR")
    request = LoadRequest(CONTENT, only_new=True)
    parts = Figures(1, 1, "4.50", "17.78"), Figures(2, 1, "30.60", "35.56")

    assert load(arn, file, whole, [chunk], request=request) == Loaded(*parts)
    assert load(arn, file, whole, [chunk], request=request) == Loaded(*parts, again=True)
    assert loaded(arn, file) == 1
    # The content counts as a whole.
    assert load(arn, file_of(partner), whole, [chunk]) == ContentThere(file.file_id, same_sums=True)


def test_a_load_of_the_new_orders_fails_wholly(arn: str, file: IncomingFile) -> None:
    request = LoadRequest(CONTENT, only_new=True)
    with pytest.raises(database.LoadIncomplete):
        load(arn, file, totals(3), [HEADER + lines(2, 2)], request=request)

    brought = load(arn, file, totals(2), [HEADER + lines(2, 2)], request=request)
    assert brought == Loaded(Figures(2, 1, "30.60", "35.56"), database.NOTHING)


def test_a_file_without_a_new_order_leaves_its_content_only(
    arn: str, partner: str, file: IncomingFile
) -> None:
    brings(arn, partner, "A1", content=OTHER_CONTENT)
    request = LoadRequest(CONTENT, only_new=True)

    answer = load(arn, file, totals(1), [HEADER + lines(2, 1, "A1")], request=request)

    assert answer == Loaded(database.NOTHING, Figures(1, 1, "15.30", "17.78"))


def test_two_files_with_the_same_order_at_once_bring_it_once(
    arn: str, partner: str, owner: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    both_copy = threading.Barrier(2, timeout=30)

    def bring(content: str) -> LoadResult:
        def chunk() -> Iterator[bytes]:
            yield HEADER + lines(2, 1, "A1")
            both_copy.wait()

        request = LoadRequest(content)
        return load(arn, file_of(partner), totals(1), chunk(), request=request)

    with ThreadPoolExecutor() as threads:
        answers = [type(one) for one in threads.map(bring, [CONTENT, OTHER_CONTENT])]

    assert sorted(answers, key=str) == [Loaded, OrdersThere]


def test_a_correction_adds_to_the_orders_of_its_file_and_each_line_once(
    arn: str, partner: str, file: IncomingFile
) -> None:
    corrected = brings(arn, partner, "A1", content=OTHER_CONTENT)
    request = LoadRequest(CONTENT, corrects=corrected.file_id)

    answer = load(arn, file, totals(1), [correcting("A1", 7)], request=request)

    assert isinstance(answer, Loaded)
    with database.connection(arn) as connected:
        assert database.corrected_lines(connected, corrected.file_id, [6, 7, 8]) == {7}
    again = LoadRequest("c" * 64, corrects=corrected.file_id)
    with pytest.raises(database.CorrectedBefore):
        load(arn, file_of(partner), totals(1), [correcting("A2", 7)], request=again)
    brought = load(arn, file_of(partner), totals(1), [correcting("A2", 8)], request=again)
    assert isinstance(brought, Loaded)
    # A whole file is compared with what the file and its corrections have brought together.
    chunk = HEADER + lines(2, 2, "A1") + lines(4, 1, "A2")
    whole = load(arn, file_of(partner), totals(3, 2), [chunk], request=LoadRequest("d" * 64))
    assert whole == OrdersThere(Orders(0, []), Orders(2, ["A1", "A2"]), Orders(0, []))


def test_a_correction_that_meets_orders_of_other_files_is_not_loaded(
    arn: str, partner: str, file: IncomingFile
) -> None:
    corrected = brings(arn, partner, "A1", content=OTHER_CONTENT)
    brings(arn, partner, "X1", content="c" * 64)
    request = LoadRequest(CONTENT, corrects=corrected.file_id)

    answer = load(arn, file, totals(1), [correcting("X1", 7)], request=request)

    assert answer == OrdersThere(Orders(0, []), same=Orders(1, ["X1"]), changed=Orders(0, []))


def test_a_correction_names_the_line_that_each_of_its_lines_corrects(
    arn: str, partner: str, file: IncomingFile
) -> None:
    corrected = brings(arn, partner, "A1", content=OTHER_CONTENT)
    request = LoadRequest(CONTENT, corrects=corrected.file_id)

    with pytest.raises(database.LoadIncomplete, match="BadCopyFileFormat"):
        load(arn, file, totals(1), [HEADER + lines(2, 1, "A1")], request=request)
    nameless = CORRECTION_HEADER + lines(2, 1, "A1")[:-2] + b",\r\n"
    with pytest.raises(database.LoadIncomplete, match="CheckViolation"):
        load(arn, file, totals(1), [nameless], request=request)


def test_a_file_of_unknown_content_is_loaded_and_its_orders_are_noted(
    arn: str, partner: str, file: IncomingFile
) -> None:
    brings(arn, partner, "A1", content=OTHER_CONTENT)
    chunk = HEADER + lines(2, 1, "A1") + lines(3, 1, "B1")

    assert load(arn, file, totals(2, 2), [chunk], request=LoadRequest()) == Loaded(
        figures(totals(2, 2)), database.NOTHING
    )
    later = HEADER + lines(2, 1, "B1")
    answer = load(arn, file_of(partner), totals(1), [later])
    assert answer == OrdersThere(Orders(0, []), same=Orders(1, ["B1"]), changed=Orders(0, []))


def test_another_partner_may_bring_the_same_content_and_orders(
    arn: str, file: IncomingFile, owner: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    other = file_of(f"{file.partner}-2")
    load(arn, file, totals(2), [HEADER + lines(2, 2)])
    try:
        answer = load(arn, other, totals(2), [HEADER + lines(2, 2)])
    finally:
        for table in ("order_line", "order_file", "partner_order"):
            owner.execute(f"DELETE FROM {table} WHERE file_id = %s", [other.file_id])  # noqa: S608

    assert isinstance(answer, Loaded)
