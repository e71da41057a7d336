"""One streaming pass over an upload: its content's hash, its faults, and where to cut it.

A file is cut where it lies, whatever its encoding: what matters for cutting (delimiters, quotes,
line ends) is ASCII, one byte in all encodings but UTF-16, and there one unit of two bytes. So the
pass looks at one byte for each unit (`_Text`), and counts in units.

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
from itertools import chain
from typing import Any, Literal

import msgspec

from order_intake.domain.partners import Profile

FileReason = Literal[
    "unknown_partner",
    "not_a_file",
    "wrong_file_type",
    "empty_file",
    "not_utf8",
    "wrong_encoding",
    "binary_content",
    "wrong_header",
    "unclosed_quote",
    "too_large",
    "too_many_refused_lines",
    "nothing_to_correct",
    "corrected_before",
]

REFUSED_LINE, REFUSED_REASON = "refused_line", "refused_reason"
"""Columns that a file's refused lines have besides their partner's own."""

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
_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")
_PYTHON_NAMES = {
    "utf-8": "utf-8",
    "windows-1252": "cp1252",
    "latin-1": "latin-1",
    "utf-16": "utf-16-le",
}


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
    encoding: str = "utf-8"
    """As Python names it; of UTF-16 the one of the two that the file's first bytes say."""
    width: int | None = None
    """How many columns the file has, and at which places those of the profile are, if it has
    others, too; None when it has exactly those of the profile."""
    places: tuple[int, ...] = ()
    corrects_at: int | None = None
    """In a correction, the place of the column that names the refused line."""
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
    profile: Profile,
    *,
    correction: bool = False,
    bytes_per_chunk: int | None = None,
) -> Survey:
    """Read the file once, block by block, and cut it into chunks of whole rows.

    `size` (bytes, as announced) only decides how long a chunk is to be. A refused file is
    still read to its end, because its content's identity needs all of it. A `correction` has the
    column `refused_line`, too.
    """
    digest = hashlib.sha256()
    hashed = _hashed(blocks, digest)
    chunks: list[Chunk] = []
    refusal = None
    try:
        text = _Text(hashed, profile)
        chunks = _cut(text, profile, bytes_per_chunk or chunk_size(size), correction)
    except _RefusedError as refused:
        refusal = refused.refusal
        for _ in hashed:
            pass
    return Survey(digest.hexdigest(), chunks, refusal)


def refuse_by_name(key: str, *, known: bool) -> FileRefusal | None:
    """Refuse what is not called a CSV file (in whatever case) before any of it is read.

    So is a file of a partner who is not `known`: nobody has said how it reads.

    Consoles and file browsers make an empty object with a slash at its end for a folder. It is
    rejected as any other upload that is not a CSV file, so that nothing is without an outcome.
    """
    if key.endswith("/"):
        explanation = "this is a folder, not a file: there is nothing to take, and nothing to do"
        return FileRefusal("not_a_file", explanation)
    if not known:
        explanation = (
            "no partner has the name of the file's folder: put it under incoming/<your name>/"
        )
        return FileRefusal("unknown_partner", explanation)
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


class _Text:
    """A file's text as one byte for each unit of its encoding, refused where it is not text."""

    def __init__(self, blocks: Iterable[bytes], profile: Profile) -> None:
        self._blocks = iter(blocks)
        self._called = profile.encoding
        self.encoding = _PYTHON_NAMES[profile.encoding]
        self.unit = 2 if profile.encoding == "utf-16" else 1
        """Bytes."""
        self.mark = 0
        """Units of the byte-order mark, if there is one."""
        self._line = 1
        self._head = b""

    def units(self) -> Iterator[bytes]:
        """Check the text block by block, and give one byte for each unit."""
        first = b""
        for block in self._blocks:
            first += block
            if len(first) >= len(_BOM):
                break
        self._look_at(first)
        decoder = codecs.getincrementaldecoder(self.encoding)()
        for block in chain([first], self._blocks):
            if len(self._head) <= (LONGEST_HEADER + len(_BOM)) * self.unit:
                self._head += block
            if self.unit == 1:
                self._check_nul(block, b"\0", b"\n")
                if self.encoding != "latin-1":  # in which every byte is a character
                    self._decode(decoder, block)
                self._line += block.count(b"\n")
                yield block
            else:
                text = self._decode(decoder, block)
                self._check_nul(text, "\0", "\n")
                self._line += text.count("\n")
                # A character beyond the first 65,536 has two units.
                yield _TWO_UNITS.sub("??", text).encode("ascii", "replace")
        self._decode(decoder, b"", final=True)

    def header(self, start: int, end: int) -> str:
        """Give the text of the first units, up to the longest header."""
        return self._head[start * self.unit : end * self.unit].decode(self.encoding)

    def _look_at(self, first: bytes) -> None:
        if self.unit == 1:
            is_marked = self.encoding == "utf-8" and first.startswith(_BOM)
            self.mark = len(_BOM) if is_marked else 0
            return
        self.mark = int(first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)))
        # Without a mark: a header begins with ASCII, whose other byte is zero.
        if first.startswith((codecs.BOM_UTF16_BE, b"\0")):
            self.encoding = "utf-16-be"

    def _check_nul[T: (str, bytes)](self, block: T, nul: T, line_end: T) -> None:
        if nul in block:
            line = self._line + block.count(line_end, 0, block.index(nul))
            raise _RefusedError(
                "binary_content",
                f"line {line} has a NUL byte: send CSV text in {self._called.upper()}, not a "
                "spreadsheet or an archive",
            )

    def _decode(
        self, decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False
    ) -> str:
        try:
            return decoder.decode(block, final)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(self.encoding, "ignore")
            raise _RefusedError(
                "not_utf8" if self.encoding == "utf-8" else "wrong_encoding",
                f"line {self._line + before.count('\n')} has the byte "
                f"0x{error.object[error.start]:02X}, which is not {self._called.upper()} there",
            ) from error


