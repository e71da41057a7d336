"""Order numbers that nobody has sent before: each replay and each bench brings new orders.

A content is taken once, and the orders of a file are loaded once for each partner. So what is
uploaded again and again for a replay needs other order numbers each time.
"""

import codecs
import csv
import re
import secrets
import tomllib

from workbench.stages.stage import ROOT

PROFILES = ROOT / "src" / "order_intake" / "partners"
_HEADER = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


def new_mark() -> str:
    """Return a text that makes order numbers new when it is appended to them."""
    return f"-{secrets.token_hex(3)}"


def fresh(content: bytes, partner: str, mark: str) -> bytes:
    """Return `content` with `mark` appended to each order number; no other byte changes.

    The partner's profile says which column has the order numbers. A file without that column is
    rejected as a whole and is returned as it is; so is a file of a partner without a profile.
    """
    parts = _parts(content, partner)
    if parts is None:
        return content
    (codec, errors), header, row, body = parts

    def marked(found: "re.Match[str]") -> str:
        before, number, after = found.groups()
        return f"{before}{number}{mark if number.strip() else ''}{after}"

    return (header + row.sub(marked, body)).encode(codec, errors)


def order_numbers(content: bytes, partner: str) -> set[str]:
    """Return the order numbers that `fresh` changes."""
    parts = _parts(content, partner)
    if parts is None:
        return set()
    _, _, row, body = parts
    return {found[2] for found in row.finditer(body) if found[2].strip()}


def _parts(
    content: bytes, partner: str
) -> tuple[tuple[str, str], str, "re.Pattern[str]", str] | None:
    """Return how the file is encoded, its header, what a row looks like, and all rows.

    None without order numbers.
    """
    path = PROFILES / f"{partner}.toml"
    if not path.is_file():
        return None
    profile = tomllib.loads(path.read_text(encoding="utf-8"))
    delimiter = profile.get("delimiter", ",")
    # What matters here is ASCII, and bytes that are not UTF-8 stay as they are.
    read_as = ("utf-8", "surrogateescape")
    if profile.get("encoding") == "utf-16":
        is_big = content.startswith(codecs.BOM_UTF16_BE)
        read_as = ("utf-16-be" if is_big else "utf-16-le", "surrogatepass")
    text = content.decode(*read_as)
    header = _HEADER.match(text)
    first = header[0] if header else ""
    names = next(csv.reader([first.lstrip("\ufeff")], delimiter=delimiter), [])
    column = profile["columns"]["invoice"]
    if column not in names:
        return None
    return read_as, first, _row(delimiter, names.index(column)), text[len(first) :]


def _row(delimiter: str, place: int) -> "re.Pattern[str]":
    """Match one row: what comes before its order number, the number, and the rest of the row."""
    mark = re.escape(delimiter)
    quoted = '"(?:[^"]|"")*"'
    cell = rf'(?:{quoted}|[^{mark}"\r\n]*+)'
    before, number = rf'(?:{cell}{mark}){{{place}}}"?', rf'[^{mark}"\r\n]*+'
    after = rf'(?:{quoted}|[^"\r\n]++|")*+(?:\r\n|\r|\n)?'
    return re.compile(f"({before})({number})({after})")
