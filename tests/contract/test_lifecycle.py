"""How long S3 keeps what, worked out from the bucket's lifecycle rules.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html: in a versioned
bucket an expiration only adds a delete marker, and the object becomes a noncurrent version; where
several rules apply, the shortest time counts.
"""

from typing import Any

import pytest

from tests.template import definition, resources

RULES: list[dict[str, Any]] = resources()["UploadsBucket"]["Properties"]["LifecycleConfiguration"][
    "Rules"
]
OURS = ("incoming/nordwind/orders.csv", "curated/nordwind/f/0.jsonl", "quarantine/nordwind/f/a")
WORK = "work/f/manifest.json"


def rules_for(key: str) -> list[dict[str, Any]]:
    """The rules that apply to an object, which must say so by `Prefix` or by nothing."""
    known = {
        "Id", "Status", "Prefix", "ExpirationInDays", "NoncurrentVersionExpiration",
        "ExpiredObjectDeleteMarker", "AbortIncompleteMultipartUpload",
    }  # fmt: skip
    for rule in RULES:
        assert not set(rule) - known, f"lifecycle rule {rule['Id']}: teach this test {set(rule)}"
    return [
        rule
        for rule in RULES
        if rule["Status"] == "Enabled" and key.startswith(rule.get("Prefix", ""))
    ]


def shortest(key: str, *path: str) -> int | None:
    """The shortest time, in days, that the rules for an object give at this place."""
    found = []
    for rule in rules_for(key):
        value: Any = rule
        for name in path:
            value = value.get(name, {})
        if value:
            found.append(int(value))
    return min(found, default=None)


def test_work_is_gone_a_day_after_its_time() -> None:
    expired = shortest(WORK, "ExpirationInDays")
    noncurrent = shortest(WORK, "NoncurrentVersionExpiration", "NoncurrentDays")

    assert expired, "work/ never expires: give its rule ExpirationInDays"
    assert noncurrent == 1, "work/ stays as noncurrent versions: give its rule NoncurrentDays: 1"
    longest = definition()["TimeoutSeconds"] / 86400
    assert expired >= longest, "work/ goes while the workflow may still wait for a person"
    assert expired <= longest + 9, (
        f"work/ stays for {expired} days: five times the uploads, for nothing"
    )


@pytest.mark.parametrize("key", OURS)
def test_what_partners_sent_and_what_came_of_it_never_expires(key: str) -> None:
    assert shortest(key, "ExpirationInDays") is None, (
        f"a lifecycle rule deletes {key}; limit the rule to work/ by its Prefix"
    )


@pytest.mark.parametrize("key", [*OURS, WORK])
def test_what_nobody_can_see_any_more_goes(key: str) -> None:
    noncurrent = shortest(key, "NoncurrentVersionExpiration", "NoncurrentDays")
    multipart = shortest(key, "AbortIncompleteMultipartUpload", "DaysAfterInitiation")
    markers = any(rule.get("ExpiredObjectDeleteMarker") for rule in rules_for(key))

    assert noncurrent, f"old versions of {key} stay: a rule needs NoncurrentVersionExpiration"
    assert noncurrent <= 90, f"old versions of {key} stay for {noncurrent} days instead of 90"
    assert multipart, f"parts of unfinished uploads of {key} stay: AbortIncompleteMultipartUpload"
    assert multipart <= 7, f"parts of unfinished uploads of {key} stay for {multipart} days, not 7"
    assert multipart > 1, f"an upload of {key} that takes more than a day is lost"
    assert markers, f"delete markers of {key} stay: a rule needs ExpiredObjectDeleteMarker"


def test_old_versions_of_uploads_can_be_looked_up_for_a_while() -> None:
    kept = shortest(OURS[0], "NoncurrentVersionExpiration", "NoncurrentDays")
    assert kept is not None
    assert kept >= 90, f"an overwritten upload is gone after {kept} days; a dispute takes longer"


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html
def test_no_rule_says_two_things_that_s3_refuses_together() -> None:
    for rule in RULES:
        both = {"ExpirationInDays", "ExpiredObjectDeleteMarker"} <= set(rule)
        assert not both, f"{rule['Id']}: S3 refuses ExpiredObjectDeleteMarker beside an expiration"
