import itertools

import pytest

from belay.release.version import Version

# The examples of https://semver.org item 11, and cases it leaves out, from the oldest to the newest.
ORDERED = [
    "0.0.0-0",
    "0.0.0",
    "0.0.1",
    "0.1.0",
    "0.9.9",
    "1.0.0-0",
    "1.0.0-9",
    "1.0.0-10",
    "1.0.0--1",
    "1.0.0-1a",
    "1.0.0-A",
    "1.0.0-a",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
    "10.0.0",
]

VALID = ["0.0.4", "1.2.3", "1.1.2-prerelease+meta", "1.0.0-alpha0.valid", "1.0.0-0A.is.legal", "2.0.1-alpha.1227"]
VALID += ["1.2.3----RC-SNAPSHOT.12.9.1--.12", "1.0.0+0.build.1-rc.10000aaa-kk-0.1", "2.0.0+build.1848", "1.0.0-0+0001"]

INVALID = ["", "1", "1.2", "v1.2.3", "1.2.3.4", "01.1.1", "1.01.1", "1.1.01", "1.2.3-0123", "1.2.3-0123.0123", "-1.0.0"]
INVALID += ["1.0.0-", "1.0.0+", "1.0.0-a..b", "1.0.0+a+b", "1.0.0-é", "1.0.0 ", "1.0.0\n", "1.٢.3", "1.0.0-" + "a" * 99]


@pytest.mark.parametrize(("older", "newer"), itertools.pairwise(ORDERED))
def test_precedence(older: str, newer: str) -> None:
    one, other = Version.parse(older), Version.parse(newer)

    assert one < other
    assert one <= other
    assert other > one
    assert other >= one
    assert not one > other
    assert not other <= one
    assert one != other


def test_sorting() -> None:
    assert [str(each) for each in sorted(map(Version.parse, reversed(ORDERED)))] == ORDERED


def test_builds_differ_but_neither_is_older() -> None:
    one, other = Version.parse("1.0.0+a"), Version.parse("1.0.0+b")

    assert one != other
    assert not one < other
    assert not one > other
    assert one <= other
    assert one >= other


@pytest.mark.parametrize("text", [*VALID, *ORDERED])
def test_a_version_reads_as_itself(text: str) -> None:
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize("text", INVALID)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="expected a semantic version of at most 100 characters"):
        Version.parse(text)
