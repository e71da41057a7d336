from typing import Any

from workbench.replay.kinds.path import path_of


def entered(name: str, kind: str = "Task") -> dict[str, Any]:
    return {"type": f"{kind}StateEntered", "stateEnteredEventDetails": {"name": name}}


def happened(kind: str) -> dict[str, Any]:
    return {"type": kind}


PARALLEL = [
    entered("GatherTerms", "Parallel"),
    happened("ParallelStateStarted"),
    entered("FetchExchangeRates"),
    entered("ReadPartnerTerms"),
    happened("TaskStateExited"),
]


def test_states_are_joined_in_the_order_in_which_they_were_entered() -> None:
    history = [
        happened("ExecutionStarted"),
        entered("DescribeUpload", "Pass"),
        happened("PassStateExited"),
        entered("RegisterFile"),
        happened("TaskScheduled"),
        happened("TaskStateExited"),
        entered("HowRegistered", "Choice"),
        entered("Accepted", "Succeed"),
        happened("ExecutionSucceeded"),
    ]

    assert path_of(history, 0) == "DescribeUpload → RegisterFile → HowRegistered → Accepted"


def test_branches_stand_beside_each_other() -> None:
    history = [*PARALLEL, happened("ParallelStateExited"), entered("AssessFile")]

    assert path_of(history, 0) == (
        "GatherTerms (FetchExchangeRates ∥ ReadPartnerTerms) → AssessFile"
    )


def test_a_parallel_state_that_the_execution_never_left_shows_its_branches() -> None:
    assert path_of(PARALLEL, 0) == "GatherTerms (FetchExchangeRates ∥ ReadPartnerTerms)"


def test_a_map_shows_how_many_chunks_and_not_their_states() -> None:
    history = [
        entered("PriceChunks", "Map"),
        happened("MapIterationStarted"),
        entered("PriceChunk"),
        entered("PriceChunk"),
        happened("MapStateExited"),
        entered("AssessFile"),
    ]

    assert path_of(history, 7) == "PriceChunks ×7 → AssessFile"
