"""Which tests see a flaw soonest, by its kind: `make mutants` runs them before all others."""

from types import MappingProxyType


def _contract(*names: str) -> str:
    return " ".join(f"tests/contract/test_{name}.py" for name in names)


# It judges the whole template at once; the others of its file judge it again and again. The
# template is translated for it: so where that is flawed, it runs after what does without.
_PERMISSIONS = "::test_nothing_is_missing_nothing_is_idle_and_nothing_reaches_too_far"
PERMISSIONS = f"{_contract('permissions')}{_PERMISSIONS}"
_OWN_TESTS = "tests/infrastructure/test_terraform.py::test_own_tests"
FIRST_TESTS = MappingProxyType(
    {
        "terraform": (
            f"{_contract('handover')} {PERMISSIONS}",
            # platform.tftest.hcl takes as long as all others: it comes with the rest.
            f"{_OWN_TESTS}[keys.tftest.hcl] {_OWN_TESTS}[stages.tftest.hcl]",
        ),
        "definition": (f"{_contract('workflow', 'operations_page', 'announced')} {PERMISSIONS}",),
        "template": (
            _contract("functions", "limits", "schedules", "lifecycle", "alarms", "handover"),
            PERMISSIONS,
        ),
        "pattern": (_contract("patterns", "routes", "consumers"), PERMISSIONS),
        "policy": (_contract("policies", "functions"), PERMISSIONS),
        "profile": (
            "tests/unit/domain/test_partners.py tests/unit/domain/test_lines.py "
            "tests/unit/domain/test_pricing.py",
        ),
        "system": tuple(
            f"tests/local_cloud/test_{name}.py" for name in ("replay", "permissions", "rotation")
        ),
    }
)
