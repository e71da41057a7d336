"""One streaming pass over an upload: its content's hash, its faults, and where to cut it.

Rows are those of Python's `csv`: a quote opens a quoted field only where a field begins,
within it two quotes stand for one, and line ends count only outside of quotes (LF, CRLF or CR).
The pass keeps one block in memory, whatever the file's size, and leaves all work on single
bytes to `find`, `count` and `re`.
"""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from order_intake.partners import Profile

FileReason = Literal[
    "unknown_partner",
    "not_a_file",
    "wrong_file_type",
    "empty_file",
    "not_utf8",
    "binary_content",
    "wrong_header",
    "unclosed_quote",
    "too_large",
    "too_many_refused_lines",
]

SMALLEST_CHUNK = 128 * 1024
LARGEST_CHUNK = 2 * 1024 * 1024
CHUNKS_PER_FILE = 8
"""Towards so many chunks a file is cut as long as they are neither too small nor too large."""
LONGEST_ROW = 8 * 1024 * 1024
"""Bytes; a chunk is never longer than the largest chunk and one such row."""
LONGEST_HEADER = 16 * 1024
KEPT_REFUSED_LINES = 1000
"""So many of a chunk's refused lines are kept; as many are looked for in a file to be rejected."""

# What partners send instead of CSV, by the ending of the name: https://www.iana.org/assignments/
# media-types lists most of them. Advice for an ending that is not here: `_SEND_CSV`.
_COMPRESSED = frozenset(["7z", "bz2", "gz", "rar", "tar", "tgz", "xz", "zip", "zst"])
_SHEETS = frozenset(["numbers", "ods", "xls", "xlsb", "xlsm", "xlsx"])
_SEND_CSV = "send CSV text in a file whose name ends in .csv"

_BOM = codecs.BOM_UTF8
_LINE_END = re.compile(rb"\r\n?|\n")


class FileRefusal(msgspec.Struct, frozen=True):
    """Why a whole file is rejected: a code, and a sentence that its partner can act on."""

    reason: FileReason
    explanation: str


class Chunk(msgspec.Struct, frozen=True):
    """Whole rows of a file: the bytes from `start` up to, not including, `end`."""

    index: int
    start: int
    end: int
    first_line: int
    """Line of the file, from 1, on which the chunk's first row begins."""
    enough_refused: int | None = None
    """With more refused lines than these the file is rejected, and need not be read on."""


class Survey(msgspec.Struct, frozen=True):
    """What the pass found; no chunks when the file is refused."""

    sha256: str
    """Hex digest of all bytes: the identity of the content."""
    chunks: list[Chunk]
    refusal: FileRefusal | None = None


def survey(
    blocks: Iterable[bytes],
    size: int,
    profile: Profile | None,
    *,
    bytes_per_chunk: int | None = None,
) -> Survey:
    """Read the file once, block by block, and cut it into chunks of whole rows.

    `size` (bytes, as announced) only decides how long a chunk is to be. A refused file is
    still read to its end, because its content's identity needs all of it.
    """
    digest = hashlib.sha256()
    hashed = _hashed(blocks, digest)
    chunks: list[Chunk] = []
    refusal = None
    try:
        if profile is None:
            raise _RefusedError(
                "unknown_partner", "no partner profile has the name in the file's key"
            )
        chunks = _cut(_checked(hashed), profile, bytes_per_chunk or chunk_size(size))
    except _RefusedError as refused:
        refusal = refused.refusal
        for _ in hashed:
            pass
    return Survey(digest.hexdigest(), chunks, refusal)


def refuse_by_name(key: str) -> FileRefusal | None:
    """Refuse what is not called a CSV file (in whatever case) before any of it is read.

    Consoles and file browsers make an empty object with a slash at its end for a folder. It is
    rejected as any other upload that is not a CSV file, so that nothing is without an outcome.
    """
    if key.endswith("/"):
        explanation = "this is a folder, not a file: there is nothing to take, and nothing to do"
        return FileRefusal("not_a_file", explanation)
    ending = key.rpartition("/")[2].rpartition(".")[2].lower()
    if ending == "csv":
        return None
    advice = _SEND_CSV
    if ending in _COMPRESSED:
        advice = "unpack it, and send each CSV file in it by itself"
    elif ending in _SHEETS:
        advice = "save the sheet as CSV, and send that file"
    return FileRefusal("wrong_file_type", f"the file's name does not end in .csv: {advice}")


def refuse_by_size(size: int, maximum: int) -> FileRefusal | None:
    """Refuse a file of more than `maximum` bytes before any of it is read."""
    if size <= maximum:
        return None
    explanation = f"the file has {size} bytes, more than the {maximum} that are taken; split it"
    return FileRefusal("too_large", explanation)


