"""Everything that can be known without a cloud, in seconds: `make check`.

Each finding is one line, `file:line: what is wrong; what to write`. What was found is kept by the
content of what was read, so only what changed is checked again. `make deploy` runs it first.
ONLY=workflow,patterns runs these parts.
"""

from workbench.checks import only
from workbench.checks.checking import kept
from workbench.checks.checking.finding import Finding, sifted

# What costs most comes first: side by side, all are done sooner. What several parts find at one
# line is said in the words of the first of them.
PARTS = {
    name: f"workbench.checks.parts.{name}"
    for name in (
        *("template", "python", "terraform", "permissions", "patterns"),
        *("workflow", "scenarios", "handlers", "schedules", "settings"),
    )
}
APPLICATION = "application"  # under which it is kept which parts the application has


def main() -> int:
    """Check what ONLY names, by default everything; 1 when anything is found."""
    names = only.named()
    found = check(names)
    _show(found)
    if found:
        print(f"check: {len(found)} to put right")
        return 1
    print(f"check: nothing found ({', '.join(names or parts())})")
    return 0


def check(names: list[str] | None = None, beside_each_other: bool = True) -> list[Finding]:
    """Return what is found by the parts of these names, by default by all.

    In this process, one after the other, when they are not to run beside each other.
    """
    modules = _chosen(names or [], parts())
    contents = kept.Contents()
    before = {name: kept.read(name) for name in modules}
    changed = [
        name
        for name, was in before.items()
        if not was or was["mark"] != contents.mark(was["reads"])
    ]
    if changed:
        from workbench.checks.checking import running

        before |= running.run({name: modules[name] for name in changed}, beside_each_other)
    return sifted(one for was in before.values() for one in kept.findings(was))


def parts() -> dict[str, str]:
    """Return the module of each part, the application's own among them."""
    was = kept.read(APPLICATION)
    if not was or was["mark"] != kept.Contents().mark(was["reads"]):
        from workbench.checks.checking import running

        was = running.application_parts()
        kept.keep(APPLICATION, was)
    own: dict[str, str] = was["parts"]
    return PARTS | own


def before_deployment() -> None:
    """Raise UserError when anything is found, after all of it was printed."""
    found = check()
    if found:
        from workbench.stages.errors import UserError

        _show(found)
        raise UserError(f"nothing was deployed: {len(found)} to put right, see above")


def _chosen(names: list[str], known: dict[str, str]) -> dict[str, str]:
    only.check(names, known)
    return {name: module for name, module in known.items() if not names or name in names}


def _show(found: list[Finding]) -> None:
    if found:
        from workbench.stages.visible import say

        say(*found, flush=True)


if __name__ == "__main__":
    from workbench.stages.errors import run

    run(main)
