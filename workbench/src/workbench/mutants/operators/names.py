"""What the operators read of a repository to make flaws of it: its functions, keys and folders."""

import re
from collections.abc import Iterable, Mapping

from workbench.mutants.places import Place

FUNCTION = "AWS::Serverless::Function"
KEY_PROPERTIES = ("KmsMasterKeyId", "KMSMasterKeyID", "KMSMasterKeyId", "KmsKeyId", "KmsKeyArn")
REF = "!Ref "
# The first folder of a key: in a policy's resource, in a pattern, in a lifecycle's rule.
FOLDER = re.compile(r'(?:\.Arn\}/|"?\b[Pp]refix"?: "?)([a-z][\w-]*)/')


def types(places: Iterable[Place]) -> dict[str, str]:
    """Return the type of each of the template's resources, by its logical id."""
    return {
        place.path[1]: place.source
        for place in places
        if len(place.path) == 3 and place.path[0] == "Resources" and place.key == "Type"
    }


def another_function(places: Iterable[Place], than: str) -> str:
    """Return the template's first function by name that is not `than`."""
    names = sorted(name for name, kind in types(places).items() if kind == FUNCTION)
    return next((name for name in names if name != than), than)


def swapped_keys(places: Iterable[Place]) -> Mapping[str, str]:
    """Return a reference to another key for each reference to a key in the template."""
    return each_next(
        {
            place.source
            for place in places
            if place.key in KEY_PROPERTIES and place.source.startswith(REF)
        }
    )


def each_next(names: Iterable[str]) -> Mapping[str, str]:
    """Return the next one for each, by name; the first for the last."""
    found = sorted(names)
    return dict(zip(found, [*found[1:], *found[:1]], strict=True))


def folders(template: str) -> list[str]:
    """Return the folders of the buckets that the template names."""
    return sorted(set(FOLDER.findall(template)))
