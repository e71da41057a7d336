"""The translated template, and what its roles are allowed."""

import json
from functools import cached_property

from workbench.checks.linting.deployed_form import prepare
from workbench.deployment.resolved import Resolved
from workbench.permissions import managed_by_aws
from workbench.permissions.policies import Grant, grants


class Template(Resolved):
    """What the stage `local` consists of, and what each role may do."""

    @classmethod
    def load(cls) -> "Template":
        """The project's own, translated; UserError when it cannot be."""
        return cls(json.loads(prepare()[0].read_text()))

    @cached_property
    def unused_grants(self) -> dict[tuple[str, str], str]:
        """The grants that nothing is seen to use: (holder, Sid and action) → why they stay."""
        return {
            (name, grant): reason
            for name, body in self.raw["Resources"].items()
            for grant, reason in body.get("Metadata", {}).get("UnusedGrants", {}).items()
        }

    @cached_property
    def handlers(self) -> dict[str, str]:
        """The functions' handlers by the roles that they have."""
        functions = self.of_type("AWS::Lambda::Function").values()
        return {self.named(each["Role"]): str(each["Handler"]) for each in functions}

    def grants_of(self, role: str) -> list[Grant]:
        """What a role's own and managed policies allow."""
        properties = self.resources[role]["Properties"]
        found = [
            grant
            for policy in properties.get("Policies", [])
            for grant in grants(role, policy["PolicyDocument"])
        ]
        for managed in properties.get("ManagedPolicyArns", []):
            if managed.startswith(managed_by_aws.START):
                found += managed_by_aws.grants(role, managed)
                continue
            name = self.named(managed)
            found += grants(name, self.resources[name]["Properties"]["PolicyDocument"])
        return found

    def bucket_of(self, resource: str) -> str | None:
        """The logical id of the bucket that an ARN, of it or of what is in it, names."""
        arns = {name: self.arn(name) for name in self.of_type("AWS::S3::Bucket")}
        return next((name for name, arn in arns.items() if f"{resource}/".startswith(arn)), None)
