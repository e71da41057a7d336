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
    "empty_file",
    "not_utf8",
    "binary_content",
    "wrong_header",
    "unclosed_quote",
    "too_large",
    "too_many_refused_lines",
]

SMALLEST_CHUNK = 128 * 1024
LARGEST_CHUNK = 4 * 1024 * 1024
CHUNKS_PER_FILE = 8
"""Towards so many chunks a file is cut as long as they are neither too small nor too large."""
LONGEST_ROW = 8 * 1024 * 1024
"""Bytes; a chunk is never longer than the largest chunk and one such row."""
LONGEST_HEADER = 16 * 1024

_BOM = codecs.BOM_UTF8


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


class Survey(msgspec.Struct, frozen=True):
    """What the pass found; no chunks when the file is refused."""

    sha256: str
    """Hex digest of all bytes: the identity of the content."""
    size: int
    """Bytes read."""
    chunks: list[Chunk]
    refusal: FileRefusal | None = None


def survey(blocks: Iterable[bytes], size: int, profile: Profile | None) -> Survey:
    """Read the file once, block by block, and cut it into chunks of whole rows.

    `size` (bytes, as announced) only decides how long a chunk is to be. A refused file is
    still read to its end, because its content's identity needs all of it.
    """
    raise NotImplementedError


def refuse_by_size(size: int, maximum: int) -> FileRefusal | None:
    """Refuse a file of more than `maximum` bytes before any of it is read."""
    if size <= maximum:
        return None
    explanation = f"the file has {size} bytes, more than the {maximum} that are taken; split it"
    return FileRefusal("too_large", explanation)


def chunk_size(size: int) -> int:
    """Return how many bytes a chunk of a file of `size` bytes is to have, at least."""
    return min(LARGEST_CHUNK, max(SMALLEST_CHUNK, -(-size // CHUNKS_PER_FILE)))