def chunk_size(size: int) -> int:
    """Return how many bytes a chunk of a file of `size` bytes is to have, at least."""
    return min(LARGEST_CHUNK, max(SMALLEST_CHUNK, -(-size // CHUNKS_PER_FILE)))


class _RefusedError(Exception):
    """Ends the pass over a file that cannot be taken."""

    def __init__(self, reason: FileReason, explanation: str) -> None:
        super().__init__(explanation)
        self.refusal = FileRefusal(reason, explanation)


def _hashed(blocks: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block


def _checked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Let text in UTF-8 pass, and refuse everything else."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    for block in blocks:
        if b"\0" in block:
            line += block.count(b"\n", 0, block.index(b"\0"))
            raise _RefusedError(
                "binary_content",
                f"line {line} has a NUL byte: send CSV text in UTF-8, no spreadsheet or archive",
            )
        _decode(decoder, block, line)
        line += block.count(b"\n")
        yield block
    _decode(decoder, b"", line, final=True)


def _decode(
    decoder: codecs.IncrementalDecoder, block: bytes, line: int, *, final: bool = False
) -> None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        byte = error.object[error.start]
        raise _RefusedError(
            "not_utf8", f"line {line} has the byte 0x{byte:02X}, which is not UTF-8 there"
        ) from error


def _cut(blocks: Iterator[bytes], profile: Profile, bytes_per_chunk: int) -> list[Chunk]:
    head = b""
    for block in blocks:
        head += block
        if len(head) > LONGEST_HEADER + len(_BOM):
            break
    start = len(_BOM) if head.startswith(_BOM) else 0
    if not head[start:].strip():
        raise _RefusedError("empty_file", "the file has no content; send a header and order lines")
    rows = _Rows(profile.delimiter)
    end = start + rows.first_end(head[start : start + LONGEST_HEADER + 1])
    if end - start > LONGEST_HEADER:
        raise _RefusedError("wrong_header", f"the first row is longer than {LONGEST_HEADER} bytes")
    _check_header(head[start:end].decode(), profile)

    cutter = _Cutter(rows, bytes_per_chunk, end, 1 + _line_ends(head, start, end))
    cutter.feed(head[end:])
    for block in blocks:
        cutter.feed(block)
    lines = cutter.finish()
    if not cutter.chunks:
        raise _RefusedError("empty_file", "the file has a header but no order lines")
    enough = max(KEPT_REFUSED_LINES, int(profile.tolerance * lines))
    return [msgspec.structs.replace(chunk, enough_refused=enough) for chunk in cutter.chunks]


def _check_header(row: str, profile: Profile) -> None:
    """Refuse a header that has not exactly the profile's columns, in the profile's order."""
    found = next(csv.reader(io.StringIO(row, newline=""), delimiter=profile.delimiter), [])
    expected = list(profile.columns.values())
    if found == expected:
        return
    missing = [name for name in expected if name not in found]
    surplus = [name for name in found if name not in expected]
    doubled = sorted({name for name in found if found.count(name) > 1})
    said = [("missing", missing), ("unexpected", surplus), ("doubled", doubled)]
    problems = [f"{what}: {_quoted(names)}" for what, names in said if names]
    raise _RefusedError(
        "wrong_header",
        f"the columns must be {_quoted(expected)}, separated by {profile.delimiter!r}; "
        + ("; ".join(problems) or "they are there, but in another order"),
    )


def _quoted(names: list[str]) -> str:
    shown = ", ".join(f'"{name[:40]}"' for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def _line_ends(data: bytes, start: int, end: int) -> int:
    """Count LF, CRLF and CR; the range must not part a CR from its LF."""
    feeds, returns = data.count(b"\n", start, end), data.count(b"\r", start, end)
    return feeds + returns - data.count(b"\r\n", start, end)


class _Rows:
    """Tells whether a place in a file lies within a quoted field, without a loop over bytes."""

    def __init__(self, delimiter: str) -> None:
        begin = b"[\r\n" + re.escape(delimiter.encode()) + b"]"
        quoted = b'(?:[^"]++|"")*+"'
        # Text, whole quoted fields, and quotes that do not stand where a field begins.
        self._outside = re.compile(
            b'(?:[^"]++|(?<=' + begin + b')"' + quoted + b"|(?<!" + begin + b')")*+'
        )
        self._inside = re.compile(quoted)
        self._row = re.compile(
            b'(?:[^"\r\n]++|(?<=' + begin + b')"' + quoted + b"|(?<!" + begin + b')")*+'
        )

    def opened(self, data: bytes, start: int, end: int) -> int | None:
        """From a place outside of quotes: where the field begins in whose quotes `end` lies.

        Needs one byte before `start`; `end` must not lie within a run of quotes.
        """
        if data.find(b'"', start, end) < 0:
            return None
        match = self._outside.match(data, start, end)
        reached = match.end() if match else start
        return reached if reached < end else None

    def closed(self, data: bytes, start: int, end: int) -> int | None:
        """From a place within quotes: the place after the quote that ends the field."""
        match = self._inside.match(data, start, end)
        return match.end() if match else None

    def first_end(self, data: bytes) -> int:
        """Return where the first row ends: after its line end, or with the data."""
        # A line end in front, because a quote at the very start begins a field, too.
        data = b"\n" + data
        row = self._row.match(data, 1)
        line_end = _LINE_END.match(data, row.end() if row else 1)
        return (line_end.end() if line_end else len(data)) - 1


class _Cutter:
    """Takes a file's rows block by block and cuts them where a chunk is long enough."""

    def __init__(self, rows: _Rows, bytes_per_chunk: int, start: int, line: int) -> None:
        self.chunks: list[Chunk] = []
        self._rows = rows
        self._bytes_per_chunk = bytes_per_chunk
        self._start = start
        """Where the chunk in progress begins, and on which line."""
        self._first_line = self._first_order_line = line
        self._read = start
        """Bytes of the file up to the end of the data at hand."""
        self._line = line
        self._opened_on: int | None = None
        """Line on which the quoted field began that is still open."""
        self._held = b"\n"
        """The last byte that was looked at, and those that wait for what follows them."""

    def feed(self, block: bytes) -> None:
        """Go through one block; what cannot be judged without the next one is held back."""
        data = self._held + block
        self._read += len(block)
        end = len(data) - 1 if data.endswith(b"\r") else len(data.rstrip(b'"'))
        end = max(end, 1)
        self._scan(data, end)
        # Of a run of quotes it only matters whether their number is odd, so none grows long.
        quotes = len(data) - end if data.endswith(b'"') else 0
        waiting = b'"' * (2 - quotes % 2) if quotes else data[end:]
        self._held = data[end - 1 : end] + waiting
        self._check_length()

    def finish(self) -> int:
        """Check what was held back, and close the last chunk.

        Returns how many rows there are at most: each begins on a line of its own.
        """
        self._scan(self._held, len(self._held))
        if self._opened_on is not None:
            raise self._unclosed("the file ends before")
        if self._start < self._read:
            self._close_chunk(self._read)
        return self._line + 1 - self._first_order_line

    def _scan(self, data: bytes, end: int) -> None:
        """Follow the rows from the second byte up to `end`; cut where it is time to."""
        here = 1
        offset = self._read - len(data)
        while here < end:
            if self._opened_on is not None:
                here = self._leave_quotes(data, here, end)
                continue
            due = max(here, self._start + self._bytes_per_chunk - 1 - offset)
            if data[due - 1 : due + 1] == b"\r\n":
                due -= 1  # the two are one line end
            match = _LINE_END.search(data, due, end)
            here = self._enter(data, here, match.start() if match else end)
            if match and self._opened_on is None:
                here = match.end()
                self._line += 1
                self._close_chunk(offset + here)

    def _enter(self, data: bytes, here: int, until: int) -> int:
        """Go on outside of quotes, up to `until` or into the quoted field that contains it."""
        opened = self._rows.opened(data, here, until)
        if opened is not None:
            self._opened_on = self._line + _line_ends(data, here, opened)
        self._line += _line_ends(data, here, until)
        return until

    def _leave_quotes(self, data: bytes, here: int, end: int) -> int:
        closed = self._rows.closed(data, here, end)
        if closed is not None:
            self._opened_on = None
        reached = end if closed is None else closed
        self._line += _line_ends(data, here, reached)
        return reached

    def _close_chunk(self, end: int) -> None:
        self.chunks.append(Chunk(len(self.chunks), self._start, end, self._first_line))
        self._start, self._first_line = end, self._line

    def _check_length(self) -> None:
        if self._read - self._start <= self._bytes_per_chunk + LONGEST_ROW:
            return
        if self._opened_on is not None:
            raise self._unclosed(f"{LONGEST_ROW} bytes go by without")
        raise _RefusedError(
            "binary_content",
            f"line {self._line} is longer than {LONGEST_ROW} bytes: this is no CSV",
        )

    def _unclosed(self, what: str) -> _RefusedError:
        return _RefusedError(
            "unclosed_quote",
            f"the quoted field that begins on line {self._opened_on} is not closed: {what} "
            "its second quote",
        )
