"""`make send`: upload a file as a partner would, follow it to its end, and say what came of it."""

import argparse
import difflib
import json
import os
import re
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from operations.commands import sent_page
from operations.deployed import Deployed
from operations.files.decide import give_decision, me
from operations.files.follow import LIMIT, follow, wait_for_execution
from operations.files.order_file import AWAITING, Row, Uploaded, execution_of, read_row, upload
from operations.files.way import DIRECT
from operations.scenarios.outcome import numbers
from operations.scenarios.totals import money
from workbench.history.why import command, why
from workbench.replay.result import shown
from workbench.stages.errors import THROUGH_MAKE, UserError, run
from workbench.stages.stage import ROOT, Stage
from workbench.stages.visible import say

PROFILES = ROOT / "src" / "order_intake" / "partners"
EXITS = f"""\
exit status: 0 when the content is Accepted (the file itself, or the one that it is a Duplicate of),
or awaits an approval; 1 when it is not, when no rule takes the file, or when something is wrong.
{THROUGH_MAKE}"""
SECONDS_PER_BYTE = 2 / 1024**2  # a large file may take longer
GOOD = ("Accepted", "Duplicate", AWAITING)


def known_partner(name: str) -> str:
    """`name`, when it has a profile; else UserError with the nearest names, or all."""
    names = sorted(path.stem for path in PROFILES.glob("*.toml"))
    if name in names:
        return name
    near = difflib.get_close_matches(name, names)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(names)}"
    raise UserError(
        f"no partner {name!r}; {hint} (a partner is a file in src/order_intake/partners)"
    )


def size_of(file: Path) -> int:
    """The size of `file` in bytes; UserError when it is not a file or cannot be read."""
    if file.exists() and not file.is_file():  # a pipe would wait, perhaps for ever
        raise UserError(f"{file} is not a file; save what you want to send in one")
    try:
        with file.open("rb") as content:
            return content.seek(0, os.SEEK_END)
    except FileNotFoundError:
        raise UserError(f"no such file: {file}") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None


def summary(row: Row, error: str | None) -> dict[str, Any]:
    """What came of a file, for programs; sums are decimal texts, `approval` is null, pending,
    approved or declined, `error` the name under which the workflow ends.
    """
    counts = numbers(row)
    approval = row.get("approval") or {}
    pending = "pending" if row["status"] == AWAITING else None
    return {
        "file_id": row["file_id"],
        "route": row["route"],
        "status": row["status"],
        "error": error,
        "reason": row.get("reason"),
        "lines_in": counts["lines_in"],
        "accepted": counts["accepted"],
        "refused": counts["refused"],
        "total": counts["total"],
        "currency": counts["currency"],
        "house_total": counts["house_total"],
        "approval": approval.get("decision") or pending,
    }


def error_of(deployed: Deployed, row: Row) -> str | None:
    """The error under which the workflow ended; on the direct route the one it would have had."""
    if row["status"] in GOOD:
        return None
    execution = execution_of(row)
    if execution is None:
        return f"OrderFile{row['status']}"
    error = wait_for_execution(deployed, execution).get("error")
    return None if error is None else str(error)


def is_taken(deployed: Deployed, row: Row) -> bool:
    """Whether a file's content is accepted, by itself or as a duplicate, or before a person."""
    if row["status"] != "Duplicate":
        return row["status"] in GOOD
    return (read_row(deployed, row["duplicate_of"]) or {}).get("status") == "Accepted"


def about_the_first(deployed: Deployed, row: Row, make_arguments: str) -> list[str]:
    """What to do about a duplicate of a file that is not accepted, in lines for people."""
    if row["status"] != "Duplicate" or is_taken(deployed, row):
        return []
    first = row["duplicate_of"]
    status = (read_row(deployed, first) or {}).get("status", "gone")
    if status == "Failed":
        return [
            "  that file is Failed and may be in the database already; run it again with:",
            f"  make retry{make_arguments} FILE_ID={first}",
        ]
    return [f"  that file is {status}: nothing is loaded yet; see what becomes of it"]


def about_the_failure(deployed: Deployed, row: Row) -> list[str]:
    """Where and why a file has failed, in lines for people, and how to see its way."""
    if row["status"] in GOOD:
        return []
    execution = execution_of(row)
    if execution is None:
        return [f"  see      {command(deployed.stage, 'logs', FN=DIRECT, FILE_ID=row['file_id'])}"]
    *said, see = why(deployed, execution, FILE_ID=row["file_id"])
    failing = [f"  failed   {line}" for line in said] if row["status"] == "Failed" else []
    return [*failing, f"  {see.replace('see ', 'see      ', 1)}"]


