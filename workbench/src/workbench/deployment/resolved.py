"""A translated template with all its references resolved, as the stage `local` has them."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workbench.deployment import handover
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, Stage

WHERE = f"{LOCAL_REGION}:{LOCAL_ACCOUNT}"
PREFIX = Stage("local").prefix
PSEUDO: dict[str, Any] = {
    "AWS::AccountId": LOCAL_ACCOUNT,
    "AWS::Region": LOCAL_REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": PREFIX,
    "AWS::StackId": f"arn:aws:cloudformation:{WHERE}:stack/{PREFIX}/1",
    "AWS::NotificationARNs": [],
    "AWS::NoValue": None,
}
# How an ARN of each type is built from the resource's name.
ARNS = {
    "AWS::Lambda::Function": "lambda:{where}:function:{name}",
    "AWS::StepFunctions::StateMachine": "states:{where}:stateMachine:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{where}:table/{name}",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SQS::Queue": "sqs:{where}:{name}",
    "AWS::SNS::Topic": "sns:{where}:{name}",
    "AWS::Logs::LogGroup": "logs:{where}:log-group:{name}:*",
    "AWS::CloudWatch::Alarm": "cloudwatch:{where}:alarm:{name}",
    "AWS::IAM::Role": "iam::" + LOCAL_ACCOUNT + ":role/{name}",
    "AWS::IAM::ManagedPolicy": "iam::" + LOCAL_ACCOUNT + ":policy/{name}",
    "AWS::Events::Rule": "events:{where}:rule/{name}",
    "AWS::Scheduler::Schedule": "scheduler:{where}:schedule/default/{name}",
}
NAMES = (
    "FunctionName", "StateMachineName", "TableName", "BucketName", "QueueName", "TopicName",
    "LogGroupName", "AlarmName", "Name",
)  # fmt: skip
# What Ref gives an ARN of, not a name.
REF_IS_ARN = {
    "AWS::StepFunctions::StateMachine",
    "AWS::SNS::Topic",
    "AWS::IAM::ManagedPolicy",
}


@dataclass(frozen=True)
class Resolved:
    """What a stage consists of, every value a plain one.

    A stage that is deployed has values and names of its own: `parameter` and `name` say them.
    """

    raw: dict[str, Any]

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Resources by logical id: Type, Properties."""
        return {
            name: {"Type": body["Type"], "Properties": self.value(body.get("Properties", {}))}
            for name, body in self.raw["Resources"].items()
        }

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by logical id."""
        return {
            name: body["Properties"]
            for name, body in self.resources.items()
            if body["Type"] == kind
        }

    def arn(self, name: str) -> str:
        """A resource's ARN."""
        body = self.raw["Resources"][name]
        pattern = ARNS.get(body["Type"])
        if pattern is None:
            raise UserError(
                f"{name}: no ARN is known for {body['Type']}; add it to ARNS in "
                "workbench/deployment/resolved.py"
            )
        properties = body.get("Properties", {})
        own = self.name(name)
        if body["Type"] == "AWS::Events::Rule" and "EventBusName" in properties:
            own = f"{self.value(properties['EventBusName'])}/{own}"
        return "arn:aws:" + pattern.format(where=WHERE, name=own)

    @cached_property
    def _by_arn(self) -> dict[str, str]:
        kinds = {name: body["Type"] for name, body in self.raw["Resources"].items()}
        return {self.arn(name): name for name, kind in kinds.items() if kind in ARNS}

    def named(self, arn: str) -> str:
        """The logical id of what has this ARN; UserError when nothing has."""
        if arn not in self._by_arn:
            ours = "; write out in a policy of the template what AWS's policy allows"
            raise UserError(
                f"nothing in the template is {arn}{ours if ':iam::aws:policy' in arn else ''}"
            )
        return self._by_arn[arn]

    def name(self, name: str) -> str:
        """Return what a resource is called on the stage."""
        properties = self.raw["Resources"][name].get("Properties", {})
        given = next((properties[each] for each in NAMES if each in properties), name)
        return str(self.value(given))

    def parameter(self, name: str) -> Any:
        """Return the value of a parameter: a sample of what is handed over, or the default.

        Raises UserError when it has none.
        """
        if name == "Stage":
            return "local"
        if name in handover.paths():
            return handover.sample(handover.paths()[name])
        found = self.raw["Parameters"][name]
        if "Default" not in found:
            raise UserError(f"the template's parameter {name} needs a Default")
        return found["Default"]

    def _ref(self, name: str) -> Any:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.raw.get("Parameters", {}):
            return self.parameter(name)
        if name not in self.raw["Resources"]:
            raise UserError(f"the template refers to {name}, which it does not have")
        return self.arn(name) if self.raw["Resources"][name]["Type"] in REF_IS_ARN else (
            self.name(name)
        )  # fmt: skip

    def _sub(self, text: str) -> str:
        def filled(found: re.Match[str]) -> str:
            if found[1].startswith("!"):
                return "${" + found[1][1:] + "}"
            name, dot, attribute = found[1].partition(".")
            return str(self._attribute(name, attribute) if dot else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", filled, text)

    def _attribute(self, name: str, attribute: str) -> str:
        if name not in self.raw["Resources"]:
            raise UserError(f"the template refers to {name}, which it does not have")
        if attribute == "StreamArn":
            return f"{self.arn(name)}/stream/2026-01-01T00:00:00.000"
        return self.arn(name) if attribute == "Arn" else self.name(name)

    def value(self, value: Any) -> Any:
        """Return a value of the template, its references resolved.

        Raises UserError for a reference to nothing.
        """
        match value:
            case {"Ref": str(name)} if len(value) == 1:
                return self._ref(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._attribute(name, attribute)
            case {"Fn::GetAtt": str(text)}:
                return self._attribute(*text.split(".", 1))
            case {"Fn::Sub": str(text)}:
                return self._sub(text)
            case {"Fn::If": [str(), wherever_it_holds, _]}:  # all that any stage may have
                return self.value(wherever_it_holds)
            case dict():
                return {name: self.value(each) for name, each in value.items()}
            case list():
                return [self.value(each) for each in value]
        return value
