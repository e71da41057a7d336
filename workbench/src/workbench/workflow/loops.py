"""Which loops of a workflow end by themselves."""

import re
from typing import Any

NEEDS = re.compile(r"\$(\w+) = '(\w*)'")


def holds_once(machine: dict[str, Any], rule: dict[str, Any]) -> bool:
    """Whether a Choice rule needs a value of a variable and assigns another, for good.

    Only the first state may assign the variable, too, and no way may lead back there.
    """
    condition = rule.get("Condition", "").removeprefix("{%").removesuffix("%}").strip()
    places = [
        place
        for state in machine["States"].values()
        for place in (state, *state.get("Choices", []), *state.get("Catch", []))
    ]
    first = machine["StartAt"]
    entered_again = any(first in (place.get("Next"), place.get("Default")) for place in places)
    if " or " in condition or entered_again:
        return False
    for needed in filter(None, map(NEEDS.fullmatch, condition.split(" and "))):
        name, value = needed.groups()
        changed = str(rule.get("Assign", {}).get(name, value))
        assigning = [place for place in places if name in place.get("Assign", {})]
        known = (rule, machine["States"][first])
        if changed != value and "{%" not in changed and all(each in known for each in assigning):
            return True
    return False