def explained(row: Row, name: str, make_arguments: str) -> list[str]:
    """What came of a file, in lines for people; how to decide when it awaits that."""
    counts = numbers(row)
    way = "by one direct call" if row["route"] == "direct" else "through the workflow"
    lines = [f"{name}: {row['status']} {way} (file {row['file_id']})"]
    if counts["lines_in"] is not None:
        lines.append(f"  lines    {counts['lines_in']:,} in, {counts['accepted']:,} accepted")
    if counts["refused"]:
        lines.append(f"  refused  {shown(counts['refused'])}")
    if counts["total"] is not None:
        worth = f"{money(counts['total'])} {counts['currency']}"
        if counts["currency"] != row.get("house_currency", counts["currency"]):
            worth += f" = {money(counts['house_total'])} {row['house_currency']}"
        orders = "1 order" if counts["orders"] == 1 else f"{counts['orders']:,} orders"
        lines.append(f"  worth    {worth} in {orders}")
        gross = row.get("house_gross") or counts["house_total"]
        if Decimal(gross) != abs(Decimal(counts["house_total"])):
            lines.append(f"  gross    {money(gross)} {row['house_currency']}, credits included")
    if row.get("refused_file"):
        lines.append(
            f"  correct  {row['refused_file']} has the refused lines; send them again with"
        )
        lines.append(
            f"  make send{make_arguments} FILE=… PARTNER={row['partner']} CORRECTS={row['file_id']}"
        )
    if row.get("corrects"):
        lines.append(f"  corrects {row['corrects']}")
    if row.get("reason"):
        lines.append(f"  reason   {row['reason']}: {row.get('explanation', '')}".rstrip(": "))
    if row.get("duplicate_of"):
        lines.append(f"  first    {row['duplicate_of']} had the same content")
    if row.get("approval"):
        lines.append(f"  decided  {row['approval']['decision']} by {row['approval']['decided_by']}")
    left_out = row.get("left_out")
    if left_out:
        lines.append(
            f"  left out {left_out['lines']:,} lines of {left_out['orders']:,} orders that earlier "
            "files brought"
        )
        lines += _changed(left_out["changed"], left_out["changed_orders"])
    if row["status"] == AWAITING:
        lines += _question(row)
        lines.append(f"  make approve{make_arguments} FILE_ID={row['file_id']} DECISION=approved")
        lines.append(f"  make approve{make_arguments} FILE_ID={row['file_id']} DECISION=declined")
    return lines


def _question(row: Row) -> list[str]:
    """What a person is asked, and what each answer means."""
    there = row.get("orders_there")
    if row.get("question") != "orders" or not there:
        return ["  it awaits a person's approval; decide with:"]
    new, same, changed = (there[kind]["count"] for kind in ("new", "same", "changed"))
    lines = [
        f"  orders   {new:,} are new; earlier files brought {same:,} with the same lines and "
        f"{changed:,} with other lines"
    ]
    lines += _changed(changed, there["changed"]["invoices"])
    return [*lines, "  approved loads the new orders only, declined loads nothing; decide with:"]


def _changed(count: int, invoices: list[str]) -> list[str]:
    if not count:
        return []
    named = ", ".join(invoices)
    return [f"  changed  {named}{' …' if count > len(invoices) else ''} (nothing of it is loaded)"]


def send(deployed: Deployed, file: Path, partner: str, corrects: str | None = None) -> Uploaded:
    """Upload `file` for `partner`; `corrects` is the id of the file whose refused lines it brings.

    Raises UserError when no rule takes it.
    """
    size = size_of(file)
    folder = f"{partner}/corrections/{corrects}" if corrects else partner
    key = f"incoming/{folder}/{file.name}"
    if not deployed.rules_for("default", deployed.upload_event(key, size)):
        raise UserError(
            f"no rule takes {key} of {size:,} bytes, so it was not sent: is the application "
            "deployed, and the file smaller than 5,000,000,000 bytes?"
        )
    return upload(deployed, key, file)


def followed(deployed: Deployed, file: Path, uploaded: Uploaded, approve: bool) -> Row:
    """Follow a file that was sent; grant an approval when `approve`.

    Returns the ledger's row: final, or AwaitingApproval. Where there is none, the page of what has
    happened is written before UserError is raised.
    """
    started, size = datetime.now(UTC), size_of(file)

    def decide() -> bool:
        if approve:
            give_decision(deployed, uploaded.file_id, "approved", me())
        return approve

    try:
        limit = LIMIT + size * SECONDS_PER_BYTE
        return follow(deployed, uploaded.file_id, decide, limit, uploaded=uploaded)
    except UserError as error:
        said = str(error).splitlines()
        say(*sent_page.lines(deployed, file, uploaded, started, None, said), file=sys.stderr)
        raise


def main(arguments: list[str] | None = None) -> int:
    """Send the file that the command line names; see EXITS for the exit status."""
    parser = argparse.ArgumentParser(
        prog="make send",
        description=__doc__,
        epilog=EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--file", default=os.environ.get("FILE"), help="the file to send (FILE=…)")
    parser.add_argument(
        "--partner", default=os.environ.get("PARTNER"), help="whose file it is (PARTNER=…)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=_is_on("JSON"),
        help="print one line of JSON (JSON=1)",
    )
    parser.add_argument(
        "--approve",
        action="store_true",
        default=_is_on("APPROVE"),
        help="grant an approval that is asked for (APPROVE=1)",
    )
    parser.add_argument(
        "--corrects",
        default=os.environ.get("CORRECTS"),
        help="the id of the file whose refused lines it brings (CORRECTS=…)",
    )
    asked = parser.parse_args(arguments)
    if asked.corrects and not re.fullmatch("[0-9a-f]{24}", asked.corrects):
        raise UserError(f"CORRECTS={asked.corrects!r} is not a file id; make send prints ids")
    if not asked.file or not asked.partner:
        raise UserError("name the file and its partner: make send FILE=orders.csv PARTNER=nordwind")
    stage = Stage.from_environment()
    partner, file = known_partner(asked.partner), Path(asked.file)
    size_of(file)  # before anything is asked of the stage
    deployed = Deployed.find(stage)
    started = datetime.now(UTC)
    uploaded = send(deployed, file, partner, asked.corrects)
    row = followed(deployed, file, uploaded, asked.approve)
    if asked.json:
        say(json.dumps(summary(row, error_of(deployed, row))))
    else:
        make_arguments = "" if stage.is_local else f" STAGE={stage.name}"
        said = explained(row, file.name, make_arguments)
        say(*said)
        say(*about_the_first(deployed, row, make_arguments), *about_the_failure(deployed, row))
        say(*sent_page.lines(deployed, file, uploaded, started, row, said[1:]))
    return 0 if is_taken(deployed, row) else 1


def _is_on(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


if __name__ == "__main__":
    run(main)
