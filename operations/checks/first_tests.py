"""Which tests see a flaw soonest, by its kind: `make mutants` runs them before all others."""

from types import MappingProxyType


def _contract(*names: str) -> str:
    return " ".join(f"tests/contract/{name}.py" for name in names)


def _of_every_service(*names: str) -> str:
    folder = "workbench/src/workbench/testing/contract"
    return " ".join(f"{folder}/test_{name}.py" for name in names)


# It checks the whole template at once; tests/contract/permissions does so again and again. The
# template is translated for it: so where that is flawed, it runs after what does without.
PERMISSIONS = _of_every_service("permissions")
_OWN_TESTS = "tests/infrastructure/test_terraform.py::test_own_tests"
FIRST_TESTS = MappingProxyType(
    {
        "terraform": (
            _of_every_service("handover", "permissions"),
            # platform.tftest.hcl takes as long as all others: it comes with the rest.
            f"{_OWN_TESTS}[keys.tftest.hcl] {_OWN_TESTS}[stages.tftest.hcl]",
        ),
        "definition": (
            f"{_contract('test_workflow', 'test_operations_page', 'events/test_announced')} "
            f"{PERMISSIONS}",
        ),
        "template": (
            f"{_contract('test_functions', 'test_limits', 'test_lifecycle', 'test_alarms')} "
            f"{_of_every_service('functions', 'schedules', 'alarms', 'handover')}",
            PERMISSIONS,
        ),
        "pattern": (
            f"{_of_every_service('patterns')} {_contract('test_routes', 'events/test_consumers')}",
            PERMISSIONS,
        ),
        "policy": (_contract("permissions/test_policies"), PERMISSIONS),
        "profile": (
            "tests/unit/domain/test_partners.py tests/unit/domain/test_lines.py "
            "tests/unit/domain/test_pricing.py",
        ),
        "system": tuple(
            f"tests/local_cloud/{name}.py"
            for name in ("test_replay", "test_permissions", "database/test_rotation")
        ),
    }
)
