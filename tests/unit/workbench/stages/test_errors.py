"""How a command ends: its code, one line for what a person can put right, a trace for a bug."""

import errno
from argparse import ArgumentError

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from workbench.stages.errors import UserError, run


def ends(raised: BaseException | None, code: int | None = None) -> int:
    """The exit code of a command that raises this, or returns `code`."""

    def main() -> int | None:
        if raised:
            raise raised
        return code

    with pytest.raises(SystemExit) as ended:
        run(main)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(("code", "ended"), [(None, 0), (0, 0), (3, 3)])
def test_a_commands_code_is_its_own(code: int | None, ended: int) -> None:
    assert ends(None, code) == ended


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (UserError("no such file: x"), 1, "error: no such file: x\n"),
        (ArgumentError(None, "unrecognized arguments: -x"), 1,
         "error: unrecognized arguments: -x\n"),
        (NoCredentialsError(), 1, "error: AWS: Unable to locate credentials\n"),
        (ClientError({"Error": {"Code": "Gone", "Message": "m"}}, "GetIt"), 1,
         "error: AWS: An error occurred (Gone) when calling the GetIt operation: m\n"),
        (OSError(errno.ENOSPC, "No space left on device", "a.json"), 1,
         "error: a.json: No space left on device\n"),
        (PermissionError(errno.EACCES, "Permission denied", "b"), 1,
         "error: b: Permission denied\n"),
        (BrokenPipeError(), 141, ""),
        (KeyboardInterrupt(), 130, "interrupted; the same command again goes on from here\n"),
    ],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_what_a_person_can_put_right_is_one_line(
    raised: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(raised) == code
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("raised", [KeyError("x"), FileNotFoundError(errno.ENOENT, "gone", "x")])
def test_a_bug_keeps_its_trace(raised: Exception) -> None:
    with pytest.raises(type(raised)):
        ends(raised)
