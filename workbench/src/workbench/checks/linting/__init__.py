"""What `make lint` needs of its own: the deployed form of template and workflow, and own checks."""

from workbench.stages.stage import ROOT

LEFT_OUT = 77  # exit code of a check that this machine cannot run; its output says why
HIDDEN = {".ci", ".github", ".yamllint.yaml"}  # of what begins with a dot, these are sources


def sources(ending: str) -> list[str]:
    """The repository's files with that ending, as sorted paths below its root."""
    tops = [path for path in ROOT.iterdir() if path.name in HIDDEN or path.name[0] != "."]
    found = [path for top in tops for path in ([top] if top.is_file() else top.rglob(f"*{ending}"))]
    return sorted(
        str(path.relative_to(ROOT))
        for path in found
        if path.is_file() and path.name.endswith(ending) and "/." not in str(path.relative_to(ROOT))
    )
