"""Windows and freezes across clock changes: Europe/Berlin's on 2026-03-29 (02:00) and 2026-10-25 (03:00)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belay.errors import InvalidRegistration
from belay.release.registration import Stage, parse_application, parse_stage
from belay.release.windows import Calendar, Freeze, Window

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))


def calendar(text: str) -> Calendar:
    application = parse_application("orders", "stages: [production]")
    role = "service_role: 'arn:aws:iam::111122223333:role/belay/orders'\nstacks: {a: {name: a}}\n"
    stage = parse_stage(application, "production", role + text)  # type: ignore[arg-type]
    assert isinstance(stage, Stage)
    return stage.calendar


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


OFFICE = calendar('timezone: Europe/Berlin\nwindows: [{days: [monday, tuesday], from: "09:00", until: "16:00"}]')


def test_without_windows_and_freezes_every_moment_will_do() -> None:
    assert not calendar("").registered
    assert calendar("").held(utc("2026-03-01T00:00")) is None


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-02T09:00", None),
        ("2026-03-02T15:59:59", None),
        ("2026-03-03T12:00", None),
        ("2026-03-02T08:59:59.5", "2026-03-02T09:00"),
        ("2026-03-02T16:00", "2026-03-03T09:00"),
        ("2026-03-03T16:00", "2026-03-09T09:00"),
        ("2026-03-07T12:34:56", "2026-03-09T09:00"),
        # The clocks go forward on the 29th and back on the 25th: nine o'clock is nine o'clock.
        ("2026-03-28T12:00", "2026-03-30T09:00"),
        ("2026-10-24T12:00", "2026-10-26T09:00"),
    ],
)
def test_a_window_opens_by_the_clock_on_the_wall(now: str, until: str | None) -> None:
    held = OFFICE.held(berlin(now))
    assert (held.until if held else None) == (berlin(until) if until else None)
    if held:
        assert held.why == "no deployment window is open"


def test_a_window_may_go_on_past_midnight() -> None:
    night = calendar('timezone: Europe/Berlin\nwindows: [{days: [friday], from: "22:00", until: "04:00"}]')
    assert night.held(berlin("2026-03-06T22:00")) is None
    assert night.held(berlin("2026-03-07T03:59")) is None
    closed = night.held(berlin("2026-03-07T04:00"))
    assert closed is not None
    assert closed.until == berlin("2026-03-13T22:00")


def test_a_window_may_last_until_midnight_and_all_day() -> None:
    late = calendar('windows: [{from: "22:00", until: "24:00"}]')
    assert late.held(utc("2026-03-06T23:59")) is None
    assert late.held(utc("2026-03-07T00:00")) is not None
    whole = calendar('windows: [{days: [sunday], from: "00:00", until: "24:00"}]')
    assert whole.held(utc("2026-03-08T00:00")) is None
    assert whole.held(utc("2026-03-09T00:00")) is not None


def test_a_time_that_the_clocks_skip_is_the_moment_they_change() -> None:
    skipped = Calendar("Europe/Berlin", (Window(EVERY_DAY, 2 * 60 + 30, 4 * 60),))
    held = skipped.held(utc("2026-03-29T00:30"))
    assert held is not None
    assert held.until == utc("2026-03-29T01:00")


def test_a_time_that_comes_twice_is_open_both_times() -> None:
    twice = Calendar("Europe/Berlin", (Window(EVERY_DAY, 2 * 60, 2 * 60 + 30),))
    assert twice.held(berlin("2026-10-25T02:15", fold=0)) is None
    assert twice.held(berlin("2026-10-25T02:15", fold=1)) is None
    between = twice.held(berlin("2026-10-25T02:45", fold=0))
    assert between is not None
    assert between.until == berlin("2026-10-25T02:00", fold=1)


def test_a_freeze_lasts_from_its_first_moment_to_its_last() -> None:
    year_end = calendar(
        'timezone: Europe/Berlin\nfreezes: [{from: "2026-12-18", until: "2027-01-07T08:00", reason: year-end closing}]'
    )
    assert year_end.held(berlin("2026-12-17T23:59:59")) is None
    assert year_end.held(berlin("2027-01-07T08:00")) is None
    held = year_end.held(berlin("2026-12-18T00:00"))
    assert held is not None
    assert held.until == berlin("2027-01-07T08:00")
    assert held.why == "there is a freeze until 2027-01-07 08:00 (Europe/Berlin): year-end closing"


def test_a_freeze_over_a_change_of_the_clocks_ends_once() -> None:
    freeze = Freeze(datetime(2026, 10, 25, 1), datetime(2026, 10, 25, 2, 30), "clocks")
    frozen = Calendar("Europe/Berlin", (), (freeze,))
    for moment in (berlin("2026-10-25T02:45", fold=0), berlin("2026-10-25T02:15", fold=1)):
        held = frozen.held(moment)
        assert held is not None
        assert held.until == berlin("2026-10-25T02:30", fold=1)
    assert frozen.held(berlin("2026-10-25T02:30", fold=1)) is None


def test_after_a_freeze_a_window_has_to_open_too() -> None:
    both = Calendar(
        "UTC", (Window(WEEKDAYS, 540, 960),), (Freeze(datetime(2026, 3, 2), datetime(2026, 3, 6, 20), "x"),)
    )
    held = both.held(utc("2026-03-02T12:00"))
    assert held is not None
    assert held.until == utc("2026-03-09T09:00")


def test_one_freeze_after_another() -> None:
    day = timedelta(days=1)
    first = Freeze(datetime(2026, 3, 2), datetime(2026, 3, 4), "one")
    frozen = Calendar("UTC", (), (Freeze(first.ends, first.ends + day, "two"), first))
    held = frozen.held(utc("2026-03-02T12:00"))
    assert held is not None
    assert held.until == utc("2026-03-05T00:00")


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
@settings(max_examples=150, deadline=None)
def test_it_is_held_until_the_very_first_moment_that_is_open(
    now: datetime, days: set[int], opens: int, closes: int, zone: str
) -> None:
    if opens == closes % 1440:
        closes = opens + 1
    made = Calendar(zone, (Window(frozenset(days), opens, closes),))
    held = made.held(now)
    if held is None:
        return
    assert held.until > now
    assert made.held(held.until) is None
    minute = held.until - timedelta(minutes=1)
    assert minute < now or made.held(minute) is not None
    assert held.until - now < timedelta(days=9)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("timezone: Mars/Olympus", "timezone: there is no such time zone"),
        ("timezone: ../etc/passwd", "timezone: expected the name of a time zone"),
        ("timezone: [UTC]", "timezone: expected the name of a time zone"),
        ("windows: [{from: 9, until: '16:00'}]", "windows[0].from: expected a time of day in quotes"),
        ("windows: [{from: '09:00', until: '25:00'}]", "windows[0].until: expected a time of day in quotes"),
        ("windows: [{from: '09:00', until: '09:00'}]", "windows[0].until: the window ends when it begins"),
        ("windows: [{from: '00:00', until: '16:00', days: [Mon]}]", "windows[0].days[0]: expected one of monday"),
        ("windows: [{from: '00:00', until: '16:00', days: []}]", "windows[0].days: expected at least one day"),
        ("windows: [{from: '24:00', until: '00:00'}]", "windows[0].until: the window ends when it begins"),
        ("freezes: [{from: '2026-12-18', until: '2026-12-18', reason: x}]", "freezes[0].until: expected a time after"),
        ("freezes: [{from: '2026-12-18', until: '2027-12-18', reason: x}]", "at most 60 days later"),
        ("freezes: [{from: '2026-13-18', until: '2026-12-18', reason: x}]", "freezes[0].from: expected a date or"),
        ("freezes: [{from: '2026-12-18', until: '2026-12-19'}]", "freezes[0].reason: missing"),
        ("freezes: [{from: soon, until: later, reason: x}]", "freezes[0].from: expected a date or"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, problem: str) -> None:
    with pytest.raises(InvalidRegistration) as refused:
        calendar(text)
    assert problem in str(refused.value)
