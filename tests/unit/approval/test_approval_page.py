"""The report: complete, self-contained, and safe with hostile content of a release or a template."""

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any

import pytest
from asked import MANIFEST, detail, finding, request
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import ATTRIBUTES, HOSTILE, TAGS, Read

from belay.approval.elements import CONTENT_SECURITY_POLICY
from belay.approval.page import render
from belay.database.forecast import DatabaseForecast
from belay.policy.verdict import Report, Verdict
from belay.rollback.rehearsal import Check, Readiness, Rehearsal
from belay.stack.change_set import Change, ChangeSet


def hostile(text: str) -> Any:
    """The request with a text in every place that a release, a template or AWS fills."""
    change = Change(
        text, text, "Modify", "True", text, policy_action=text, details=(detail(text, text, text),), before=text
    )
    added = Change(text, text, text, after=text)
    plain = request()
    change_sets = {
        stack: replace(each, changes=(change, added), parameters={text: text}, resolved={text: text})
        for stack, each in plain.sealed.change_sets.items()
        if isinstance(each, ChangeSet)
    }
    found = replace(finding(text, text), path=text, resource=text, property=text, fix=text, waiver=text)
    open_one = replace(found, waiver=None, verdict=Verdict.FAIL)
    return request(
        change_sets=change_sets,
        static=Report((found, open_one), ((text, (text,)),)),
        replaces=text,
        others=(text,),
        rehearsal=Rehearsal((Check(text, Readiness.NOT_READY, text),)),
        release=replace(plain.sealed.release, version=text),
    )


def test_everything_that_an_approver_needs_stands_in_it() -> None:
    text = Read(render(request())).text
    for told in (
        "orders 1.2.0 in production",
        "DATA MAY BE LOST",
        "production, asks for approval",
        "1 deleted, 2 replaced, 1 changed, 1 added",
        "OldQueue",
        "Its data is lost unless its deletion policy keeps it",
        "ITS DATA IS LOST",
        '[{"AttributeName":"id","KeyType":"HASH"}]',
        "Who may reach TCP 22 depends on a prefix list",
        "accepted by jo until 2026-06-30",
        "/orders/image",
        "ami-0123456789",
        "****",
        "schema 41 to 43",
        "orders-failed has no data yet",
        "1.3.0 (CHECKED)",
        f"belay approve orders/1.2.0 --stage production --seal {request().seal.digest[:12]}",
        request().seal.digest,
        "2026-03-09 12:00 UTC",
    ):
        assert told in text


def test_the_stages_of_a_wave_stand_together_with_the_one_that_asks() -> None:
    asked = request()
    application = replace(asked.sealed.accepted.application, waves=(("test",), ("eu", "production"), ("archive",)))
    sealed = replace(asked.sealed, accepted=replace(asked.sealed.accepted, application=application))
    text = Read(render(replace(asked, sealed=sealed))).text
    assert "test passed" in text
    assert "eu and production, production asks for approval" in text


def test_a_property_is_listed_once_with_every_reason_that_it_changes_for() -> None:
    known = detail("TaskDefinition", "orders:17", "orders:18", requires_recreation="Never")
    depends = detail("TaskDefinition", None, None, requires_recreation="Always", causing_entity="Task.Arn")
    change = Change("Service", "AWS::ECS::Service", "Modify", "True", details=(depends, known))
    sets = {name: replace(each, changes=(change,)) for name, each in request().sealed.change_sets.items() if each}
    page = render(request(change_sets=sets))
    assert "1 property" in page
    assert "a replacement, because of Task.Arn" in page
    assert "orders:17" in page


def test_each_part_of_the_seal_stands_in_it() -> None:
    asked = request()
    text = Read(render(asked)).text
    for part, digest in asked.seal.parts.items():
        assert part in text
        assert digest in text


def test_what_the_seal_does_not_hold_stands_beside_it() -> None:
    assert "not sealed" not in Read(render(request())).text
    text = Read(render(request(unsealed=("service.yaml: {{resolve:ssm:/orders/size}}",)))).text
    assert "service.yaml: {{resolve:ssm:/orders/size}}: CloudFormation looks it up; not sealed" in text


def test_the_page_asks_nobody_for_anything() -> None:
    page = render(request())
    read = Read(page)
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES
    assert not re.search(r"url\(|@import|src=|href=|<script", page)


def test_the_page_s_own_policy_allows_its_style_alone() -> None:
    read = Read(render(request()))
    (policy,) = [meta["content"] for meta in read.metas if meta.get("http-equiv") == "Content-Security-Policy"]
    style = base64.b64encode(hashlib.sha256(read.style.encode()).digest()).decode()
    assert policy == CONTENT_SECURITY_POLICY
    assert policy == f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"


def test_it_can_be_read_on_a_phone_and_in_the_dark() -> None:
    page = render(request())
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "prefers-color-scheme:dark" in page


def test_the_forecast_of_its_database_changes_stands_in_it() -> None:
    asked = request(forecast=DatabaseForecast("instance orders-db", "copy", not_tried="there is no snapshot"))
    text = Read(render(asked)).text
    assert asked.verdict is Verdict.REVIEW
    assert "REVIEW for the forecast of database changes." in text
    assert "Database changes The changes were not tried on a copy, because there is no snapshot." in text
    assert any("not tried on a copy: there is no snapshot" in line for line in asked.policy_lines)
    assert "Database changes" not in Read(render(request())).text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_is_shown_as_text(text: str) -> None:
    page = render(hostile(text))
    read = Read(page)
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", page)
    page.encode()


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_a_template_makes_no_element(text: str) -> None:
    plain, read = Read(render(request())), Read(render(hostile(text)))
    assert read.tags <= plain.tags
    assert read.attributes <= plain.attributes


def test_what_is_long_is_cut_and_what_is_much_is_counted() -> None:
    long = Change("Table", "AWS::DynamoDB::Table", "Modify", "True", details=(detail("Tags", "x" * 50_000, "y"),))
    many = tuple(Change(f"Topic{number}", "AWS::SNS::Topic", "Add") for number in range(600))
    plain = request().sealed.change_sets["service"]
    assert plain is not None
    page = render(request(change_sets={"service": replace(plain, changes=(long, *many))}))
    text = Read(page).text
    assert "(48000 more characters)" in text
    assert "and 101 more changes of lower risk" in text
    assert len(page) < 500_000


def test_a_release_of_one_harmless_change_is_calm() -> None:
    added = Change("Topic", "AWS::SNS::Topic", "Add")
    plain = request().sealed.change_sets["service"]
    assert plain is not None
    asked = request(
        manifest="\n".join(line for line in MANIFEST.splitlines() if not line.startswith(("database", "description"))),
        change_sets={"service": replace(plain, changes=(added,), parameters={})},
        static=None,
        rehearsal=Rehearsal((Check("baselines", Readiness.READY, "there"),)),
    )
    text = Read(render(asked)).text
    assert "No data is lost" in text
    assert "No findings" in text
    assert "Rollback ready." in text
    assert "No changes declared" in text
    assert "No changed stack has parameters." in text
