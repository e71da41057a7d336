import base64
import hashlib
import json
import re
from typing import Any

from tests.unit.workbench.page.recorded import DEFINITION, MACHINE, failing, through
from workbench.page.content import LONGEST_TEXT, Texts, execution_data, shown
from workbench.page.document import document, json_text

DATA: dict[str, Any] = {"project": "shop", "stage": "local"}


def test_page_has_everything_in_it_and_allows_nothing_else() -> None:
    page = document(DATA, {MACHINE: DEFINITION})
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)

    assert policy
    assert script
    assert style
    assert policy[1].startswith("default-src 'none'; ")
    assert "connect-src 'none'" in policy[1]
    for part in (script[1], style[1]):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert page.count('<template class="drawing"') == 1


def test_data_cannot_leave_its_place() -> None:
    text = json_text({"evil": "</script><!--<script>\u2028&"})

    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"evil": "</script><!--<script>\u2028&"}


def test_what_many_states_have_is_there_once() -> None:
    texts = Texts()
    first = execution_data(through(), texts)
    count = len(texts.all)
    again = execution_data(through(), texts)

    assert len(texts.all) == count
    assert first == again


def test_tries_items_and_errors_are_there() -> None:
    texts = Texts()
    states = {one["name"]: one for one in execution_data(through(), texts)["states"]}
    failed = execution_data(failing(), texts)["states"]

    assert states["Each"]["items"] == 1
    tries = states["Each"]["children"][0]["states"][0]["tries"]
    assert [one.get("error") for one in tries] == ["Busy", None]
    assert tries[1]["at"] == 7000
    assert [one.get("error") for one in failed] == [None, "States.Timeout", "Sorry"]
    assert failed[2]["took"] == 0  # never left


def test_values_show_no_token_and_nothing_invisible_and_are_cut() -> None:
    for name in ("task_token", "TaskToken", "password", "api_key", "ApiKey"):
        assert "secret" not in shown({"in": [{name: "secret"}]})
    assert "\\u202e" in shown("a\u202eb")
    long = shown("x" * (LONGEST_TEXT + 100))
    assert len(long) < LONGEST_TEXT + 60
    assert long.endswith("more characters")
