import csv
import io

import pytest

from operations.scenarios.fresh import fresh, new_mark, order_numbers
from operations.scenarios.uploads import Upload
from order_intake.domain.partners import load_profile
from workbench.replay.scenarios import find_scenarios

HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis"
UPLOADS = [one for one in find_scenarios([]) if isinstance(one, Upload)]


def test_two_marks_are_two() -> None:
    assert new_mark() != new_mark()


def test_order_numbers_alone_change() -> None:
    content = f"\ufeff{HEADER}\r\nN-1;01.12.2010;K;N-1;Band;2;1.00\r\nN-2;;;;;;\r\n".encode()

    assert fresh(content, "nordwind", "-x").decode() == (
        f"\ufeff{HEADER}\r\nN-1-x;01.12.2010;K;N-1;Band;2;1.00\r\nN-2-x;;;;;;\r\n"
    )


def test_the_profile_says_in_which_column_they_are() -> None:
    header = "order_date,order_id,item,item_name,units,price,account,ship_to"
    content = f'{header}\n"2010,1",CR-1,P,"a ""b""\nc",1,2,A,U\nd,"AS-2",P,N,1,2,A,U'.encode()

    assert fresh(content, "atlas-supply", "-x").decode() == (
        f'{header}\n"2010,1",CR-1-x,P,"a ""b""\nc",1,2,A,U\nd,"AS-2-x",P,N,1,2,A,U'
    )


@pytest.mark.parametrize("number", ["", " ", '""'])
def test_a_missing_order_number_stays_missing(number: str) -> None:
    content = f"{HEADER}\n{number};01.12.2010;K;A;Band;2;1.00\n".encode()

    assert fresh(content, "nordwind", "-x") == content


@pytest.mark.parametrize(
    ("content", "partner"),
    [
        (b"", "nordwind"),
        (b"\x89PNG\r\n\x1a\n\xff", "nordwind"),
        (b"Order;Date\nN-1;1\n", "nordwind"),
        (f"{HEADER}\nN-1;1;K;A;B;2;1\n".encode(), "nobody"),
    ],
)
def test_a_file_that_is_rejected_as_a_whole_stays_as_it_is(content: bytes, partner: str) -> None:
    assert fresh(content, partner, "-x") == content


@pytest.mark.parametrize("upload", UPLOADS, ids=[one.name for one in UPLOADS])
def test_every_file_of_the_replay_gets_new_orders_and_keeps_the_rest(upload: Upload) -> None:
    new = fresh(upload.content, upload.partner, "-x")

    assert order_numbers(new, upload.partner) == {
        f"{number}-x" for number in order_numbers(upload.content, upload.partner)
    }
    if upload.expect.accepted:
        csv.field_size_limit(2_000_000)
        profile = load_profile(upload.partner)
        assert profile is not None
        delimiter, codec = profile.delimiter, profile.encoding
        before, after = (
            list(csv.reader(io.StringIO(one.decode(codec), newline=""), delimiter=delimiter))
            for one in (upload.content, new)
        )
        changed = [
            (old, now)
            for one, other in zip(before[1:], after[1:], strict=True)
            for old, now in zip(one, other, strict=True)
            if old != now
        ]
        assert len(changed) == len([row for row in before[1:] if row])
        assert {f"{old}-x" == now for old, now in changed} == {True}
