"""The README names the licence of everything that is deployed."""

import re

from workbench.machine.licences import DEPLOYED, deployed, locked
from workbench.stages.stage import ROOT

# On Windows only, where nothing is deployed from.
NOT_DEPLOYED = {"tzdata"}


def test_the_readme_names_the_licence_of_each_deployed_package() -> None:
    section = (ROOT / "README.md").read_text().partition("## Licence\n")[2]
    reported = dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|$", section, re.MULTILINE))
    assert reported == deployed()


def test_every_deployed_package_has_one() -> None:
    assert set(deployed()) == set(locked(DEPLOYED)) - NOT_DEPLOYED
    assert "not named" not in deployed().values()
