"""Peak memory of every function that gets a file, from a 1 MB to a 100 MB file.

Each call is a fresh process against the local cloud, with a bucket and a ledger of its own, so that
no rule and no reconciliation sees the files. Files of the direct route have 64 KiB at most; the
other functions get no file.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from operations.bench import REAL_FILE
from operations.deployed import Deployed
from operations.services import postgres
from workbench.bench.figures import Figure, python
from workbench.stages.stage import LOCAL_REGION, PROJECT, Stage

SIZES = {"1 MB": 1_000_000, "100 MB": 100_000_000}
FLAT = 1.2
KEY = "incoming/online-retail/bench.csv"
_CALL = """
import importlib, json, re, sys
from types import SimpleNamespace
module = importlib.import_module(f"order_intake.handlers.{sys.argv[1]}")
context = SimpleNamespace(
    aws_request_id="bench", function_name=sys.argv[1], function_version="1",
    memory_limit_in_mb=1024, invoked_function_arn="arn:bench",
    get_remaining_time_in_millis=lambda: 900_000,
)
answers = [module.handler(event, context) for event in json.load(sys.stdin)]
# Not ru_maxrss, which a process takes over from the one that starts it.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024
print("\\n" + json.dumps({"peak": peak, "answers": answers}))
"""


class Way:
    """One file's way through the functions, call by call; `peaks` is each function's, in MiB."""

    def __init__(self, deployed: Deployed, bucket: str, ledger: str, size: int) -> None:
        self.deployed, self.bucket, self.ledger = deployed, bucket, ledger
        self.peaks: dict[str, float] = {}
        self.version = deployed.stage.client("s3").put_object(
            Bucket=bucket, Key=KEY, Body=_orders(size)
        )["VersionId"]
        self.size = size

    def call(self, function: str, *events: dict[str, Any]) -> Any:
        """Call a function with each event in one process; its last answer."""
        secrets = self.deployed.stage.client("ssm").get_parameters_by_path(
            Path=f"/{PROJECT}/{self.deployed.stage.name}/secrets", Recursive=True
        )["Parameters"]
        arns = {one["Name"].split("/")[-2]: one["Value"] for one in secrets}
        environment = self.deployed.stage.environment() | {
            "UPLOADS_BUCKET": self.bucket,
            "LEDGER_TABLE": self.ledger,
            "ORDERS_BUS": "default",  # where no rule listens to us
            "DATABASE_SECRET_ARN": arns["database"],
            "RATES_API_SECRET_ARN": arns["rates-api"],
            "MAX_FILE_BYTES": "1073741824",
            "POWERTOOLS_SERVICE_NAME": "bench",
            "POWERTOOLS_METRICS_NAMESPACE": "Bench",
        }
        measured = json.loads(
            python(_CALL, environment, function, stdin=json.dumps(events)).split("\n")[-2]
        )
        self.peaks[function] = measured["peak"]
        return measured["answers"][-1]

    def go(self) -> str:
        """Through all steps, and then once more into quarantine; the file's id."""
        upload = {
            "bucket": self.bucket, "key": KEY, "version_id": self.version, "size": self.size,
            "uploaded_at": "2026-03-04T12:00:00Z", "correlation_id": "bench",
        }  # fmt: skip
        registered = self.call(
            "register_file", {"upload": upload, "claimant": "bench", "route": "workflow"}
        )
        file = {"file": registered["file"]}
        rates = self.call("fetch_exchange_rates", file)
        manifest = self.deployed.stage.client("s3").get_object(**_named(registered["manifest"]))
        chunks = json.load(manifest["Body"])
        self.call("price_chunk", *({**file, "chunk": chunk, "rates": rates} for chunk in chunks))
        file["chunks"] = len(chunks)
        terms = {"approval_threshold": "1", "tolerance": "0.01"}
        file["totals"] = self.call("assess_file", file | {"terms": terms})["totals"]
        asked = {"task_token": "bench", "timeout_seconds": 60}
        self.call("request_approval", file | asked)
        self.call("load_orders", file)
        self._reopen(registered["file"]["file_id"])
        self.call("curate_file", file | {"loaded": True})
        self._reopen(registered["file"]["file_id"])
        refusal = {"reason": "too_many_refused_lines", "explanation": "bench"}
        self.call("quarantine_file", file | refusal)
        return str(registered["file"]["file_id"])

    def _reopen(self, file_id: str) -> None:
        self.deployed.stage.client("dynamodb").update_item(
            TableName=self.ledger,
            Key={"pk": {"S": f"file#{file_id}"}},
            UpdateExpression="SET #status = :open REMOVE closed_at",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":open": {"S": "Registered"}},
        )


def _named(place: dict[str, str]) -> dict[str, str]:
    return {"Bucket": place["bucket"], "Key": place["key"]}


def _orders(size: int) -> bytes:
    """The real file's lines, again and again, up to `size` bytes."""
    header, _, lines = REAL_FILE.read_bytes().partition(b"\n")
    whole = lines * (size // len(lines) + 1)
    return header + b"\n" + whole[: whole.rindex(b"\n", 0, size) + 1]


@contextmanager
def _own_place(deployed: Deployed) -> Iterator[tuple[str, str]]:
    """A bucket with versions and a ledger, for this measurement only."""
    name = f"{deployed.stage.prefix}-bench-{uuid.uuid4().hex[:8]}"
    s3, dynamodb = deployed.stage.client("s3"), deployed.stage.client("dynamodb")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": LOCAL_REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )  # fmt: skip
    try:
        yield name, name
    finally:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
                s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
        s3.delete_bucket(Bucket=name)
        dynamodb.delete_table(TableName=name)


def _forget_loaded(file_id: str) -> None:
    with postgres.connect_as_owner(postgres.port(), postgres.DATABASE) as owner:
        owner.execute("DELETE FROM order_line WHERE file_id = %s", [file_id])
        owner.execute("DELETE FROM order_file WHERE file_id = %s", [file_id])
        owner.execute("DELETE FROM partner_order WHERE file_id = %s", [file_id])


def measure() -> Iterator[Figure]:
    """For each function: its peak with the large file over its peak with the small one."""
    deployed = Deployed.find(Stage("local"))
    peaks = {}
    for name, size in SIZES.items():
        with _own_place(deployed) as (bucket, ledger):
            way = Way(deployed, bucket, ledger, size)
            _forget_loaded(way.go())
            peaks[name] = way.peaks
    small, large = peaks.values()
    for function in small:
        note = f"{small[function]:.0f} → {large[function]:.0f} MiB"
        yield Figure(
            f"{function}: peak memory of 100 MB / of 1 MB",
            large[function] / small[function], "times", ("at most", FLAT), note,
        )  # fmt: skip
