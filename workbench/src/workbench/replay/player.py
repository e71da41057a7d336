"""Letting scenarios happen on a stage, several at a time."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from workbench.replay.result import Result
from workbench.replay.scenarios import Scenario
from workbench.replay.session import Session
from workbench.stages.deployed import Deployed

WORKERS = 6  # scenarios at the same time
CALLS = 5  # of functions that one of them makes at a time, such as a Map's


def play_all(session: Session, scenarios: list[Scenario]) -> Iterator[Result]:
    """Yield results as they come: first those that disturb no other, at once; then the others.

    What is about the others' traces comes last, when they have ended.
    """
    alone = [one for one in scenarios if one.disturbs and not one.comes_last]
    last = alone + [one for one in scenarios if one.comes_last]
    first = [one for one in scenarios if one not in last]
    # The largest first: they take longest.
    first.sort(key=lambda one: -one.path.stat().st_size)
    yield from concurrently(session.play, first, workers(session.deployed))
    for scenario in last:
        yield session.play(scenario)


def workers(deployed: Deployed) -> int:
    """How many scenarios the account can take at a time: a new one has ten concurrent calls.

    More would throttle each other, and the replay would wait for retries that show nothing.
    """
    limits = deployed.stage.client("lambda").get_account_settings()["AccountLimit"]
    free = int(limits["UnreservedConcurrentExecutions"])
    return max(1, min(WORKERS, free // CALLS))


def concurrently[T, R](
    work: Callable[[T], R], things: Iterable[T], at_once: int = WORKERS
) -> Iterator[R]:
    """Results of `work` as they come, from `at_once` threads that end with the program.

    Daemon threads, because an executor's would hold up Ctrl-C until each has waited to its limit.
    """
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    done: queue.SimpleQueue[R | BaseException] = queue.SimpleQueue()
    count = 0
    for thing in things:
        waiting.put(thing)
        count += 1

    def worker() -> None:
        while True:
            try:
                done.put(work(waiting.get_nowait()))
            except queue.Empty:
                return
            except BaseException as error:  # noqa: BLE001, RUF100 - raised again by the reader
                done.put(error)

    for _ in range(min(at_once, count)):
        threading.Thread(target=worker, daemon=True).start()
    for _ in range(count):
        result = done.get()
        if isinstance(result, BaseException):
            raise result
        yield result
