"""What production must have before anything is deployed there."""

from typing import Any

from workbench.deployment import sam, source_template
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

_SWITCH = ["DISABLED", "ENABLED"]


def check(stage: Stage) -> None:
    """Raise UserError for `prod` without somebody who hears of it, or with a schedule off."""
    if stage.name == "prod" and (missing := lacking(sam.parameters(stage))):
        raise UserError(
            f"prod is not ready: {'; '.join(missing)}; say so in samconfig.toml, "
            "[prod.deploy.parameters], parameter_overrides"
        )


def lacking(values: dict[str, str]) -> list[str]:
    """What production lacks with these values of the template's parameters."""
    parameters: dict[str, dict[str, Any]] = source_template.load()["Parameters"]

    def value(name: str) -> str:
        return values.get(name, str(parameters[name].get("Default", "")))

    missing = []
    if value("OperatorsEmail") in ("", "none"):
        missing.append(
            "nobody hears of alarms and approvals (OperatorsEmail=operators@example.com)"
        )
    for name, parameter in parameters.items():
        if sorted(parameter.get("AllowedValues", [])) == _SWITCH and value(name) != "ENABLED":
            missing.append(f"a schedule is off ({name}=ENABLED)")
    return missing
