"""A function's errors stand in its log as on AWS: those of its start, and each as one event."""

import pytest

from tests.local_cloud.emulator import Emulator

HANDLER = "def handler(event, context):\n    return event\n"
# What is wrong with the module, the error's name, and its message.
STARTS = {
    "a library that is missing": (
        "import nowhere_to_be_found\n" + HANDLER,
        "Runtime.ImportModuleError",
        "Unable to import module 'main': No module named 'nowhere_to_be_found'",
    ),
    "a missing bracket": (
        HANDLER + "numbers = [1, 2\n",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'main': '[' was never closed (main.py, line 3)",
    ),
    "another handler's name": (
        HANDLER.replace("handler", "handel"),
        "Runtime.HandlerNotFound",
        "Handler 'handler' missing on module 'main'",
    ),
    "an error of the module itself": (
        "first = [][0]\n" + HANDLER,
        "IndexError",
        "list index out of range",
    ),
}


@pytest.mark.patch(name="start_errors_have_their_names")
@pytest.mark.parametrize(("source", "name", "message"), STARTS.values(), ids=STARTS)
def test_what_keeps_a_function_from_starting_is_in_its_log(
    cloud: Emulator, source: str, name: str, message: str
) -> None:
    function = cloud.function(source)

    for _ in range(2):  # the second worker is made otherwise
        error = cloud.invoke(function)
        assert (error["errorType"], error["errorMessage"]) == (name, message)

    errors = [line for line in cloud.log(function) if line.startswith("[ERROR]")]
    assert len(errors) == 2
    for line in errors:
        assert line.splitlines()[0] == f"[ERROR] {name}: {message}"


@pytest.mark.patch(name="start_errors_have_their_names")
def test_a_syntax_error_has_its_line(cloud: Emulator) -> None:
    function = cloud.function(HANDLER + "numbers = [1, 2\n")

    cloud.invoke(function)

    (line,) = [line for line in cloud.log(function) if line.startswith("[ERROR]")]
    assert line.splitlines()[1:] == [
        "Traceback (most recent call last):",
        '  File "/var/task/main.py" Line 3',
        "    numbers = [1, 2",
    ]


@pytest.mark.patch(name="errors_are_one_event")
def test_a_handlers_error_is_one_event_with_its_own_trace_only(cloud: Emulator) -> None:
    function = cloud.function(
        "def handler(event, context):\n"
        "    try:\n"
        "        int('x')\n"
        "    except ValueError as error:\n"
        "        raise KeyError('two\\nlines') from error\n"
    )

    cloud.invoke(function)

    (line,) = [line for line in cloud.log(function) if line.startswith("[ERROR]")]
    assert line.splitlines()[:3] == [
        "[ERROR] KeyError: 'two\\nlines'",
        "Traceback (most recent call last):",
        '  File "/var/task/main.py", line 5, in handler',
    ]
    assert "_worker.py" not in line
    assert not any("Traceback" in other for other in cloud.log(function) if other != line)
