from tools.books.leaks import leaks

NEEDLES = {"s3cret-value": "password of the secret database", "K-1001": "customer in f"}


def test_a_value_is_found_wherever_it_is_and_never_told() -> None:
    texts = [("log a", "all is well"), ("event b", '{"by": "K-1001"}'), ("log c", "x=s3cret-value")]

    found = leaks(NEEDLES, texts)

    assert found == [
        "customer in f is in: event b",
        "password of the secret database is in: log c",
    ]
    assert "s3cret-value" not in "".join(found)


def test_a_part_of_another_word_is_no_find() -> None:
    assert leaks(NEEDLES, [("log a", "K-10011 and AK-1001")]) == []


def test_nothing_to_look_for_is_found_nowhere() -> None:
    assert leaks({}, [("log a", "anything")]) == []
