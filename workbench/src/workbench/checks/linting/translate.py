"""Translates the SAM template into the CloudFormation that AWS makes of it, by AWS's translator.

Runs in the environment of aws-sam-cli, which has the translator; reaches nothing. Is given the
template's path, for its exemptions, and on standard input the template as JSON, its loops written
out; writes JSON to standard output. What `sam package` uploads stands as an address in S3.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import boto3
from samtranslator.model.exceptions import InvalidDocumentException  # type: ignore[import-not-found]
from samtranslator.parser.parser import Parser  # type: ignore[import-not-found]
from samtranslator.translator.translator import Translator  # type: ignore[import-not-found]

SKIP = re.compile(r"\s*# checkov:skip=(\w+): *(\S.*)")
PLACE = re.compile(r"( *)([\w:${}]+):\s*$")  # a loop, too: what is in it is not of the one before
FUNCTIONS = "AWS::Serverless::Function"
UPLOADED = {FUNCTIONS: "CodeUri", "AWS::Serverless::StateMachine": "DefinitionUri"}


def exemptions(text: str) -> dict[str, list[dict[str, str]]]:
    """Checkov's exemptions in comments, by the resource that they stand in; `Globals` for all.

    Checkov reads comments of the file that it checks, and the translated one has none: there they
    are metadata.
    """
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    section = resource = ""
    for line in text.splitlines():
        place, skip = PLACE.match(line), SKIP.match(line)
        if place and not place[1]:
            section, resource = place[2], ""
        elif place and len(place[1]) == 2:
            resource = place[2]
        elif skip:
            name = "Globals" if section == "Globals" else resource
            found[name].append({"id": skip[1], "comment": skip[2]})
    return found


def translate(template: dict[str, Any], skips: dict[str, list[dict[str, str]]]) -> dict[str, Any]:
    """CloudFormation of a template; raises InvalidDocumentException as AWS would refuse it."""
    template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    serverless = [n for n, body in template["Resources"].items() if body["Type"] == FUNCTIONS]
    for body in template["Resources"].values():
        uploaded = UPLOADED.get(body["Type"])
        if uploaded:
            body["Properties"][uploaded] = "s3://packages/package"
    session = boto3.Session(region_name="eu-central-1")
    translated: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(
        template, {}
    )
    for name, body in translated["Resources"].items():
        reasons = skips.get(name, []) + (skips.get("Globals", []) if name in serverless else [])
        if reasons:
            body.setdefault("Metadata", {})["checkov"] = {"skip": reasons}
    return translated


def main(path: str) -> None:
    """Print the translated template; one line and exit 1 when it cannot be translated."""
    text = Path(path).read_text(encoding="utf-8")
    try:
        translated = translate(json.load(sys.stdin), exemptions(text))
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        sys.exit(f"error: SAM cannot translate {path}: {causes}")
    except Exception as error:  # noqa: BLE001, RUF100 - whatever is wrong with it: one line
        what = " ".join(str(error).split())
        sys.exit(f"error: {path} is not a SAM template: {type(error).__name__}: {what}")
    json.dump(translated, sys.stdout, indent=2, default=str)


if __name__ == "__main__":
    main(sys.argv[1])
