"""What is not deleted while something is in it or runs on it."""

import contextvars
import threading
import time
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

_BUCKET, _MACHINE = "AWS::S3::Bucket", "AWS::StepFunctions::StateMachine"
_LOOK_SECONDS = 0.1


def full_buckets_stay() -> None:
    """A stack's bucket that holds an object, a version or a delete marker is not deleted.

    AWS fails the deletion of the bucket, and with it the stack's (DELETE_FAILED), after it has
    deleted the rest; once the bucket is empty, deleting the stack again works. MiniStack throws
    the objects away.
    """
    table, objects = (
        module("services.cloudformation.provisioners")._RESOURCE_HANDLERS,
        module("services.s3"),
    )
    delete = table[_BUCKET]["delete"]

    def delete_empty(name: str, *more: Any) -> None:
        bucket = objects._buckets.get(name) or {}
        held = any(versions and key[0] == name for key, versions in _items(objects))
        if bucket.get("objects") or held:
            raise ValueError(
                "The bucket you tried to delete is not empty (Service: S3, Status Code: 409)"
            )
        delete(name, *more)

    table[_BUCKET] = table[_BUCKET] | {"delete": delete_empty}


def _items(objects: Any) -> Any:
    return list(objects._object_versions.items())


def state_machines_outlive_their_executions() -> None:
    """A state machine with running executions is `DELETING` until they have ended.

    AWS ends each of them at its next state; one that waits for a person goes on waiting, and the
    state machine, and a stack that it belongs to, with it. Meanwhile it starts no other.
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html
    MiniStack forgets the state machine at once, and its executions run on.
    """
    states, stacks = module("services.stepfunctions"), module("services.cloudformation.stacks")
    table = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    delete, remove = states._delete_state_machine, table[_MACHINE]["delete"]
    start, add_event = states._start_execution, states._add_event
    blocks = stacks._runs_on_worker_thread

    def running(arn: str) -> bool:
        found = list(states._executions.values())
        return any(
            each.get("stateMachineArn") == arn and each.get("status") == "RUNNING" for each in found
        )

    def wait(arn: str) -> None:
        states._state_machines[arn]["status"] = "DELETING"
        while running(arn):
            time.sleep(_LOOK_SECONDS)

    def delete_later(data: Any) -> Any:
        arn = data.get("stateMachineArn")
        if arn not in states._state_machines or not running(arn):
            return delete(data)

        def wait_and_delete() -> None:
            wait(arn)
            delete(data)

        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(wait_and_delete,), daemon=True).start()
        return states.json_response({})

    def remove_later(arn: str, *more: Any) -> None:
        if arn in states._state_machines:
            wait(arn)
        remove(arn, *more)

    def is_deleting(arn: Any) -> bool:
        machine = states._state_machines.get(states._resolve_state_machine_arn(arn or "")) or {}
        return bool(machine.get("status") == "DELETING")

    def start_living(data: Any) -> Any:
        arn = data.get("stateMachineArn")
        if is_deleting(arn):
            return states.error_response_json(
                "StateMachineDeleting", f"State machine is being deleted: {arn}", 400
            )
        return start(data)

    def add_event_and_end(execution: Any, event_type: str, *details: Any) -> Any:
        event = add_event(execution, event_type, *details)
        if event_type.endswith("StateExited") and is_deleting(execution.get("stateMachineArn")):
            states._stop_execution({"executionArn": execution["executionArn"]})
        return event

    states._delete_state_machine, states._start_execution = delete_later, start_living
    states._add_event = add_event_and_end
    table[_MACHINE] = table[_MACHINE] | {"delete": remove_later}
    # Else the whole cloud would wait.
    stacks._runs_on_worker_thread = lambda kind: kind == _MACHINE or blocks(kind)
