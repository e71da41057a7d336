"""Flaws of the platform."""

import re
from collections.abc import Iterable, Iterator

from workbench.mutants.changes import Change, Operator, become, lost, misspelt
from workbench.mutants.operators import names
from workbench.mutants.places import Place

KEY = re.compile(r'^resource "aws_kms_key" "(\w+)"', re.MULTILINE)
PROTECTIONS = (
    *("enable_key_rotation", "policy", "kms_key_id", "kms_key_identifier", "kms_master_key_id"),
    *("dead_letter_config", "retention_days", "message_retention_seconds"),
    *("deletion_window_in_days", "recovery_window_in_days", "exclude_punctuation"),
)


def protection_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A key, a rotation, a policy or a limit is left to the default."""
    for place in places:
        if place.key in PROTECTIONS and place.path[0].startswith(("resource.", "ephemeral.")):
            yield from lost(place)


def switch_turned_off(places: Iterable[Place]) -> Iterator[Change]:
    """A protection is there and off."""
    for place in places:
        if place.source == "true":
            yield become(place, "false")


def swapped_key(keys: Iterable[str]) -> Operator:
    """Something is encrypted with another one of these keys, or its name handed over."""
    others = names.each_next(keys)
    label = "|".join(others)
    key = re.compile(rf"aws_kms_key\.({label})(?:\.arn|\.key_id)?|local\.({label})_\w+")

    def operator(places: Iterable[Place]) -> Iterator[Change]:
        for place in places:
            if label and (match := key.fullmatch(place.source)):
                old = match[1] or match[2]
                yield become(place, place.source.replace(old, others[old], 1))

    return operator


def statement_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A service may not do what it must."""
    for place in places:
        if place.key.startswith("statement."):
            yield from lost(place)


def action_lost(places: Iterable[Place]) -> Iterator[Change]:
    """One of several actions of a statement is gone."""
    for place in places:
        if place.path[-2:-1] == ("actions",):
            yield from lost(place)


def every_action(places: Iterable[Place]) -> Iterator[Change]:
    """All actions of the service instead of the ones that are needed."""
    for place in places:
        if place.path[-2:-1] == ("actions",) and "*" not in place.source:
            yield become(place, f'{place.source.partition(":")[0]}:*"')


def condition_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A statement holds for every account, every resource."""
    for place in places:
        if place.key.startswith("condition."):
            yield from lost(place)


def condition_on_another(places: Iterable[Place]) -> Iterator[Change]:
    """A statement holds for a resource of another name."""
    for place in places:
        if place.path[-2:-1] == ("values",) and place.path[-3].startswith("condition."):
            yield become(place, '"another"')


def any_principal(places: Iterable[Place]) -> Iterator[Change]:
    """Anybody instead of one service."""
    for place in places:
        if place.path[-2:-1] == ("identifiers",):
            yield become(place, '"*"')


def plaintext_secret(places: Iterable[Place]) -> Iterator[Change]:
    """A secret's value gets into the plan and the state."""
    for place in places:
        if place.key == "secret_string_wo" and place.cut:
            start, old, new = place.cut[0], place.key, place.key.removesuffix("_wo")
            yield Change(place.name, start, start + len(old), new, f"{old} → {new}")


def handover_of_another_path(places: Iterable[Place]) -> Iterator[Change]:
    """A name is handed over under a path that nobody asks for, or not at all."""
    for place in places:
        if place.path[:2] == ("locals", "parameters") and len(place.path) == 3 and place.cut:
            yield from lost(place)
            start = place.cut[0]
            new = misspelt(place.key)
            end = start + len(place.key) + 2
            yield Change(f"{place.name}#", start, end, f'"{new}"', f"{place.key} → {new}")


def another_name(places: Iterable[Place]) -> Iterator[Change]:
    """A resource gets a name that the application does not know."""
    for place in places:
        if place.path[0] == "locals" and place.source.startswith('"') and len(place.path) == 2:
            yield become(place, f'{place.source[:-1]}-2"')


def check_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A variable takes what it must not."""
    for place in places:
        if place.key in ("validation", "postcondition"):
            yield from lost(place)


def off_by_one(places: Iterable[Place]) -> Iterator[Change]:
    """A bound of a check is one off."""
    for place in places:
        if place.key == "condition" and (match := re.search(r"range\((\d+)|< (\d+)", place.source)):
            number = match[1] or match[2]
            yield become(place, place.source.replace(number, str(int(number) - 1), 1))


# The AWS provider's and the services' own references.
OUTSIDE = {
    "message_retention_seconds": ("59", "14 * 24 * 60 * 60 + 1"),
    "password_length": ("3", "4097"),
}


def number_outside(places: Iterable[Place]) -> Iterator[Change]:
    """A number that AWS refuses."""
    for place in places:
        if place.path[0].startswith(("resource.", "ephemeral.")):
            for new in OUTSIDE.get(place.key, ()):
                yield become(place, new)


def word_outside(places: Iterable[Place]) -> Iterator[Change]:
    """A word that AWS does not know there."""
    for place in places:
        listed = place.key in ("type", "test") and place.source.startswith('"')
        if listed and not place.path[0].startswith("variable."):
            yield become(place, f'"{misspelt(place.source.strip(chr(34)))}"')


def shorter_retention(places: Iterable[Place]) -> Iterator[Change]:
    """Messages that are gone before anybody looks."""
    for place in places:
        if place.key == "message_retention_seconds":
            yield become(place, "60")


def operators(sources: Iterable[str]) -> dict[str, Operator]:
    """Return the operators for a platform that consists of these sources."""
    keys = [key for source in sources for key in KEY.findall(source)]
    return {
        "a lost protection": protection_lost,
        "a protection turned off": switch_turned_off,
        "a swapped key": swapped_key(keys),
        "a dropped statement": statement_lost,
        "a dropped action": action_lost,
        "a wildcard action": every_action,
        "a dropped condition": condition_lost,
        "a condition on something else": condition_on_another,
        "any principal": any_principal,
        "a plaintext secret": plaintext_secret,
        "a lost or misspelt hand-over": handover_of_another_path,
        "a resource of another name": another_name,
        "a lost check of a setting": check_lost,
        "a bound that is off by one": off_by_one,
        "a number that AWS refuses": number_outside,
        "a word that AWS does not know": word_outside,
        "a shorter retention": shorter_retention,
    }
