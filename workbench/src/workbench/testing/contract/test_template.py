"""The template is one that SAM translates. The other tests here read it, and wait for this one."""

from workbench.testing.contract import deployed


def test_the_template_can_be_deployed() -> None:
    assert not deployed.fault()
