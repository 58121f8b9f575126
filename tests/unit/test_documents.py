"""Documents: every type of field survives a round trip, an older schema is migrated, everything else is refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal

import pytest

from belay.documents import SCHEMA, Document, parsed, parsed_object, read, written
from belay.errors import UnknownSchema, UnreadableRecord
from belay.release.version import Version


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


@dataclass(frozen=True)
class Inner:
    name: str
    size: int | None = None


@dataclass(frozen=True)
class Everything:
    text: str
    version: Version
    colour: Colour
    kind: Literal["instance", "cluster"]
    inner: Inner
    at: datetime
    days: frozenset[int]
    pair: tuple[str, int]
    networks: tuple[IPv4Network | IPv6Network, ...]
    by_name: Mapping[str, Inner]
    as_it_is: Mapping[str, object]
    ratio: float = 0.5
    flag: bool = False
    left_out: tuple[str, ...] = ()
    maybe: Inner | None = None
    other: dict[str, Any] = field(default_factory=dict)


KEPT = Everything(
    text="a",
    version=Version.parse("1.2.3-rc.1+b"),
    colour=Colour.BLUE,
    kind="cluster",
    inner=Inner("i", 3),
    at=datetime(2026, 3, 2, 9, 30),
    days=frozenset({6, 0}),
    pair=("rds", 1),
    networks=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
    by_name={"x": Inner("x")},
    as_it_is={"list": [1, {"a": None}]},
    maybe=Inner("m"),
)


def test_what_was_written_is_read_as_it_was() -> None:
    document = json.loads(json.dumps(written(KEPT)))
    assert document["schema"] == SCHEMA
    assert (document["version"], document["days"]) == ("1.2.3-rc.1+b", [0, 6])
    assert read(Everything, document, "it") == KEPT


def test_what_has_a_default_may_be_missing_and_what_is_not_known_is_passed_over() -> None:
    document = {name: value for name, value in written(KEPT).items() if name not in ("ratio", "maybe")}
    found = read(Everything, {**document, "newer": 1}, "it")
    assert (found.ratio, found.maybe) == (0.5, None)


def test_a_document_without_a_schema_is_of_the_first_and_migrated() -> None:
    def named(document: Document) -> Document:
        return {"name": document["called"]}

    assert read(Inner, {"called": "a"}, "it", named) == Inner("a")
    assert read(Inner, {"schema": 1, "called": "a"}, "it", named) == Inner("a")
    assert read(Inner, written(Inner("a")), "it", named) == Inner("a"), "what is of this schema is not migrated"


def test_a_newer_document_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnknownSchema) as refused:
        read(Inner, {**written(Inner("a")), "schema": 3}, "plan.json")
    assert str(refused.value) == "plan.json has schema 3, and this Belay reads up to 2: deploy the newer Belay again"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("schema", "2", "it: schema: expected int, found '2'"),
        ("text", 1, "it: text: expected str, found 1"),
        ("flag", 1, "it: flag: expected bool, found 1"),
        ("ratio", "1", "it: ratio: expected float, found '1'"),
        ("colour", "GREEN", "it: colour: expected Colour, found 'GREEN'"),
        ("kind", "table", "it: kind: expected instance or cluster, found 'table'"),
        ("version", "1", "it: version: expected Version, found '1'"),
        ("at", "yesterday", "it: at: expected datetime, found 'yesterday'"),
        ("inner", [], "it: inner: expected an object, found []"),
        ("inner", {"size": 1}, "it: inner: expected name, found none: it is damaged"),
        ("pair", ["rds"], "it: pair: expected 2 values, found ['rds']"),
        ("days", {}, "it: days: expected a list, found {}"),
        ("networks", ["10.0.0.1/8"], "it: networks[0]: expected IPv6Network, found '10.0.0.1/8'"),
        ("by_name", {"x": None}, "it: by_name.x: expected an object, found None"),
        ("by_name", [], "it: by_name: expected an object, found []"),
        ("maybe", {"name": 3}, "it: maybe: name: expected str, found 3"),
    ],
)
def test_what_is_damaged_is_refused_with_its_place(name: str, value: object, said: str) -> None:
    with pytest.raises(UnreadableRecord) as refused:
        read(Everything, {**written(KEPT), name: value}, "it")
    assert str(refused.value) == said


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', b"\xff", "NaN,", pytest.param("[" * 100_000, id="deep")])
def test_what_is_no_json_is_refused_with_its_place(text: str | bytes) -> None:
    with pytest.raises(UnreadableRecord, match=r"^s3://artifacts/plan.json: expected JSON: "):
        parsed(text, "s3://artifacts/plan.json")


def test_a_json_text_that_is_no_object_is_refused_with_its_place() -> None:
    with pytest.raises(UnreadableRecord, match=r"^plan.json: expected an object, found \[\]"):
        parsed_object("[]", "plan.json")


def test_what_belay_0_1_wrote_and_is_damaged_is_refused() -> None:
    def named(document: Document) -> Document:
        return {"name": document["called"]["name"]}

    for document in ({}, {"called": None}, {"called": "a"}):
        with pytest.raises(UnreadableRecord, match=r"^it: expected what Belay 0\.1 wrote, found"):
            read(Inner, document, "it", named)
