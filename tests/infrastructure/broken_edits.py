"""Mistakes that learners make: each an edit of one file, and where `make check` must report it."""

from dataclasses import dataclass

TEMPLATE, DEFINITION = "template.yaml", "statemachine/order_intake.asl.yaml"
HANDLERS = "src/order_intake/handlers"
ASSESS = f"{HANDLERS}/assess_file.py"
NORDWIND = "src/order_intake/partners/nordwind.toml"
NOBODY = "events/uploads/approval_that_nobody_answers.toml"
FIXTURE = "events/functions/AssessFile/result_of_a_chunk_missing"
EVENTS, LOCAL, SAMCONFIG = "terraform/events.tf", "terraform/stages/local.tfvars", "samconfig.toml"
MAKEFILE = "Makefile"
# In what files others may be broken at the same time: nothing there hides what is found elsewhere.
INDEPENDENT = ("profile", "scenario", "terraform", "samconfig", "make")


@dataclass(frozen=True)
class Edit:
    """In `file`, `old` becomes `new`; a finding there must have the words `says`.

    It must be at the line of the edit, or of the text `at`, perhaps in the file `found_in`.
    `hides`: nothing else about the template or its definitions can be seen meanwhile.
    """

    name: str
    kind: str
    file: str
    old: str
    new: str
    says: str
    at: str = ""
    found_in: str = ""
    hides: bool = False
    mixes: bool = False  # with others of its kind
    after: str = ""  # the edit is made in the first place after this text

    def applied(self, text: str) -> str:
        """Return the file's text with the edit in it."""
        start = text.index(self.after)
        place = text.find(self.old, start)
        assert place >= 0, f"{self.name}: {self.file} has no {self.old!r} any more"
        return text[:place] + self.new + text[place + len(self.old) :]

    def line(self, whole: str, text: str, before: str) -> int:
        """Return the line where it must be found, in the file with all edits of its round.

        `text` has this edit, and `before` is the same without it.
        """
        if self.at:
            return whole[: whole.index(self.at)].count("\n") + 1
        pairs = zip(text, before, strict=False)
        first = next((n for n, (new, old) in enumerate(pairs) if new != old), len(text))
        number = text[:first].count("\n")
        line, lines = text.splitlines()[number], whole.splitlines()
        same = [at for at, other in enumerate(lines) if other == line]
        return min(same, key=lambda at: abs(at - number)) + 1


def _in(
    kind: str,
    file: str,
    *rows: tuple[str, ...],
    hides: bool = False,
    mixes: bool = False,
    after: str = "",
) -> list[Edit]:
    return [
        Edit(name, kind, file, old, new, says, "".join(at), "", hides, mixes, after)
        for name, old, new, says, *at in rows
    ]


