"""What checkov finds is reported at its place in the template."""

from workbench.checks.linting import checkov


def test_a_finding_has_the_line_of_what_it_is_made_of() -> None:
    failed = [
        {"check_id": "CKV_1", "check_name": "encrypted", "resource": f"AWS::X::Y.{name}"}
        for name in ("Queue", "IntakeVersion", "Unknown")
    ]
    report = [{"results": {"failed_checks": failed}}, {"passed": 0}]

    assert list(checkov.findings(report, {"Queue": 7, "Intake": 9, "In": 3})) == [
        "template.yaml:7: CKV_1 Queue: encrypted",
        "template.yaml:9: CKV_1 IntakeVersion: encrypted",
        "template.yaml:1: CKV_1 Unknown: encrypted",
    ]


def test_what_checkov_cannot_read_is_a_finding() -> None:
    report = {"results": {"parsing_errors": ["/x/template-1.json"]}}

    assert list(checkov.findings(report, {})) == ["error: checkov cannot read template-1.json"]
