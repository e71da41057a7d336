"""Lambda: the processes that functions run in."""

import fcntl
import hashlib
import os
import shutil
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

from workbench.local_cloud.emulator import nursery, unpacking
from workbench.local_cloud.emulator.patches.targets import module, replaced

# What the emulator has in its environment for itself.
_SETTINGS = (
    "AUTH",
    "BIND_HOST",
    "CLOUDTRAIL_RECORDING",
    "DOCKER_HOST",
    "GATEWAY_PORT",
    "IOT_MTLS_ENABLED",
    "LAMBDA_ACCOUNT_CONCURRENCY",
    "LAMBDA_ASYNC_RETRY_BASE_SECONDS",
    "LAMBDA_WARM_TTL_SECONDS",
    "LOCAL_CLOUD_KEYS",
    "LOG_LEVEL",
    "MINISTACK_ACCOUNT_ID",
    "MINISTACK_REGION",
    "WORKBENCH_LOCAL_CLOUD",
    "SFN_WAIT_SCALE",
)
_ENVIRONMENT = f"""
    import importlib.machinery
    for _name in {_SETTINGS!r}:
        os.environ.pop(_name, None)
    os.environ["AWS_EXECUTION_ENV"] = "AWS_Lambda_python%d.%d" % sys.version_info[:2]
    os.environ["TZ"] = ":UTC"
    time.tzset()
    _site = [path for path in sys.path if path.endswith("site-packages")]
    sys.path[:] = [path for path in sys.path if path not in _site]

    class _RuntimePackages:
        def find_spec(name, path=None, target=None):
            if path is None and name in {nursery.RUNTIME!r}:
                return importlib.machinery.PathFinder.find_spec(name, _site)

    sys.meta_path.append(_RuntimePackages)
"""


def runtime_environment() -> None:
    """A function sees what the Lambda runtime has, not what the emulator has.

    On AWS the runtime brings boto3 and what that needs, and its own variables. MiniStack's
    workers see every package and every setting of the emulator, so that a dependency which is
    missing from a function's package is found all the same. The worker script is made to take
    out the settings, and all packages but the runtime's.
    """
    runtime = module("core.lambda_runtime")
    start = "    init = json.loads(sys.stdin.readline())\n    code_dir"
    script = runtime._PYTHON_WORKER_SCRIPT
    runtime._PYTHON_WORKER_SCRIPT = replaced(script, start, _ENVIRONMENT + start)


class _SharedCode:
    """Stands in for `zipfile` where a worker is made: unpacks each package once."""

    BadZipFile = zipfile.BadZipFile

    class ZipFile(zipfile.ZipFile):
        """A ZIP file that is unpacked into one folder for all workers that use it."""

        def extractall(self, path: Any = None, *arguments: Any, **options: Any) -> None:
            """Make `path` a link to the folder that holds this file's content."""
            source, target = Path(str(self.filename)), Path(str(path))
            folder = Path(tempfile.gettempdir()) / "functions"
            folder.mkdir(exist_ok=True)
            content = folder / hashlib.sha256(source.read_bytes()).hexdigest()[:_NAME]
            with (folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not content.exists():
                    partial = Path(tempfile.mkdtemp(dir=folder))
                    packages = _packages(folder)
                    unpacking.unpack(self, partial, packages[0] if packages else None)
                    partial.rename(content)
                os.utime(content)  # used now
                _forget_old_packages(folder)
            source.unlink()
            target.rmdir()
            target.symlink_to(content)


_NAME = 16  # characters of a package's checksum
_PACKAGES_KEPT = 3  # this one, and what is redeployed when a change is taken back


def _packages(folder: Path) -> list[Path]:
    """The unpacked packages, the one that was used last first."""
    found = [path for path in folder.iterdir() if path.is_dir() and len(path.name) == _NAME]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _forget_old_packages(folder: Path) -> None:
    """Remove what no worker uses and was not among the last packages that were started."""
    links = folder.parent.glob("ministack-lambda-*/code")
    used = {link.resolve() for link in links if link.is_symlink()}
    for package in _packages(folder)[_PACKAGES_KEPT:]:
        if package.resolve() not in used:
            shutil.rmtree(package, ignore_errors=True)


def shared_code() -> None:
    """A package is unpacked and compiled once, not for each worker: a matter of speed only.

    AWS keeps a function's code ready to be mounted. MiniStack unpacks the whole package for
    every worker, and every worker compiles it again. All functions of this project share one
    package, so it is unpacked into a folder named by its content, and workers link to it.
    """
    module("core.lambda_runtime").zipfile = _SharedCode


def idle_workers_end() -> None:
    """Every worker ends when it has been idle for long: a matter of memory only.

    AWS ends idle execution environments. MiniStack keeps one of each function for ever: for this
    project a dozen processes of about 50 MB each. The first of each is ended as the others are,
    after LAMBDA_WARM_TTL_SECONDS.
    """
    runtime = module("core.lambda_runtime")
    functions = module("services.lambda_svc")

    def reap(ttl: float | None = None) -> int:
        oldest = time.time() - (runtime._LOCAL_WORKER_TTL if ttl is None else ttl)
        ended = []
        with runtime._lock:
            for key, workers in list(runtime._workers.items()):
                idle = [w for w in workers if not w.in_use and w.last_used < oldest]
                ended += idle
                runtime._workers[key] = [worker for worker in workers if worker not in idle]
        runtime.kill_workers(ended)
        return len(ended)

    runtime.reap_idle_workers = functions.reap_idle_workers = reap


# A function that calls a function holds its place meanwhile: when no place has become free for this
# long, whoever waits goes on without one.
_PATIENCE_SECONDS = 15.0


def few_at_once() -> None:
    """As many functions run at the same time as this machine has the processors for.

    AWS has processors enough, and a limit for each account (10 in a new one). MiniStack starts a
    process for every call that finds none free: a burst of files makes dozens, which only wait
    for one another and fill the memory. A call waits for its place; those before it make warm
    workers that serve it.
    """
    functions = module("services.lambda_svc")
    dispatch = functions._execute_function_dispatch
    places = threading.Semaphore(max(4, 2 * (os.cpu_count() or 1)))
    last_release = time.monotonic()

    def wait_and_dispatch(*arguments: Any) -> Any:
        nonlocal last_release
        while not (has_place := places.acquire(timeout=_PATIENCE_SECONDS)):
            if time.monotonic() - last_release > _PATIENCE_SECONDS:
                break  # a burst of a thousand files waits long, but places do become free
        try:
            return dispatch(*arguments)
        finally:
            if has_place:
                last_release = time.monotonic()
                places.release()

    functions._execute_function_dispatch = wait_and_dispatch
