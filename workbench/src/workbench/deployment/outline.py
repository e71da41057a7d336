"""What the template names, read in milliseconds: without its loops, and nothing resolved.

`source_template.load` gives all of it, and takes seconds.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

TEMPLATE = ROOT / "template.yaml"
STATE_MACHINE = "AWS::Serverless::StateMachine"
QUEUE = "AWS::SQS::Queue"
# Where a template says who gets what a rule, a schedule or a function has given up.
GIVEN_UP = ("DeadLetterConfig", "DeadLetterQueue", "OnFailure")
SOURCES = ("CodeUri", "ContentUri", "DefinitionUri")


def definitions(template: Path = TEMPLATE) -> dict[str, Path]:
    """Return the file with the definition of each state machine, by logical id.

    Raises UserError when the template does not read, and for a machine whose file is not there.
    """
    found = {}
    for name, body in fields(fields(whole(template)).get("Resources")).items():
        said = fields(body)
        if text(said.get("Type")) == STATE_MACHINE:
            file = text(fields(said.get("Properties")).get("DefinitionUri"))
            if not file:
                raise UserError(
                    f"{template.name}: {name} needs a DefinitionUri: the path of its definition"
                )
            found[name] = template.parent / file
            if not found[name].is_file():
                raise UserError(
                    f"{template.name}: the DefinitionUri of {name}, {file}, is not there; write "
                    "the definition there, or name the file that has it"
                )
    return found


def sources(template: Path = TEMPLATE) -> list[Path]:
    """Return the files and folders beside the template that are deployed with it, each once."""
    named = {text(node) for key, node in _every(whole(template)) if key in SOURCES}
    return sorted(template.parent / path for path in named if path)


def dead_letter_queues(template: Path = TEMPLATE) -> dict[str, str | None]:
    """Return the logical ids of the queues that get what was given up.

    Each with the queue that SQS moves its messages from; None where something else gave up.
    """
    resources = fields(fields(whole(template)).get("Resources"))
    queues = {name for name, body in resources.items() if text(fields(body).get("Type")) == QUEUE}
    found: dict[str, str | None] = {}
    for key, node in _every(whole(template)):
        if key in GIVEN_UP:
            found |= dict.fromkeys(queues & set(_referred(node)))
    for name in sorted(queues):
        policy = fields(fields(resources[name]).get("Properties")).get("RedrivePolicy")
        found |= dict.fromkeys(queues & set(_referred(policy)), name)
    return found


def _referred(node: yaml.Node | None) -> Iterator[str]:
    """Return the logical ids that `!Ref` and `!GetAtt` name, however deep."""
    if isinstance(node, yaml.ScalarNode) and node.tag in ("!Ref", "!GetAtt"):
        yield node.value.partition(".")[0]
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _referred(each)
    for each in fields(node).values():
        yield from _referred(each)


@cache
def _composed(template: Path, changed: int) -> yaml.Node | None:
    try:
        return yaml.compose(template.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise UserError(f"{template.name} is not valid YAML: {said}") from None


def whole(template: Path = TEMPLATE) -> yaml.Node | None:
    """Return the template as a tree. Raises UserError when it is not there or is not YAML."""
    try:
        return _composed(template, template.stat().st_mtime_ns)
    except FileNotFoundError:
        raise UserError(
            f"there is no {template.name}; write the application's SAM template there"
        ) from None
    except OSError as error:
        raise UserError(f"{template.name} cannot be read: {error.strerror}") from None


def fields(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Return the fields of a mapping by name; none for anything else."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value}


def text(node: yaml.Node | None) -> str:
    """Return a plain text; "" for anything else."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def texts(node: yaml.Node | None) -> set[str]:
    """Return all plain texts, however deep."""
    if isinstance(node, yaml.SequenceNode):
        return {each for one in node.value for each in texts(one)}
    inside = {each for one in fields(node).values() for each in texts(one)}
    return inside | ({text(node)} if isinstance(node, yaml.ScalarNode) else set())


def every(template: Path = TEMPLATE) -> Iterator[tuple[str, yaml.Node]]:
    """Return each field of each mapping of the template, however deep, with what it holds."""
    return _every(whole(template))


def _every(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Return each field of each mapping, however deep."""
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _every(each)
    for key, value in fields(node).items():
        yield key, value
        yield from _every(value)
