"""Answers which patterns EventBridge would refuse, and which events the others take.

Runs in the local cloud's environment, and asks the emulator that answers there. Reads JSON from
standard input: `patterns` (texts) and `events`; writes `problems` (text or null for each pattern)
and `taken` (for each pattern, for each event, whether it takes it).
"""

import json
import sys
from typing import Any

from ministack.services import eventbridge  # type: ignore[import-not-found]


def main() -> None:
    """Answer what standard input asks."""
    asked: dict[str, Any] = json.load(sys.stdin)
    events = [eventbridge._event_from_test_payload(each) for each in asked["events"]]
    problems = [eventbridge._event_pattern_error(each) for each in asked["patterns"]]
    taken = [
        [bool(eventbridge._matches_pattern(pattern, event)) for event in events]
        for pattern in asked["patterns"]
    ]
    json.dump({"problems": problems, "taken": taken}, sys.stdout)


if __name__ == "__main__":
    main()