def _cut(text: _Text, profile: Profile, bytes_per_chunk: int, correction: bool) -> list[Chunk]:
    head, blocks = b"", text.units()
    for block in blocks:
        head += block
        if len(head) > LONGEST_HEADER + len(_BOM):
            break
    start = text.mark
    if not head[start:].strip():
        raise _RefusedError("empty_file", "the file has no content; send a header and order lines")
    rows = _Rows(profile.delimiter)
    end = start + rows.first_end(head[start : start + LONGEST_HEADER + 1])
    if end - start > LONGEST_HEADER:
        raise _RefusedError("wrong_header", f"the first row is longer than {LONGEST_HEADER} bytes")
    names = _names(text.header(start, end), profile)
    places = _check_header(names, profile, correction)

    cutter = _Cutter(rows, text.unit, bytes_per_chunk, end, 1 + _line_ends(head, start, end))
    cutter.feed(head[end:])
    for block in blocks:
        cutter.feed(block)
    lines = cutter.finish()
    if not cutter.chunks:
        raise _RefusedError("empty_file", "the file has a header but no order lines")
    common: dict[str, Any] = {
        "encoding": text.encoding,
        "enough_refused": max(KEPT_REFUSED_LINES, int(profile.tolerance * lines)),
    }
    if places != tuple(range(len(names))):
        common |= {"width": len(names), "places": places}
    if correction:
        common["corrects_at"] = names.index(REFUSED_LINE)
    return [
        msgspec.structs.replace(
            chunk, start=chunk.start * text.unit, end=chunk.end * text.unit, **common
        )
        for chunk in cutter.chunks
    ]


def _names(row: str, profile: Profile) -> list[str]:
    return next(csv.reader(io.StringIO(row, newline=""), delimiter=profile.delimiter), [])


def _check_header(header: list[str], profile: Profile, correction: bool) -> tuple[int, ...]:
    """Return at which places of a header the profile's columns are.

    Refuses one that has not the profile's columns, each once, in the profile's order, and between
    them none but those that the profile ignores; and a correction that names no refused lines.
    """
    expected, ignored = list(profile.columns.values()), profile.ignored_columns
    own = {REFUSED_LINE, REFUSED_REASON} if correction else set()
    places = tuple(
        place
        for place, name in enumerate(header)
        if name in expected or not (ignored == "all" or name in ignored or name in own)
    )
    found = [header[place] for place in places]
    if correction and header.count(REFUSED_LINE) != 1:
        raise _RefusedError(
            "wrong_header",
            f'a correction needs the column "{REFUSED_LINE}", once: the line that was refused',
        )
    if found == expected:
        return places
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

    def __init__(self, rows: _Rows, unit: int, bytes_per_chunk: int, start: int, line: int) -> None:
        self.chunks: list[Chunk] = []
        """In units, as all numbers here; `unit` is the bytes of one."""
        self._rows = rows
        self._units_per_chunk = -(-bytes_per_chunk // unit)
        self._longest_row = LONGEST_ROW // unit
        self._start = start
        """Where the chunk in progress begins, and on which line."""
        self._first_line = self._first_order_line = line
        self._read = start
        """Units of the file up to the end of the data at hand."""
        self._line = line
        self._opened_on: int | None = None
        """Line on which the quoted field began that is still open."""
        self._held = b"\n"
        """The last byte that was looked at, and those that wait for what follows them."""

    def feed(self, block: bytes) -> None:
        """Go through one block; what cannot be checked without the next one is held back."""
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
            due = max(here, self._start + self._units_per_chunk - 1 - offset)
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
        if self._read - self._start <= self._units_per_chunk + self._longest_row:
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
