from datetime import UTC, datetime

from workbench.replay.kinds.schedules import iso, scheduled_input

NOW = datetime(2010, 12, 31, 4, 15, tzinfo=UTC)
ARN = "arn:aws:scheduler:eu-central-1:000000000000:schedule/default/order-intake-local-Any"


def test_the_schedulers_keywords_are_filled_in() -> None:
    template = '{"scheduled_at": "<aws.scheduler.scheduled-time>", "by": "daily"}'

    assert scheduled_input(template, NOW, ARN) == {
        "scheduled_at": "2010-12-31T04:15:00.000Z",
        "by": "daily",
    }


def test_a_schedule_without_an_input_sends_an_empty_object() -> None:
    assert scheduled_input("", NOW, ARN) == {}


def test_times_are_utc() -> None:
    assert iso(NOW.astimezone()) == "2010-12-31T04:15:00.000Z"
