"""A stack belongs to one stage of one application, on an AWS simulated by moto."""

from types import ModuleType

import pytest
from modules import function
from simulated_ledger import accepted, end, end_stage
from test_aws_sweep import house as house  # noqa: PLC0414
from test_aws_unfinished import MANIFEST, STAGE, House

from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.control.registrations import Registrations
from belay.control.stack_claims import StackClaims
from belay.errors import InvalidRegistration
from belay.release.accepted import AcceptedRelease
from belay.release.records import Outcome, ReleaseReference, upload_of
from belay.release.stack_claim import StackClaim, shared

KEY = "123456789012/eu-west-1/orders-network"


@pytest.fixture
def claims(house: House) -> StackClaims:
    return StackClaims(house.ledger, house.artifacts, "eu-west-1")


def document(application: str = "orders", stack: str = "orders-network") -> AcceptedRelease:
    stages = {"test": STAGE + "ephemeral: true\n", "production": STAGE.replace("orders-network", stack)}
    manifest = MANIFEST.replace("application: orders", f"application: {application}")
    return AcceptedRelease.of(application, manifest, "stages: [test, production]\n", stages, {"network.yaml": {}})


def deployed(house: House, application: str) -> ReleaseReference:
    """Deploy a release as before there were claims."""
    upload = upload_of(application, "releases-bucket", f"releases/{application}/1.0.0.zip", "v1", 4711)
    release = accepted(house.ledger, upload, "1.0.0")
    house.artifacts.put_json(release.document_key, document(application).to_dict())
    end_stage(house.ledger, release)
    end(house.ledger, release, Outcome.DEPLOYED)
    attempt = house.ledger.attempts.get(release)
    assert attempt is not None
    house.ledger.attempts.announced(attempt)
    return release


def register(house: House, application: str, stack: str = "orders-network") -> None:
    stage = STAGE.replace("orders-network", stack)
    for name, text in {application: "stages: [production]\n", f"{application}/production": stage}.items():
        house.ssm.put_parameter(Name=f"/belay/applications/{name}", Value=text, Type="String", Overwrite=True)


def test_the_first_release_claims_its_stacks_and_the_next_one_of_the_stage_keeps_them(
    house: House, claims: StackClaims
) -> None:
    claims.claim(document())
    first = house.ledger.stack_claims.every()
    claims.claim(document())
    assert house.ledger.stack_claims.every() == first
    assert {key: claim.owner for key, claim in first.items()} == {KEY: "orders/production"}, "no ephemeral stage's"


def test_another_application_is_refused_and_told_whose_the_stack_is(house: House, claims: StackClaims) -> None:
    claims.claim(document())
    with pytest.raises(InvalidRegistration) as refused:
        claims.claim(document("billing"))
    (problem,) = refused.value.problems
    assert problem.startswith("stage production: the stack 'orders-network' has belonged to orders/production since 20")
    assert problem.endswith("run: belay unclaim orders-network")
    claims.claim(document("billing", "billing-network"))


def test_stages_that_share_a_stack_since_before_there_were_claims_are_not_stopped(
    house: House, claims: StackClaims
) -> None:
    deployed(house, "billing")
    claims.claim(document())
    claims.claim(document("billing"))
    assert {each.owner for each in house.ledger.stack_claims.every().values()} == {"orders/production"}


def test_until_one_is_deployed_a_stack_belongs_to_the_first_by_name() -> None:
    problems = shared(
        [
            StackClaim("1", "eu-west-1", "network", application, "production", "")
            for application in ("orders", "billing", "crm")
        ],
        {},
    )
    assert sorted(problems) == ["crm/production", "orders/production"]


def test_the_sweep_tells_once_of_stages_that_share_a_stack_and_when_they_do_no_more(
    house: House, claims: StackClaims
) -> None:
    sweep: ModuleType = function("sweep")
    claims.claim(document())
    register(house, "billing")
    sweep.handler({}, None)
    sweep.handler({}, None)
    (told,) = house.messages()
    assert (told["kind"], told["application"], told["stage"]) == ("stacks-shared", "billing", "production")
    assert [each["what"] for each in told["findings"]] == [
        "the stack 'orders-network' is registered for orders/production, too, and belongs to it"
    ]
    register(house, "billing", "billing-network")
    sweep.handler({}, None)
    assert house.told() == [("registration-corrected", None)]


@pytest.mark.parametrize(("still", "freed"), [("", [KEY]), ("registered", []), ("there", []), ("under way", [])])
def test_a_stack_that_is_unregistered_and_gone_is_given_up(
    house: House, claims: StackClaims, still: str, freed: list[str]
) -> None:
    claims.claim(document())
    if still == "there":
        house.stack("orders-network")
    if still == "under way":
        house.accept()
    if still != "registered":
        house.ssm.delete_parameter(Name="/belay/applications/orders")
    read = Registrations(ParameterStore(house.ssm), ArtifactBucket(house.s3, "artifacts")).read()
    assert [*filter(None, (claims.free_if_gone(each, Aws().stacks) for each in claims.unregistered(read, [])))] == freed
    assert [*house.ledger.stack_claims.every()] == ([] if freed else [KEY])


def test_what_cannot_be_read_may_be_registered(house: House, claims: StackClaims) -> None:
    claims.claim(document())
    house.ssm.put_parameter(
        Name="/belay/applications/orders/production", Value="service_role: 7", Type="String", Overwrite=True
    )
    read = Registrations(ParameterStore(house.ssm), ArtifactBucket(house.s3, "artifacts")).read()
    assert claims.unregistered(read, []) == []
