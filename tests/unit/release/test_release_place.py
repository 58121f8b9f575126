"""A stage's account and region, and documents written before stages could be elsewhere."""

import json
from pathlib import Path
from typing import Any

from belay.release.accepted import AcceptedRelease
from belay.release.place import PlaceRoles, StagePlace, artifact_key
from belay.subject.incident import Incident

BEFORE = Path(__file__).resolve().parents[2] / "fixtures" / "before_places"
PLACE = StagePlace("aws", "111111111111", "eu-central-1", PlaceRoles.named_alike("aws", "111111111111"))


def kept(name: str) -> Any:
    return json.loads((BEFORE / f"{name}.json").read_text())


def test_a_release_that_was_accepted_before_is_deployed_at_home() -> None:
    accepted = AcceptedRelease.from_dict(kept("release"))
    assert accepted.stages["production"].place is None
    assert accepted.application.waves == (("production",),)
    (network,) = accepted.manifest.stacks
    given = accepted.parameters("production", network, "1f0c2d3e4b5a", "artifacts", "releases/orders/1.1.0")
    assert given == {"ReleaseBucket": "artifacts"}


def test_an_incident_that_was_opened_before_is_recovered_at_home() -> None:
    assert Incident.from_dict(kept("incident")).place is None


def test_an_incident_remembers_where_its_stage_lay() -> None:
    opened = Incident.from_dict({**kept("incident"), "place": None})
    there = Incident(opened.name, opened.subject, opened.reason, opened.service_role, place=PLACE)
    assert Incident.from_dict(json.loads(json.dumps(there.to_dict()))) == there


def test_a_copy_is_known_by_what_it_is_a_copy_of() -> None:
    assert PLACE.key("releases/orders/a.yaml") == "spokes/111111111111/releases/orders/a.yaml"
    assert artifact_key(PLACE.key("releases/orders/a.yaml")) == artifact_key("releases/orders/a.yaml")
    assert str(PLACE) == "account 111111111111, region eu-central-1"
