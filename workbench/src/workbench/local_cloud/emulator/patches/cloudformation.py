"""CloudFormation: what a template may hold, and what a caller must be allowed for it."""

import json
from collections.abc import Iterator
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module


def yaml_definitions() -> None:
    """A state machine's definition may be YAML.

    AWS takes YAML and JSON alike from `DefinitionS3Location`, which is what SAM makes of
    `DefinitionUri`. MiniStack stores the text as it is and then cannot read it. YAML becomes JSON,
    after the template's substitutions are put in.
    """
    provisioners = module("services.cloudformation.provisioners")
    text_of = provisioners._sfn_definition

    def json_of(props: Any) -> str:
        import yaml  # with MiniStack, not in the environment that checks this file's types

        text: str = text_of(props)
        try:
            json.loads(text)
        except ValueError:
            return json.dumps(yaml.safe_load(text), default=str)
        return text

    provisioners._sfn_definition = json_of


_FUNCTION = "AWS::Lambda::Function"


def settings_of_functions() -> None:
    """A function of a stack has its key, dead-letter queue, reserved concurrency and network.

    AWS sets them from the template. MiniStack's CloudFormation drops them, while its Lambda knows
    them. They are set once the function is made or changed.
    """
    table = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    functions = module("services.lambda_svc")._functions
    create, update = table[_FUNCTION]["create"], table[_FUNCTION]["update"]

    def settle(name: str, props: Any) -> None:
        record = functions[name]
        network = props.get("VpcConfig")
        wanted = {
            "KMSKeyArn": props.get("KmsKeyArn"),
            "DeadLetterConfig": props.get("DeadLetterConfig"),
            "VpcConfig": network and network | {"VpcId": ""},
        }
        for field, value in wanted.items():
            record["config"].pop(field, None)
            if value:
                record["config"][field] = value
        reserved = props.get("ReservedConcurrentExecutions")
        record["concurrency"] = None if reserved is None else int(reserved)

    def create_whole(logical_id: str, props: Any, *more: Any) -> Any:
        made = create(logical_id, props, *more)
        settle(made[0], props)
        return made

    def update_whole(name: str, before: Any, props: Any, *more: Any) -> Any:
        made = update(name, before, props, *more)
        settle(made[0], props)
        return made

    table[_FUNCTION] = table[_FUNCTION] | {"create": create_whole, "update": update_whole}


# What a resource hands a role to: its type, and the service that assumes it.
_TAKES_A_ROLE = {
    _FUNCTION: "lambda.amazonaws.com",
    "AWS::StepFunctions::StateMachine": "states.amazonaws.com",
    "AWS::Events::Rule": "events.amazonaws.com",
    "AWS::Scheduler::Schedule": "scheduler.amazonaws.com",
}
_ROLE, _POLICY, _MANAGED = "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"
type _Question = tuple[str, str, dict[str, Any]]


def callers_need_rights_on_roles() -> None:
    """Who deploys a stack needs IAM's own permissions for the roles and policies in it.

    AWS makes everything in a stack with the caller's rights. MiniStack asks for those on the stack
    only, so that whoever may make a stack may make a role that may do everything. For roles,
    policies, and roles that are handed over to a service (`iam:PassRole`), the caller is asked.
    """
    provisioners = module("services.cloudformation.provisioners")
    table, naming = provisioners._RESOURCE_HANDLERS, provisioners._physical_name
    account = module("core.responses").get_account_id

    def name(props: Any, stack: str, logical: str) -> str:
        return str(props.get("RoleName") or naming(stack, logical, max_len=64))

    def create(kind: str, handler: Any) -> Any:
        def ask_and_create(logical: str, props: Any, stack: str, *more: Any) -> Any:
            whose = name(props, stack, logical) if kind == _ROLE else logical
            _ask(_questions(kind, props, whose, account(), "Create"))
            return handler(logical, props, stack, *more)

        return ask_and_create

    def update(kind: str, handler: Any) -> Any:
        def ask_and_update(physical: str, before: Any, props: Any, *more: Any) -> Any:
            _ask(_questions(kind, props, physical, account(), "Update"))
            return handler(physical, before, props, *more)

        return ask_and_update

    def delete(kind: str, handler: Any) -> Any:
        def ask_and_delete(physical: str, props: Any, *more: Any) -> Any:
            _ask(_questions(kind, props, physical, account(), "Delete"))
            return handler(physical, props, *more)

        return ask_and_delete

    for kind in (_ROLE, _POLICY, _MANAGED, *_TAKES_A_ROLE):
        made = table[kind]
        wrapped = {"create": create(kind, made["create"]), "update": update(kind, made["update"])}
        if kind not in _TAKES_A_ROLE:
            wrapped["delete"] = delete(kind, made["delete"])
        table[kind] = made | wrapped


def _questions(kind: str, props: Any, name: str, account: str, act: str) -> Iterator[_Question]:
    """Action, resource and condition keys of everything that a resource needs from IAM."""
    path = props.get("Path", "/")
    role = f"arn:aws:iam::{account}:role{path}{name}"
    if service := _TAKES_A_ROLE.get(kind):
        targets = props.get("Targets") or [props.get("Target") or {}]
        given = [
            props.get("Role"),
            props.get("RoleArn"),
            *(each.get("RoleArn") for each in targets),
        ]
        for arn in filter(None, given):
            yield "iam:PassRole", arn, {"iam:PassedToService": service}
    elif kind == _ROLE:
        boundary = props.get("PermissionsBoundary")
        limits = {"iam:PermissionsBoundary": boundary} if boundary else {}
        yield {
            "Create": "iam:CreateRole", "Update": "iam:UpdateRole", "Delete": "iam:DeleteRole"
        }[act], role, limits  # fmt: skip
        inline, attached = ("Delete", "Detach") if act == "Delete" else ("Put", "Attach")
        for _ in props.get("Policies", []):
            yield f"iam:{inline}RolePolicy", role, limits
        for policy in props.get("ManagedPolicyArns", []):
            yield f"iam:{attached}RolePolicy", role, limits | {"iam:PolicyARN": policy}
    elif kind == _POLICY:
        for each in props.get("Roles", []):
            action = "iam:DeleteRolePolicy" if act == "Delete" else "iam:PutRolePolicy"
            yield action, f"arn:aws:iam::{account}:role/{each}", {}
    else:
        named = props.get("ManagedPolicyName") or name
        policy = name if name.startswith("arn:") else f"arn:aws:iam::{account}:policy{path}{named}"
        action = "CreatePolicyVersion" if act == "Update" else f"{act}Policy"
        yield f"iam:{action}", policy, {}
        attached = "Detach" if act == "Delete" else "Attach"
        for each in props.get("Roles", []):
            found = {"iam:PolicyARN": policy}
            yield f"iam:{attached}RolePolicy", f"arn:aws:iam::{account}:role/{each}", found


def _ask(questions: Iterator[_Question]) -> None:
    """Raise ValueError, which fails the resource, where the stack's caller is not allowed."""
    evaluator, responses = module("core.iam_evaluator"), module("core.responses")
    caller = evaluator._verified_key.get()
    for action, resource, keys in questions:
        refused = evaluator.enforce(caller, action, "iam", responses.get_region(), resource, keys)
        if refused is not None:
            who = getattr(refused, "principal_arn", "") or "the caller"
            raise ValueError(
                f"User: {who} is not authorized to perform: {action} on resource: {resource} "
                "(Service: Iam, Status Code: 403)"
            )
