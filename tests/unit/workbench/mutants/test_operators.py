"""What each operator makes of a small file."""

import ast
from collections.abc import Iterable

import pytest

from operations.checks import flaws as on_profiles
from workbench.mutants import flaws, places
from workbench.mutants.changes import Change, Operator, misspelt
from workbench.mutants.operators import (
    on_code,
    on_definition,
    on_limits,
    on_policies,
    on_template,
    on_terraform,
)
from workbench.mutants.places import Place

DEFINITION = """\
StartAt: One
States:
  One:
    Type: Task
    Resource: arn:aws:states:::lambda:invoke.waitForTaskToken
    Arguments: {Payload: {file: "{% $file %}", id: "{% $states.input.id %}"}}
    TimeoutSeconds: 3
    Output: "{% $states.result %}"
    Retry:
      - {ErrorEquals: [ServiceBusy], MaxAttempts: 2}
    Catch:
      - {ErrorEquals: [States.ALL], Next: Three}
    Next: Two
  Two:
    Type: Choice
    Choices:
      - {Condition: "{% $file.kind = 'good' %}", Next: Four}
    Default: Three
  Three: {Type: Fail}
  Four: {Type: Succeed}
"""
TEMPLATE = """\
Parameters:
  Key: {Default: /order-intake/local/keys/data/arn}
  LogRetentionDays: {Default: 30, MinValue: 1}
Resources:
  Rule:
    Properties:
      EventPattern: !Sub |
        {"source": ["aws.s3"],
         "detail": {"object": {"key": [{"prefix": "incoming/"}],
                    "size": [{"numeric": ["<", ${WorkflowThresholdBytes}]}]}}}
      Targets:
        - {Id: One, Arn: !GetAtt One.Arn, DeadLetterConfig: {Arn: !GetAtt Queue.Arn}}
  Queue:
    Properties: {KmsMasterKeyId: !Ref DataKeyArn, QueueName: q}
  Daily:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: cron(15 4 * * ? *)
      ScheduleExpressionTimezone: UTC
      FlexibleTimeWindow: {Mode: "OFF"}
      Target: {RetryPolicy: {MaximumRetryAttempts: 8}}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      LifecycleConfiguration: {Rules: [{Id: Work, Prefix: work/, ExpirationInDays: 21}]}
  Topic:
    Type: AWS::SNS::TopicPolicy
    Properties:
      PolicyDocument:
        Statement:
          - Sid: Rules
            Effect: Allow
            Principal: {Service: events.amazonaws.com}
            Action: sns:Publish
  Backups:
    Properties: {PointInTimeRecoveryEnabled: true}
  Logs:
    Properties: {RetentionInDays: !Ref LogRetentionDays, KmsKeyId: !Ref ConfigKeyArn}
  Other:
    Type: AWS::Serverless::Function
  One:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 3
      Handler: order_intake.one.handler
      Environment: {Variables: {DATABASE_SECRET_ARN: !Ref DatabaseSecretArn, OTHER: x}}
  Role:
    Properties:
      PolicyDocument:
        Statement:
          - Sid: Read
            Effect: Allow
            Principal: {Service: events.amazonaws.com}
            Action: [s3:GetObject, s3:PutObject]
            Resource: !Sub "${Bucket.Arn}/work/*"
            Condition: {StringEquals: {a: b}}
          - Sid: Never
            Effect: Deny
            Principal: "*"
            Action: kms:Decrypt
            Resource: !Ref DataKeyArn
"""
TERRAFORM = """\
resource "aws_secretsmanager_secret_version" "this" {
  secret_string_wo = "x"
  kms_key_id       = aws_kms_key.config.arn
}
resource "aws_kms_key" "config" {
}
resource "aws_kms_key" "data" {
}
resource "aws_sqs_queue" "dlq" {
  message_retention_seconds = 1209600
}
data "aws_iam_policy_document" "key" {
  statement {
    principals {
      type = "Service"
    }
  }
}
locals {
  parameters = {
    "keys/data/arn" = aws_kms_key.data.arn
    "bus"           = "b"
  }
}
variable "days" {
  validation {
    condition = contains(range(7, 31), var.days)
  }
}
"""
PROFILE = """\
currency = "EUR"
date_format = "%d.%m.%Y"
rates_day = "order"
tolerance = "0.05"

[columns]
sku = "Artikel"
"""
CODE = '''
def price(amount, rate):
    """Prices."""
    if amount < 0 and rate == 1:
        raise ValueError("negative")
    keep(amount)
    return {"total": amount / rate, "key": f"work/{amount}"}
'''


