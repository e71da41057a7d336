"""What MiniStack 1.5.33 does otherwise than AWS, and this project needs, put right in its process.

Each patch is one function; its docstring says what AWS does, what MiniStack does, and how it is
put right. No file of MiniStack is changed. `tests/local_cloud/` has a test for each that fails
without it.
"""

import importlib.metadata
from collections.abc import Callable, Collection

from workbench.local_cloud.emulator.patches import (
    access,
    cloudformation,
    deletions,
    dynamodb,
    faults,
    iam,
    s3,
)
from workbench.local_cloud.emulator.patches.functions import (
    lambda_errors,
    lambda_functions,
    lambda_nursery,
    lambda_throttles,
    lambda_workers,
)
from workbench.local_cloud.emulator.patches.messages import deliveries, events, queues
from workbench.local_cloud.emulator.patches.state_machines import (
    step_functions,
    step_functions_history,
    step_functions_jsonata,
    step_functions_test_state,
)

PINNED = "1.5.33"

# In the order they are applied.
PATCHES: dict[str, Callable[[], None]] = {
    # First, so that nothing keeps what it replaces.
    "root_has_a_secret": access.root_has_a_secret,
    "drawn_function_credentials": access.drawn_function_credentials,
    "strangers_are_refused": access.strangers_are_refused,
    "exception_names": lambda_functions.exception_names,
    "start_errors_have_their_names": lambda_errors.start_errors_have_their_names,
    "errors_are_one_event": lambda_errors.errors_are_one_event,
    "worker_deaths": faults.worker_deaths,
    "request_id_of_retries": lambda_functions.request_id_of_retries,
    "exact_logs": lambda_functions.exact_logs,
    "runtime_environment": lambda_workers.runtime_environment,
    "shared_code": lambda_workers.shared_code,
    "forked_workers": lambda_nursery.forked_workers,
    "few_at_once": lambda_workers.few_at_once,
    "idle_workers_end": lambda_workers.idle_workers_end,
    "throttled_tasks": lambda_throttles.throttled_tasks,
    "throttled_events_wait": lambda_throttles.throttled_events_wait,
    "concurrency_of_aliases": lambda_throttles.concurrency_of_aliases,
    "settings_of_aliases": lambda_throttles.settings_of_aliases,
    "undelivered_messages_come_back_sooner": queues.undelivered_messages_come_back_sooner,
    "no_start_delay": step_functions.no_start_delay,
    "branch_history": step_functions.branch_history,
    "stopped_executions_end": step_functions.stopped_executions_end,
    "retry_delays": step_functions.retry_delays,
    "token_tasks": step_functions.token_tasks,
    "failed_entries": step_functions.failed_entries,
    "events_name_their_execution": step_functions.events_name_their_execution,
    "jsonata_parallel": step_functions_jsonata.jsonata_parallel,
    "jsonata_distributed_map": step_functions_jsonata.jsonata_distributed_map,
    "jsonata_outputs": step_functions_jsonata.jsonata_outputs,
    "jsonata_timeouts": step_functions_jsonata.jsonata_timeouts,
    # After what runs branches and items, to stand around it.
    "linked_history": step_functions_history.linked_history,
    "assigned_variables": step_functions_history.assigned_variables,
    "jsonata_test_state": step_functions_test_state.jsonata_test_state,
    "writes_one_by_one": dynamodb.writes_one_by_one,
    "version_ids": events.version_ids,
    "rules_invoke_asynchronously": events.rules_invoke_asynchronously,
    "targets_allow_deliveries": deliveries.targets_allow_deliveries,
    "replays_keep_to_their_rules": events.replays_keep_to_their_rules,
    "numbers_beyond_the_range_match_nothing": events.numbers_beyond_the_range_match_nothing,
    "loopback_counts_as_tls": iam.loopback_counts_as_tls,
    "wildcards_match_line_breaks": iam.wildcards_match_line_breaks,
    "tokens_belong_to_machines": iam.tokens_belong_to_machines,
    "decisions_are_kept": iam.decisions_are_kept,
    "events_are_evaluated_one_by_one": iam.events_are_evaluated_one_by_one,
    "ranges_of_versions": s3.ranges_of_versions,
    "missing_objects_are_kept_secret": s3.missing_objects_are_kept_secret,
    "encryption_headers_are_evaluated": s3.encryption_headers_are_evaluated,
    "names_of_versions": s3.names_of_versions,
    "yaml_definitions": cloudformation.yaml_definitions,
    "settings_of_functions": cloudformation.settings_of_functions,
    "callers_need_rights_on_roles": cloudformation.callers_need_rights_on_roles,
    "full_buckets_stay": deletions.full_buckets_stay,
    "state_machines_outlive_their_executions": deletions.state_machines_outlive_their_executions,
    "faults_on_demand": faults.faults_on_demand,
}


def apply(without: Collection[str] = ()) -> None:
    """Apply all patches but those named in `without` ("all": none) to the MiniStack at hand.

    Raises RuntimeError for another version of MiniStack, or when it is not as expected.
    """
    found = importlib.metadata.version("ministack")
    if found != PINNED:
        raise RuntimeError(
            f"the local cloud's patches are for MiniStack {PINNED}, but {found} is installed; "
            "run `make setup`"
        )
    for name, patch in PATCHES.items():
        if name not in without and "all" not in without:
            patch()
