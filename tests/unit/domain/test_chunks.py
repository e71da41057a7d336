"""The survey of a file: its content's hash, its faults, and whole rows in every chunk."""

import csv
import hashlib
import io
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_intake.domain import chunks
from order_intake.domain.chunks import chunk_size, refuse_by_name, refuse_by_size
from tests.unit.order_files import HEADER, order_line, surveyed, written

MEBIBYTE = 1024 * 1024
GOOD_FILE = HEADER + written([order_line()] * 3)


def refusal(data: bytes, **how: int) -> chunks.FileRefusal:
    found = surveyed(data, **how)  # type: ignore[arg-type]
    assert found.refusal is not None
    assert found.chunks == []
    return found.refusal


@pytest.mark.parametrize(
    "data",
    [
        GOOD_FILE,
        b"\xef\xbb\xbf" + GOOD_FILE,
        GOOD_FILE.replace(b"\n", b"\r\n"),
        GOOD_FILE.replace(b"\n", b"\r"),
        GOOD_FILE.rstrip(),
    ],
    ids=["LF", "byte-order mark", "CRLF", "CR", "no line end at the end"],
)
def test_a_good_file_is_one_chunk_without_its_header(data: bytes) -> None:
    found = surveyed(data)

    assert found.refusal is None
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    [chunk] = found.chunks
    assert data[chunk.start :].startswith(b"536365")
    assert (chunk.index, chunk.end, chunk.first_line) == (0, len(data), 2)


def test_chunks_say_on_which_line_of_the_file_they_begin() -> None:
    rows = [order_line(Description="one\ntwo\r\nthree"), order_line(), [], order_line()]

    found = surveyed(HEADER + written(rows), bytes_per_chunk=1)

    assert [chunk.first_line for chunk in found.chunks] == [2, 5, 6, 7]


# Whatever makes rows and fields in CSV, in every order.
csv_text = st.text(alphabet='ab,"\r\n', max_size=40)


@given(text=csv_text, block=st.integers(1, 9))
def test_rows_are_those_of_the_csv_module(text: str, block: int) -> None:
    # Given what Python's csv makes of the text: where each row ends, and on which line
    lines = list(io.StringIO(text, newline=""))
    rows = csv.reader(iter(lines))
    ends = [rows.line_num for _ in rows]
    *_, last = csv.reader(io.StringIO(f"{text}\nlast\n", newline=""))
    unclosed = last != ["last"]

    # When every row is to be a chunk of its own, and blocks end anywhere after the header
    with patch.object(chunks, "LONGEST_HEADER", len(HEADER)):
        found = surveyed(HEADER + text.encode(), block=block, bytes_per_chunk=1)

    # Then chunks end where its rows end
    if unclosed:
        assert found.refusal is not None
        assert found.refusal.reason == "unclosed_quote"
    elif not text.strip():
        assert not found.chunks or found.refusal is None
    else:
        at = len(HEADER)
        assert [c.end for c in found.chunks] == [at + len("".join(lines[:end])) for end in ends]
        assert [c.first_line for c in found.chunks] == [2, *(2 + end for end in ends[:-1])]


@given(text=csv_text, sizes=st.lists(st.integers(1, 60), min_size=1))
def test_chunks_are_the_whole_file_whatever_their_size(text: str, sizes: list[int]) -> None:
    data = HEADER + text.encode()
    for size in sizes:
        found = surveyed(data, bytes_per_chunk=size)
        if found.refusal is None:
            parts = [data[chunk.start : chunk.end] for chunk in found.chunks]
            assert HEADER + b"".join(parts) == data
            assert all(len(part) >= size for part in parts[:-1])
            for chunk in found.chunks:
                before = io.StringIO(data[: chunk.start].decode(), newline="")
                assert chunk.first_line == 1 + len(list(before))


@pytest.mark.parametrize(
    "data", [b"", b"\xef\xbb\xbf", b"\n\n", b"  \r\n", HEADER, HEADER.rstrip()]
)
def test_a_file_without_lines_is_empty(data: bytes) -> None:
    assert refusal(data).reason == "empty_file"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"InvoiceNo,StockCode", 'missing: "Description"'),
        (HEADER.replace(b"Country", b"Country,Colour"), 'unexpected: "Colour"'),
        (HEADER.replace(b"StockCode", b"InvoiceNo"), 'doubled: "InvoiceNo"'),
        (HEADER.replace(b",", b";"), "separated by ','"),
        (HEADER.replace(b"InvoiceNo,StockCode", b"StockCode,InvoiceNo"), "another order"),
        (b"x" * 100_000, "longer than"),
        (b"<html>", 'unexpected: "<html>"'),
    ],
)
def test_a_wrong_header_is_explained(header: bytes, said: str) -> None:
    found = refusal(header.rstrip() + b"\n" + written([order_line()]))

    assert found.reason == "wrong_header"
    assert said in found.explanation


@pytest.mark.parametrize(
    "header",
    [b'"' + b"x\n" * 200_000, b'a,"' + b'""\n' * 100_000, b'a"\n' * 200_000, b"\r" * 200_000],
    ids=["unclosed quote", "doubled quotes", "quotes within a field", "line ends"],
)
def test_time_for_a_header_does_not_grow_with_what_follows_it(header: bytes) -> None:
    looked_at = 0

    class Counting(chunks._Rows):
        def first_end(self, data: bytes) -> int:
            nonlocal looked_at
            looked_at += len(data)
            return super().first_end(data)

    with patch.object(chunks, "_Rows", Counting):
        found = surveyed(header + GOOD_FILE)

    assert found.refusal is not None
    assert looked_at <= chunks.LONGEST_HEADER + 1