EDITS = [
    *_in("python", ASSESS,
        ("a bracket too many", "from order_intake import environment,", "from order_intake import (environment,", "invalid-syntax"),
        ("a colon forgotten", "-> logs.Json:", "-> logs.Json", "invalid-syntax"),
        ("a library that is not packaged", "from order_intake.pipeline import steps", "import pandas\nfrom order_intake.pipeline import steps", "the package of the functions has no pandas", "import pandas"),
        ("a library misspelt", "from aws_lambda_powertools", "from aws_lambda_powertool", "did you mean aws_lambda_powertools?"),
        ("a module misspelt", "from order_intake.pipeline import steps", "from order_intake.pipelin import steps", "order_intake.pipelin"),
    ),
    *_in("python", ASSESS,
        ("a variable misspelt", "return payloads.encode(assessed)", "return payloads.encode(asessed)", "asessed"),
        ("an attribute misspelt", "payload.chunks)", "payload.chunk)", '"chunk"'),
        ("an argument forgotten", "steps.assess_file(file, results, payload.terms)", "steps.assess_file(file, results)", "Missing positional argument"),
        mixes=True,
    ),
    *_in("python", f"{HANDLERS}/curate_file.py",
        ("a text where a number must be", "payload.chunks,", "'7',", "expected \"int\""),
        ("a module's function misspelt", "announcements.note(row)", "announcements.nots(row)", '"nots"'),
        mixes=True,
    ),
    *_in("template", TEMPLATE,
        ("a property of a queue misspelt", "MessageRetentionPeriod: 1209600", "MessageRetentionPeriods: 1209600", "Did you mean 'MessageRetentionPeriod'?"),
        ("a Python that there is not", "Runtime: python3.13", "Runtime: python3.31", "did you mean python3"),
        ("a value that is no number", "MemorySize: 512", "MemorySize: much", "'much' is not of type 'integer'"),
        ("a value misspelt", "BillingMode: PAY_PER_REQUEST", "BillingMode: PAY_PER_REQUESTS", "did you mean PAY_PER_REQUEST?"),
        ("a condition misspelt", "Condition: HasOperatorsEmail", "Condition: HasOperatorEmail", "did you mean HasOperatorsEmail?"),
        mixes=True,
    ),
    *_in("handler", ASSESS,
        ("the handler misspelt", "def handler(", "def handlr(", "did you mean handlr?"),
    ),
    *_in("handler", TEMPLATE,
        ("a Handler misspelt", "handlers.assess_file.handler", "handlers.asses_file.handler", "did you mean order_intake.handlers.assess_file?"),
        ("a Handler's function misspelt", "handlers.assess_file.handler", "handlers.assess_file.handlr", "did you mean handler?"),
    ),
    *_in("template", TEMPLATE,
        ("a type that there is not", "AWS::CloudWatch::Dashboard", "AWS::CloudWatch::Dashbord", "does not exist"),
        ("an attribute misspelt in !GetAtt", "FunctionName: !Ref DecideApproval", "FunctionName: !GetAtt DecideApproval.Arm", "did you mean Arn?"),
        ("a property of a function misspelt", "      Timeout: 60", "      Timout: 60", "Did you mean 'Timeout'?"),
        ("a reference misspelt", "AssessFileArn: !GetAtt AssessFile.Arn", "AssessFileArn: !GetAtt AssesFile.Arn", "AssessFile"),
        ("a parameter misspelt", "KMSMasterKeyID: !Ref DataKeyArn", "KMSMasterKeyID: !Ref DatKeyArn", "DataKeyArn"),
        ("a section misspelt", "\nResources:", "\nResorces:", "did you mean Resources, where it says Resorces?"),
        ("a line indented wrong", "  Operators:\n    Type", "  Operators:\n   Type", "is not valid YAML", "    Properties:\n      TopicName"),
        ("a bracket forgotten", "AllowedValues: [arm64, x86_64]", "AllowedValues: [arm64, x86_64", "is not valid YAML"),
        ("a definition that is not there", "DefinitionUri: statemachine/", "DefinitionUri: statemachines/", "is not there"),
        ("a path that Terraform does not hand over", "/local/keys/data/arn", "/local/keys/date/arn", "did you mean keys/data/arn?"),
        hides=True,
    ),
    *_in("pattern", TEMPLATE,
        ("a text where a list must be", '"detail-type": ["Object Created"],', '"detail-type": "Object Created",', "must be an object or an array"),
        ("a comparison that there is not", '["<", ${', '["=<", ${', "=<"),
        ("a bracket forgotten in a pattern", '"detail-type": ["Object Created"],', '"detail-type": ["Object Created",', "not valid JSON"),
    ),
    *_in("pattern", TEMPLATE,
        ("an event's type misspelt", '"detail-type": ["Object Created"],', '"detail-type": ["Object Create"],', 'detail-type is "Object Created"'),
        ("an event's source misspelt", "source: [aws.states]", "source: [aws.state]", 'source is "aws.states"'),
        mixes=True,
    ),
    *_in("another pattern", TEMPLATE,
        ("an operator misspelt", '[{"prefix": "incoming/"}]', '[{"prefx": "incoming/"}]', "Unrecognized match type prefx"),
        ("a number in quotes", '[">=", ${WorkflowThresholdBytes}]', '[">=", "${WorkflowThresholdBytes}"]', "must be numeric"),
        ("a comma forgotten in a pattern", '"detail-type": ["Object Created"],', '"detail-type": ["Object Created"]', "not valid JSON"),
        ("a field misspelt", '"key": [{"prefix"', '"kee": [{"prefix"', "object.kee"),
        after="  LargeFileUploaded:",
    ),
    *_in("pattern", NOBODY,
        ("a rule misspelt", '"SmallFileUploaded"', '"SmalFileUploaded"', "did you mean SmallFileUploaded?"), mixes=True,
    ),
    *_in("schedule", TEMPLATE,
        ("an hour that there is not", "cron(15 4 * * ? *)", "cron(15 25 * * ? *)", "'25'"),
        ("a cron of five fields", "cron(15 4 * * ? *)", "cron(15 4 * * *)", "write cron(minute hour"),
    ),
    *_in("schedule", TEMPLATE,
        ("a cron without a question mark", "cron(15 4 * * ? *)", "cron(15 4 * * * *)", "write cron(minute hour"),
    ),
    *_in("another schedule", TEMPLATE,
        ("a rate in the plural", "rate(1 hour)", "rate(1 hours)", "write rate(5 minutes)"),
    ),
    *_in("zone", TEMPLATE,
        ("a time zone that there is not", "Timezone: UTC", "Timezone: Europe/Berln", "did you mean Europe/Berlin?"),
    ),
    *_in("permission", TEMPLATE,
        ("a function that the workflow may not call", "                  - !GetAtt AssessFile.Arn\n", "", "OrderIntakeRole does not allow lambda:InvokeFunction", "Action: lambda:InvokeFunction\n                Resource:\n                  - !GetAtt RegisterFile.Arn"),
        ("a rule that may not use its dead-letter queue", "                  - !GetAtt SmallFileUploaded.Arn\n", "", "queue EventsDeadLetterQueue does not allow", "Action: sqs:SendMessage\n            Resource: !GetAtt EventsDeadLetterQueue.Arn\n            Condition:\n              ArnEquals:\n                aws:SourceArn:\n"),
        hides=True,
        mixes=True,
    ),
    *_in("definition", DEFINITION,
        ("a type misspelt", "Type: Task", "Type: Taks", "did you mean Task?"),
        ("no state comes after one", "    Next: NeedsApproval\n", "", "write Next:", "  AssessFile:\n"),
        ("the next state misspelt", "Next: NeedsApproval", "Next: NeedsAproval", "did you mean NeedsApproval?"),
        ("a field misspelt", "    TimeoutSeconds: 70", "    TimeoutSecond: 70", "did you mean TimeoutSeconds?"),
        ("a substitution misspelt", "FunctionName: ${AssessFileArn}", "FunctionName: ${AssesFileArn}", "did you mean AssessFileArn?"),
        ("a bracket forgotten", "ErrorEquals: [States.ALL]", "ErrorEquals: [States.ALL", "is not valid YAML"),
        ("a Choice without a Default", "    Default: RequestApproval\n", "", "write Default:", "  NeedsApproval:\n"),
        ("a field of JSONPath", "    TimeoutSeconds: 70", "    ResultPath: $.a\n    TimeoutSeconds: 70", "JSONPath's"),
        hides=True,
    ),
    *_in("definition", DEFINITION,
        ("an Output forgotten before a Choice", '    Output: "{% $states.result.Payload %}"\n    Next: NeedsApproval', "    Next: NeedsApproval", "no verdict (read by NeedsApproval)", "  AssessFile:\n"),
        ("a variable misspelt", "{% $totals %}", "{% $total %}", "is $totals meant?"),
        ("a bracket forgotten in an expression", "{% $count($states.result)", "{% $count($states.result", "is not valid JSONata"),
        ("the braces forgotten", '"{% $chunks %}"', '"$chunks"', "is taken as plain text"),
        mixes=True,
    ),
    *_in("validators", DEFINITION,
        ("an attempt below zero", "MaxAttempts: 8", "MaxAttempts: -8", "must be >= 0"),
        ("a text where a list must be", "ErrorEquals: [States.ALL]", "ErrorEquals: States.ALL", "must be array"),
    ),
    Edit(
        "a substitution forgotten", "definition", TEMPLATE,
        "        AssessFileArn: !GetAtt AssessFile.Arn\n", "", "${AssessFileArn} has no value",
        at="${AssessFileArn}", found_in=DEFINITION, hides=True,
    ),
    *_in("profile", NORDWIND,
        ("TOML broken", 'currency = "EUR"', 'currency "EUR"', "line 3"),
        ("a key misspelt", "date_format", "date_fromat", "did you mean date_format?"),
        ("a currency that there is not", '"EUR"', '"EURO"', "currency"),
        ("a share in per cent", 'tolerance = "0.05"', 'tolerance = "5"', "tolerance"),
        ("a column forgotten", 'quantity = "Menge"\n', "", "quantity", "[columns]"),
    ),
    *_in("scenario", NOBODY,
        ("a field misspelt", "partner =", "parter =", "did you mean partner?"),
        ("a text where a number must be", "lines_in = 1", 'lines_in = "1"', "Expected `int"),
        ("TOML broken", 'decision = "nobody"', "decision = nobody", "line 5"),
    ),
    *_in("scenario", f"{FIXTURE}.toml",
        ("an expectation misspelt", "errorType", "errorTyp", "did you mean errorType?"),
    ),
    *_in("scenario", f"{FIXTURE}.json",
        ("JSON broken", '":', '"', "is not valid JSON"),
    ),
    *_in("terraform", EVENTS,
        ("an argument misspelt", "  kms_key_identifier =", "  kms_key_identifer =", "kms_key_identifer"),
        ("a brace forgotten", "  dead_letter_config {", "  dead_letter_config ", "terraform"),
        ("a variable that is not declared", "var.archive_retention_in_days", "var.archive_retention_days", "archive_retention_days"),
        ("a resource misspelt in a reference", "aws_sqs_queue.orders_dlq.arn", "aws_sqs_queue.order_dlq.arn", "order_dlq"),
        ("a type that there is not", '"aws_sqs_queue" "orders_dlq"', '"aws_sqs_que" "orders_dlq"', "aws_sqs_que"),
    ),
    *_in("terraform", LOCAL,
        ("a stage's variable misspelt", "archive_retention_in_days", "archive_retention_in_day", "did you mean archive_retention_in_days?"),
    ),
    *_in("samconfig", SAMCONFIG,
        ("TOML broken", "resolve_s3 = true", "resolve_s3 = yes", "is not valid TOML"),
        ("a command misspelt", "[default.deploy.", "[default.deply.", "did you mean deploy?"),
        ("an option misspelt", "resolve_s3", "resolv_s3", "did you mean resolve_s3?"),
        ("a parameter misspelt", "resolve_s3 = true", 'resolve_s3 = true\nparameter_overrides = ["OperatorEmail=a@b.c"]', "did you mean OperatorsEmail?", "parameter_overrides"),
        ("a name that deployments say", "resolve_s3 = true", 'resolve_s3 = true\nstack_name = "mine"', "leave it out", "stack_name"),
    ),
    *_in("make", MAKEFILE,
        ("a stage's name in capitals", "STAGE ?= local", "STAGE ?= Local", "is not a stage name"),
        ("a variable misspelt", "$(ARGS)", "$(ARG)", "did you mean ARGS?"),
        ("a module misspelt", "workbench.routes", "workbench.rotes", "did you mean workbench.routes"),
    ),
]  # fmt: skip


def rounds() -> list[list[Edit]]:
    """Return the edits in groups that are made at once: none of a group hides another."""
    found: list[list[Edit]] = []
    for edit in sorted(EDITS, key=lambda one: not one.hides):
        room = (each for each in found if _fits(edit, each))
        place = next(room, None)
        if place is None:
            found.append(place := [])
        place.append(edit)
    return found


def _fits(edit: Edit, others: list[Edit]) -> bool:
    same = [one for one in others if one.kind == edit.kind]
    if same and not (edit.mixes and all(one.mixes for one in same)):
        return False
    if edit.file in {one.file for one in others if one.kind != edit.kind} - {TEMPLATE}:
        return False
    if edit.kind in (*INDEPENDENT, "python"):
        return True
    beside = [one for one in others if one.kind not in (*INDEPENDENT, "python")]
    return not beside or not (edit.hides or any(one.hides for one in beside))