def changes(operators: dict[str, Operator], found: list[Place]) -> dict[str, list[Change]]:
    return {name: list(operator(found)) for name, operator in operators.items()}


def made(kind: str) -> tuple[str, dict[str, list[Change]]]:
    """The text of the small file, and what each operator of the kind makes of it."""
    match kind:
        case "definition":
            found = places.of_yaml(DEFINITION)
            return DEFINITION, changes(on_definition.OPERATORS, found)
        case "template":
            operators = on_template.OPERATORS | on_limits.OPERATORS
            return TEMPLATE, changes(operators, places.of_yaml(TEMPLATE))
        case "pattern":
            return TEMPLATE, changes(on_template.PATTERNS, places.of_yaml(TEMPLATE))
        case "policy":
            return TEMPLATE, changes(on_policies.OPERATORS, places.of_yaml(TEMPLATE))
        case "terraform":
            return TERRAFORM, changes(
                on_terraform.operators([TERRAFORM]), places.of_terraform(TERRAFORM)
            )
        case "profile":
            return PROFILE, changes(on_profiles.OPERATORS, places.of_toml(PROFILE))
    code = on_code.Code(CODE, ["work"])
    return CODE, {name: list(operator(code)) for name, operator in on_code.OPERATORS.items()}


@pytest.mark.parametrize(
    ("kind", "operator", "new"),
    [
        ("definition", "a Next that leads nowhere", "Next: Tow"),
        ("definition", "a Next that leads elsewhere", "Default: Four"),
        ("definition", "a misspelt variable", "$fiel %}"),
        ("definition", "an expression without its braces", 'file: "$file"'),
        ("definition", "a condition turned round", "!= 'good'"),
        ("definition", "a comparison with a misspelt word", "= 'godo'"),
        ("definition", "a Retry on the wrong error", "[ServiceBuys]"),
        ("definition", "a Catch of the wrong error", "[States.AL]"),
        ("definition", "a lost Retry", 'result %}"\n    Catch'),
        ("definition", "a lost timeout", "}}\n    Output"),
        ("definition", "a lost argument", '{id: "{% $states.input.id %}"}'),
        ("definition", "a callback that nobody waits for", "lambda:invoke\n"),
        ("definition", "a failure that looks like success", "Three: {Type: Succeed}"),
        ("definition", "a number that Step Functions refuses", "MaxAttempts: -1"),
        ("definition", "a word that Step Functions does not know", "Three: {Type: Fali}"),
        ("definition", "a Retry that hardly tries", "MaxAttempts: 0"),
        ("definition", "a heartbeat that can never be missed", "3\n    HeartbeatSeconds: 3"),
        ("definition", "a Default that is not the safe way", "Default: Four"),
        ("definition", "a lost Output", "TimeoutSeconds: 3\n    Retry"),
        ("template", "a number that AWS refuses", "MaximumRetryAttempts: 186"),
        ("template", "a word that AWS does not know", 'Mode: "OF"'),
        ("template", "a setting out of bounds", "{Default: 31, MinValue"),
        ("template", "a schedule that AWS refuses", "cron(15 24 * * ? *)"),
        ("template", "a schedule that never comes", "cron(15 4 31 2 ? *)"),
        ("template", "another time zone", "Timezone: Europe/Berlin"),
        ("template", "another scope of a lifecycle", "Prefix: incoming/, Exp"),
        ("template", "another retention", "RecoveryEnabled: false"),
        ("template", "another condition in a topic's policy", "sns:Publish\n            Condition"),
        ("template", "lost encryption", "Properties: {QueueName: q}"),
        ("template", "a lost dead-letter queue", "Arn: !GetAtt One.Arn}"),
        ("template", "a lost limit", "Properties:\n      Handler"),
        ("template", "a swapped key", "KmsMasterKeyId: !Ref ConfigKeyArn"),
        ("template", "a plaintext secret", "DATABASE_SECRET_ARN: correct-horse"),
        ("template", "a lost setting", "Variables: {OTHER: x}"),
        ("template", "a misspelt handler", "order_intake.oen.handler"),
        ("template", "a rule with another target", "Arn: !GetAtt Other.Arn, Dead"),
        ("template", "a hand-over by another name", "keys/data/anr"),
        ("pattern", "a wrong prefix", "incomign/"),
        ("pattern", "a suffix beside a prefix", '{"prefix": "incoming/"}, {"suffix": ".csv"}'),
        ("pattern", "a number become text", '"${WorkflowThresholdBytes}"'),
        ("pattern", "a threshold off by one", '"<="'),
        ("pattern", "a misspelt word", '["aws.3s"]'),
        ("policy", "a dropped statement", "Statement:\n          - Sid: Never"),
        ("policy", "a dropped action", "Action: [s3:PutObject]"),
        ("policy", "a wildcard action", '["s3:*", s3:PutObject]'),
        ("policy", "a wildcard resource", 'Resource: "*"\n            Condition'),
        ("policy", "a whole bucket for a prefix", '"${Bucket.Arn}/*"'),
        ("policy", "a swapped key", "Resource: !Ref ConfigKeyArn"),
        ("policy", "a dropped condition", '/work/*"\n          - Sid: Never'),
        ("policy", "any principal", 'Principal: "*"\n            Action: [s3'),
        ("policy", "another principal", "Service: glue.amazonaws.com"),
        ("policy", "a Deny become Allow", 'Effect: Allow\n            Principal: "*"'),
        ("terraform", "a number that AWS refuses", "message_retention_seconds = 59"),
        ("terraform", "a word that AWS does not know", 'type = "Serviec"'),
        ("terraform", "a shorter retention", "message_retention_seconds = 60"),
        ("terraform", "a plaintext secret", "  secret_string = "),
        ("terraform", "a swapped key", "aws_kms_key.data.arn\n}"),
        ("terraform", "a lost or misspelt hand-over", '"keys/data/anr"'),
        ("terraform", "a lost check of a setting", 'variable "days" {\n  \n}'),
        ("terraform", "a bound that is off by one", "range(6, 31)"),
        ("profile", "another currency", 'currency = "USD"'),
        ("profile", "day for month", '"%m.%d.%Y"'),
        ("profile", "an amount ten times as large", 'tolerance = "0.50"'),
        ("profile", "a misspelt column", 'sku = "Artikle"'),
        ("code", "off by one", "amount <= 0"),
        ("code", "a comparison turned round", "rate != 1"),
        ("code", "computed the wrong way", "amount * rate"),
        ("code", "a condition negated", "if not (amount < 0 and rate == 1)"),
        ("code", "and for or", "amount < 0 or rate"),
        ("code", "an error swallowed", "        pass\n    keep"),
        ("code", "an error of another kind", "raise RuntimeError("),
        ("code", "a call left out", "    pass\n    return"),
        ("code", "a number one more", "rate == 2"),
        ("code", "a misspelt key", '"totla"'),
        ("code", "another folder", "elsewhere/{amount}"),
        ("code", "a lost answer", "return None"),
    ],
)
def test_operator(kind: str, operator: str, new: str) -> None:
    text, by = made(kind)
    assert new not in text
    assert any(new in change.applied(text) for change in by[operator])


def test_flawed_code_can_still_be_read() -> None:
    for operator, found in made("code")[1].items():
        for change in found:
            assert ast.parse(change.applied(CODE)), (operator, change)


def test_word_is_misspelt_and_no_other_word() -> None:
    assert [misspelt(word) for word in ("Next", "all", "See", "a")] == ["Netx", "al", "Se", ""]


def test_every_operator_finds_something_in_the_repository() -> None:
    tables: list[tuple[str, Iterable[str]]] = [
        ("definition", on_definition.OPERATORS),
        ("template", on_template.OPERATORS),
        ("template", on_limits.OPERATORS),
        ("pattern", on_template.PATTERNS),
        ("policy", on_policies.OPERATORS),
        ("terraform", on_terraform.operators([])),
        ("profile", on_profiles.OPERATORS),
        ("code", on_code.OPERATORS),
    ]
    wanted = {(kind, name) for kind, operators in tables for name in operators}

    every = list(flaws.every())

    assert {(flaw.kind, flaw.operator) for flaw in every} == wanted
    assert len({flaw.mark for flaw in every}) == len(every)
    chosen = flaws.chosen()
    assert {(flaw.kind, flaw.operator) for flaw in chosen} == wanted
    assert len(chosen) >= 60
