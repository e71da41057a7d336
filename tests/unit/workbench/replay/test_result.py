from operations.scenarios.upload_play import without_database
from operations.scenarios.uploads import UploadOutcome
from workbench.replay.result import compare, shown

ACCEPTED = UploadOutcome(
    rules=("SmallFileUploaded", "OutcomeAnnounced"),
    route="direct",
    outcome="Accepted",
    lines_in=3,
    accepted=2,
    refused={"price_invalid": 1},
    loaded=True,
)


def test_the_same_outcome_does_not_differ() -> None:
    assert compare(ACCEPTED, ACCEPTED) == []


def test_every_field_that_differs_is_reported_with_both_values() -> None:
    seen = UploadOutcome(
        rules=(), route="direct", outcome="Rejected", reason="wrong_header", lines_in=3, accepted=2
    )

    assert compare(ACCEPTED, seen) == [
        "rules: expected SmallFileUploaded + OutcomeAnnounced, got none",
        "outcome: expected Accepted, got Rejected",
        "reason: expected none, got wrong_header",
        "refused: expected price_invalid 1, got none",
        "loaded: expected yes, got no",
    ]


def test_a_stage_without_a_database_loads_nothing() -> None:
    assert compare(without_database(ACCEPTED), ACCEPTED) == ["loaded: expected no, got yes"]


def test_counts_are_shown_in_a_set_order() -> None:
    assert shown({"b": 2, "a": 1}) == "a 1, b 2"
