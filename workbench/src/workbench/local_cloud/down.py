"""`make down`: stops everything and forgets the cloud."""

from workbench.local_cloud import processes, state
from workbench.stages.alone import alone
from workbench.stages.stage import local_dir


def down() -> None:
    """Stop every process of the local cloud and remove its state but the logs. Repeatable."""
    if not local_dir().exists():
        print("the local cloud is not running")
        return
    with alone("make down"), state.locked():
        stopped = processes.stop_all()
        state.remove()
    if stopped:
        print(f"stopped {', '.join(stopped)}; all that was deployed on `local` is gone with them")
        print(f"the logs stay in {state.folder('logs')}")
    else:
        print("the local cloud is not running")