def test_a_header_may_have_line_breaks_in_quotes() -> None:
    header = HEADER.replace(b"Country", b'"Count\r\nry"')

    assert 'unexpected: "Count\r\nry"' in refusal(header + GOOD_FILE).explanation


def test_enough_refused_lines_are_more_than_the_tolerance_and_than_what_is_shown() -> None:
    # Given files of 4 and of 200,000 lines, of which one in a hundred may be refused
    small = GOOD_FILE + b'"two\nlines"\n'
    large = HEADER + written([order_line()] * 200_000)

    # Then a small file is read to its end, whatever is refused
    assert [one.enough_refused for one in surveyed(small).chunks] == [1000]
    assert {one.enough_refused for one in surveyed(large).chunks} == {2000}


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (GOOD_FILE + "Grüße,1\n".encode("latin-1"), "not_utf8", "line 5 has the byte 0xFC"),
        (GOOD_FILE + b"\xc3", "not_utf8", "line 5"),
        (GOOD_FILE + b"a\0b", "binary_content", "line 5"),
        (GOOD_FILE.decode().encode("utf-16"), "binary_content", "line 1"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary_content", "NUL"),
        (GOOD_FILE + b'1,"2,3\n' + GOOD_FILE, "unclosed_quote", "line 5"),
    ],
)
def test_content_that_is_no_csv_is_refused_with_its_line(
    data: bytes, reason: str, said: str
) -> None:
    found = refusal(data)

    assert found.reason == reason
    assert said in found.explanation


@pytest.mark.parametrize("quotes", range(1, 8))
def test_a_run_of_quotes_may_lie_in_many_blocks(quotes: int) -> None:
    data = GOOD_FILE + b"1," + b'"' * quotes + b",2\n3,4\n"

    with patch.object(chunks, "LONGEST_HEADER", len(HEADER)):
        assert surveyed(data, block=1, bytes_per_chunk=1) == surveyed(data, bytes_per_chunk=1)


@pytest.mark.parametrize("block", [1, 2, 3, 5])
def test_a_character_may_lie_in_two_blocks(block: int) -> None:
    data = HEADER + written([order_line(Description="Grüße, 世界 🙂")] * 2)

    assert surveyed(data, block=block) == surveyed(data)
    assert surveyed(data).refusal is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("incoming/a.csv", "unknown_partner"),
        ("incoming/ghost/a.txt", "unknown_partner"),
        ("incoming/", "not_a_file"),
        ("incoming/ghost/", "not_a_file"),
    ],
)
def test_what_is_nobodys_is_refused_with_where_to_put_it(key: str, reason: str) -> None:
    found = refuse_by_name(key, known=False)

    assert found is not None
    assert found.reason == reason
    assert ("under incoming/<your name>/" in found.explanation) == (reason == "unknown_partner")


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_are_surveyed(data: bytes, block: int) -> None:
    for content in (data, HEADER + data):
        found = surveyed(content, block=block)
        assert found.sha256 == hashlib.sha256(content).hexdigest()
        assert bool(found.chunks) != bool(found.refusal)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b'"' + b"x" * 12 * MEBIBYTE, "unclosed_quote"), (b"x" * 12 * MEBIBYTE, "binary_content")],
    ids=["in quotes", "bare"],
)
def test_a_row_too_long_for_memory_is_refused(content: bytes, reason: str) -> None:
    found = refusal(HEADER + content + GOOD_FILE, block=MEBIBYTE)

    assert found.reason == reason
    assert "line 2" in found.explanation


def test_a_line_of_a_megabyte_is_a_line() -> None:
    data = GOOD_FILE + b"x" * MEBIBYTE + b"\n" + GOOD_FILE[len(HEADER) :]

    found = surveyed(data)

    assert found.refusal is None
    assert found.chunks[-1].end == len(data)


@pytest.mark.parametrize(
    ("size", "bytes_per_chunk"),
    [
        (1, 128 * 1024),
        (MEBIBYTE, 128 * 1024),
        (8 * MEBIBYTE + 1, MEBIBYTE + 1),
        (1024 * MEBIBYTE, 2 * MEBIBYTE),
    ],
)
def test_chunks_grow_with_the_file_within_limits(size: int, bytes_per_chunk: int) -> None:
    assert chunk_size(size) == bytes_per_chunk


@pytest.mark.parametrize(
    "name", ["a.csv", "a.CSV", "a.Csv", ".csv", "2026/a b.tsv.csv", "\x1b.csv"]
)
def test_what_is_called_csv_is_taken_in_whatever_case(name: str) -> None:
    assert refuse_by_name(f"incoming/nordwind/{name}", known=True) is None


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("a.txt", "wrong_file_type", "whose name ends in .csv"),
        ("a", "wrong_file_type", "whose name ends in .csv"),
        ("orders.csv/a", "wrong_file_type", "whose name ends in .csv"),
        ("a.csv~", "wrong_file_type", "whose name ends in .csv"),
        ("a.csv.gz", "wrong_file_type", "unpack it"),
        ("a.ZIP", "wrong_file_type", "unpack it"),
        ("a.xlsx", "wrong_file_type", "save the sheet as CSV"),
        ("2026/", "not_a_file", "a folder"),
        ("a.csv/", "not_a_file", "a folder"),
    ],
)
def test_another_file_is_refused_with_what_to_send(name: str, reason: str, said: str) -> None:
    found = refuse_by_name(f"incoming/nordwind/{name}", known=True)

    assert found is not None
    assert found.reason == reason
    assert said in found.explanation


def test_a_file_above_the_maximum_is_refused_unread() -> None:
    found = refuse_by_size(11, 10)

    assert found is not None
    assert found.reason == "too_large"
    assert refuse_by_size(10, 10) is None
