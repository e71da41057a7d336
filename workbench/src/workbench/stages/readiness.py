"""What production must have before anything is deployed there."""

from typing import Any

from workbench.application.interface import application
from workbench.deployment import source_template
from workbench.deployment.packaging import sam
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

_SWITCH = ["DISABLED", "ENABLED"]


def check(stage: Stage) -> None:
    """Raise UserError for `prod` with a schedule off, or without what the application demands."""
    if stage.name == "prod" and (missing := lacking(sam.parameters(stage))):
        raise UserError(
            f"prod is not ready: {'; '.join(missing)}; say so in samconfig.toml, "
            "[prod.deploy.parameters], parameter_overrides"
        )


def lacking(values: dict[str, str]) -> list[str]:
    """Return what production lacks with these values of the template's parameters."""
    parameters: dict[str, dict[str, Any]] = source_template.load().get("Parameters", {})
    defaults = {name: str(each.get("Default", "")) for name, each in parameters.items()}
    given = defaults | values
    off = [
        f"a schedule is off ({name}=ENABLED)"
        for name, parameter in parameters.items()
        if sorted(parameter.get("AllowedValues", [])) == _SWITCH and given[name] != "ENABLED"
    ]
    return [*application().lacking(given), *off]
