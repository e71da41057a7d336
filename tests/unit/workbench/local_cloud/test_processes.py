"""What tells a process of ours from a stranger's, and how its size is taken."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from workbench.local_cloud import processes
from workbench.stages.waiting import wait_until


@pytest.fixture
def child() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


def test_every_command_sees_the_same_identity(child: "subprocess.Popen[str]") -> None:
    script = f"from workbench.local_cloud import processes; print(processes.identity({child.pid}))"
    seen = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert seen.stdout.strip() == str(processes.identity(child.pid))
    assert processes.identity(child.pid) != processes.identity(os.getpid())


def test_a_process_that_nobody_asked_for_its_end_has_ended(child: "subprocess.Popen[str]") -> None:
    noted = processes.Process("cat", child.pid, processes.identity(child.pid))
    assert noted.alive

    child.kill()

    wait_until(lambda: not noted.alive, "it has ended, and is a zombie", 5)
    assert child.returncode is None
    assert processes.memory(processes.tree(child.pid)) == 0


def test_a_process_that_ended_at_once_is_never_alive() -> None:
    assert not processes.Process("gone", os.getpid(), None).alive


def test_a_tree_is_a_process_and_its_children(child: "subprocess.Popen[str]") -> None:
    tree = processes.tree(os.getpid())

    assert tree[0].pid == os.getpid()
    assert child.pid in [one.pid for one in tree]
    assert 0 < processes.memory(tree) < 4096
