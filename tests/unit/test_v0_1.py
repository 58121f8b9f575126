"""What commit 8deb935 wrote is read."""

import v0_1


def test_there_is_an_item_of_every_kind() -> None:
    assert {"release", "upload", "incident", "decision", "operation", "approval", "hold", "lock"} <= set(v0_1.KINDS)
    keys = [(each["PK"], each["SK"]) for each in v0_1.all_items()]
    assert len(keys) == len(set(keys)) > len(v0_1.KINDS)


def test_sets_come_back_as_sets() -> None:
    assert v0_1.item("thread", "THREAD#orders-0123456789ab", "MESSAGES")["told"] == {"started"}
