"""CloudFormation: what a template may hold."""

import json
from typing import Any

from tools.local_cloud.patches.targets import module


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
