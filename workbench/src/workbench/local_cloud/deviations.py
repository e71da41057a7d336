"""Where the local stage still differs from AWS; `make status` prints it.

An application adds what its own services leave out (`Application.deviations`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.application.interface import application

_HERE = "tests/local_cloud/test_deviations.py::"


@dataclass(frozen=True)
class Deviation:
    """One difference that remains: what differs, why, what follows, and the test that shows it."""

    differs: str
    reason: str
    consequence: str
    test: str


OWN = (
    Deviation(
        "Wait states, retry delays and the time until a queue's message comes back take a "
        "twentieth of their time; a function that was called asynchronously is tried again after "
        "half a second.",
        "nobody at a laptop wants to wait for minutes",
        "times that `local` shows say nothing about AWS",
        _HERE + "test_waits_are_short",
    ),
    Deviation(
        "The state machine's own TimeoutSeconds is ignored; a task's is not.",
        "MiniStack has no clock for whole executions",
        "an execution that hangs goes on until `make down`",
        _HERE + "test_timeout_of_a_machine_is_ignored",
    ),
    Deviation(
        "A branch of a Parallel that fails lets the other branches finish.",
        "MiniStack waits for all of them",
        "what comes after is the same, a little later",
        _HERE + "test_failed_branch_lets_the_others_finish",
    ),
    Deviation(
        "A state machine's definition is not checked when it is deployed.",
        "MiniStack reads it only when it runs",
        "`make lint` and tests/contract check it",
        _HERE + "test_definition_is_not_checked",
    ),
    Deviation(
        "A state's input and output may be larger than 256 KiB.",
        "MiniStack does not measure them",
        "chunks stay in S3, and only their counts go through the workflow",
        _HERE + "test_states_may_pass_much",
    ),
    Deviation(
        "Executions write no log, and nothing is traced.",
        "MiniStack accepts logging and tracing and does neither",
        "look at an execution's history instead",
        _HERE + "test_executions_write_no_log",
    ),
    Deviation(
        "The history of an execution does not say what a task was called with, nor that it began.",
        "MiniStack notes that a task is scheduled, and how it ended",
        "`make history` shows what goes into a state and comes out of it, here and on AWS",
        _HERE + "test_history_leaves_out_what_tasks_are_called_with",
    ),
    Deviation(
        "What keeps a function from starting stands in its log once for each call, with the call.",
        "MiniStack starts a function when a call comes, and only then",
        "on AWS the same error is there twice, and INIT_REPORT before it",
        "tests/local_cloud/patches/test_starts.py"
        "::test_what_keeps_a_function_from_starting_is_in_its_log",
    ),
    Deviation(
        "The state machine's role is not checked; those of functions, rules and schedules are, "
        "but not for the KMS key behind an object, a table, a queue or a secret, nor for the queue "
        "that Lambda reads for a function.",
        "MiniStack evaluates requests that come in over HTTP, not those that it makes itself",
        "tests/contract compares those roles with what they are used for",
        _HERE + "test_role_of_a_machine_is_not_evaluated",
    ),
    Deviation(
        "An object's ETag is the MD5 of its content even when a key of ours encrypts it.",
        "MiniStack notes the encryption and stores the object as it is",
        "content is distinguished by its SHA-256, never by its ETag",
        _HERE + "test_etag_under_a_key_is_the_contents",
    ),
    Deviation(
        "No lifecycle rule of a bucket runs.",
        "MiniStack never looks at an object's age",
        "objects stay until `make down`",
        _HERE + "test_lifecycle_rules_do_not_run",
    ),
    Deviation(
        "Who makes, changes or deletes a stack needs permissions on the stack and on IAM only; a "
        "role that is handed to a service outside a stack needs no iam:PassRole.",
        "MiniStack makes the resources of a stack itself, without asking IAM for its caller",
        "what else a deployment needs shows on AWS only",
        _HERE + "test_stack_needs_no_rights_on_its_queue",
    ),
    Deviation(
        "The RetryPolicy of a rule's or schedule's target is not used: what it does not take at "
        "once is a dead letter.",
        "nothing that MiniStack delivers to is away for a while",
        "the hour for which AWS tries again shows there only",
        "tests/local_cloud/patches/test_deliveries.py"
        "::test_execution_that_cannot_be_started_is_a_dead_letter",
    ),
    Deviation(
        "Secrets Manager never calls a rotation function, and there is no schedule for it.",
        "MiniStack's RotateSecret makes a new version of the old value",
        "`make rotate` calls the function with the four steps, as Secrets Manager would",
        _HERE + "test_rotation_calls_no_function",
    ),
    Deviation(
        "Functions run as processes of this machine and of its user: no limit of memory, this "
        "machine's processor, and any folder is read and written that the user may.",
        "there is no container without Docker",
        "the package is built for this machine here, and for Lambda on other stages; run no "
        "function here that you would not run as a program",
        _HERE + "test_function_may_write_anywhere",
    ),
    Deviation(
        "Plain HTTP on the loopback interface counts as TLS, and services are reached without TLS.",
        "certificates that nobody checks would show nothing",
        "that buckets and services refuse plain connections shows on AWS only",
        "tests/local_cloud/patches/test_patches.py::test_bucket_that_refuses_plain_http_takes_objects",
    ),
    Deviation(
        "Nothing is served without a signature but function URLs and HTTP APIs; not to a web page "
        "either, whatever a bucket's or an API's CORS rules say.",
        "pages and other users of this machine reach the loopback interface, too",
        "a public bucket and a browser's calls show on AWS only",
        "tests/local_cloud/secrecy/test_strangers.py::test_page_is_refused_whatever_it_holds",
    ),
)


def deviations() -> Sequence[Deviation]:
    """Return the workbench's deviations and the application's."""
    return (*OWN, *application().deviations)
