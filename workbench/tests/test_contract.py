"""What `workbench.testing.plugin` finds in a service: a failure a fault, with place and remedy."""

import re
import secrets
import subprocess
from pathlib import Path

import pytest

from sample_service import Service
from workbench.checks.parts.schedules import fault

# What is broken in a copy: (file, what is there, what is there instead, what the failure says).
FAULTS = [
    ("template.yaml", "      MemorySize: 256\n      CodeUri: src/\n      Handler: parcels.weigh",
     "      CodeUri: src/\n      Handler: parcels.weigh",
     "template.yaml: WeighParcel would have Lambda's 128 MB: name its MemorySize"),
    ("template.yaml", "parcels.print_label.handler", "parcels.print_label.handle",
     "template.yaml: PrintLabel has the Handler parcels.print_label.handle, which "),
    ("template.yaml", "      LoggingConfig: {LogGroup: !Ref CountParcelsLogs}\n", "",
     "template.yaml: CountParcels logs into a group that Lambda makes, which is kept for ever; "),
    ("template.yaml", "MaximumEventAgeInSeconds: 3600}\n\n  ShipParcel", "}\n\n  ShipParcel",
     "template.yaml: SortParcelDropped may try for a day before anybody hears of it; give its "),
    ("template.yaml", "cron(0 18 * * ? *)", "cron(0 18 * * * *)",
     "template.yaml: CountParcelsEvening: cron(0 18 * * * *): "),
    ("template.yaml", "Value: !Ref PrintLabel}", "Value: !Ref WeighParcel}",
     "template.yaml: nobody hears when PrintLabel fails; add an AWS::CloudWatch::Alarm on "),
    ("template.yaml", "detail-type: [ParcelSorted]", "resources: [{prefix: ''}]",
     "template.yaml: ShipParcelSorted: "),
    ("events/bus/parcel_sorted.toml", '"ParcelSorted"', '"ParcelWeighed"',
     "template.yaml: no event is expected to be taken by the rule ParcelSorted; add one to "),
    ("events/functions/WeighParcel/heavy_parcel.toml", "[expect]\nerrorType = \"TooHeavy\"",
     "[expect.payload]\ngrams = 1",
     "events/functions/WeighParcel/: no fixture fails; add an event as .json, and beside it "),
    ("terraform/main.tf", '    "buses/parcels/arn"  =', '    "buses/parcels/arns" =',
     "terraform/: hand over buses/parcels/arn in `parameters`"),
]  # fmt: skip
# Of what is handed over under another name, each side reports what the other lacks.
OTHER_SIDE = "template.yaml: no parameter of type AWS::SSM::Parameter::Value<String> asks for "


def failures(service: Service) -> list[str]:
    """What the failed tests of a run of the service's own tests say, first lines only."""
    python = service.root / ".venv" / "dev" / "bin" / "python"
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "tests"],
        cwd=service.root, env=service.environment() | {"COLUMNS": "400"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout
    return re.findall(r"^E +(?:AssertionError|Failed): (.*)$", done.stdout, re.MULTILINE)


def test_a_sound_service_passes_under_whatever_names(tmp_path: Path) -> None:
    assert (
        failures(Service.copy(tmp_path / "a service of mine", secrets.randbelow(1_000_000))) == []
    )


def test_each_fault_is_one_failure_that_says_where_and_what_to_write(tmp_path: Path) -> None:
    service = Service.copy(tmp_path / "a service of mine")
    service.remove("terraform/tests")  # some of these faults are about permissions, too
    for name, old, new, _ in FAULTS:
        path = service.root / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (name, old)
        path.write_text(text.replace(old, new), encoding="utf-8")

    found = failures(service)

    for *_, said in FAULTS:
        assert len([one for one in found if one.startswith(said)]) == 1, (said, found)
    assert len([one for one in found if not one.startswith(OTHER_SIDE)]) == len(FAULTS), found


def test_a_template_that_does_not_read_is_one_failure(tmp_path: Path) -> None:
    service = Service.copy(tmp_path / "a service of mine")
    path = service.root / "template.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("!Ref DropBox", "!Ref DropBix"))

    (found,) = failures(service)

    assert "DropBix" in found


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ("cron(15 4 * * ? *)", True),
        ("cron(0 9 ? * MON-FRI *)", True),
        ("cron(15 24 * * ? *)", False),
        ("cron(60 4 * * ? *)", False),
        ("cron(15 4 * * * *)", False),
        ("cron(15 4 ? * 8 *)", False),
        ("cron(15 4 * * ?)", False),
        ("cron(*/0 4 * * ? *)", False),
        ("cron(15 4 31 2 ? *)", False),
        ("cron(15 4 * * ? 2020)", False),
        ("rate(5 minutes)", True),
        ("rate(1 hour)", True),
        ("rate(1 days)", False),
        ("rate(5 minute)", False),
        ("rate(0 minutes)", False),
        ("at(2027-02-28T04:15:00)", True),
        ("at(2026-02-30T04:15:00)", False),
        ("15 4 * * *", False),
    ],
)
def test_what_is_wrong_with_a_schedule_is_seen(expression: str, taken: bool) -> None:
    assert (fault(expression) is None) == taken
