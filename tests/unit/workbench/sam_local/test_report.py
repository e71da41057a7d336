"""A container's log as a person reads it."""

import json

import pytest

from workbench.sam_local.report import Result, print_table, readable_log

LOG = "\n".join(
    [
        "Invoking order_intake.handlers.price_chunk.handler (python3.13)",
        "Mounting /somewhere as /var/task:ro,delegated, inside runtime container",
        json.dumps({"level": "INFO", "message": "Found credentials", "logger": "botocore.x"}),
        json.dumps({"level": "WARNING", "message": "failed", "error": "InvalidInput",
                    "function_name": "PriceChunk", "service": "order-intake", "file_id": "5f1d"}),
        json.dumps({"_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": "FilesAccepted"}]}]},
                    "FilesAccepted": [1.0], "service": "order-intake"}),
        json.dumps({"level": "ERROR", "message": "failed", "exception": "Traceback\n  line 1"}),
        "{no json",
        "REPORT RequestId: 1	Duration: 24 ms",
    ]
)  # fmt: skip


def test_a_log_reads_line_by_line() -> None:
    assert readable_log(LOG) == [
        "WARNING  failed error=InvalidInput file_id=5f1d",
        "metrics  FilesAccepted=1.0",
        "ERROR    failed",
        "         Traceback",
        "           line 1",
        "{no json",
        "REPORT RequestId: 1	Duration: 24 ms",
    ]


def test_a_table_tells_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(
        [
            Result("PriceChunk", "first", "warm container", 0.0271, ()),
            Result("LoadOrders", "second", "sam local invoke", 3.14, ("lines: expected 2, got 1",)),
        ]
    )

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["function", "scenario", "through", "outcome", "time"]
    assert lines[1].split()[-3:] == ["expected", "27", "ms"]
    assert lines[2].split()[-3:] == ["differs", "3.1", "s"]
    assert lines[3] == "LoadOrders/second (sam local invoke): lines: expected 2, got 1"
