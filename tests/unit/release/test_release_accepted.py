import json
from collections.abc import Mapping

import pytest

from belay.errors import InvalidRegistration, InvalidRelease
from belay.release.accepted import AcceptedRelease
from belay.release.table_values import TableAttribute, text_of
from belay.template.values import READ_LATER

MANIFEST = f"""\
application: orders
version: 1.1.0
description: The orders service.
stacks:
  - name: network
    template: templates/network.yaml
    parameters: {{Size: small, VpcCidr: 10.0.0.0/16}}
  - name: order-service
    template: templates/service.yaml
    depends_on: [network]
digests:
  templates/network.yaml: {"a" * 64}
  templates/service.yaml: {"b" * 64}
"""
APPLICATION = "stages: [test, production]\ndefaults: {service_role: 'arn:aws:iam::111122223333:role/orders'}\n"
STAGES = {
    "test": "ephemeral: true\nstacks: {network: {name: orders-test-network}, order-service: {name: orders-test}}\n",
    "production": "stacks:\n  network: {name: orders-network, parameters: {VpcCidr: 10.40.0.0/16}}\n"
    "  order-service: {name: orders-service}\n",
}
DECLARED = {
    "templates/network.yaml": dict.fromkeys(("Size", "VpcCidr", "Stage"), False),
    "templates/service.yaml": dict.fromkeys(
        ("NetworkStackName", "OrderServiceStackName", "ReleaseBucket", "ReleasePrefix", "ReleaseVersion"), False
    ),
}


def accepted(stages: dict[str, str] = STAGES, declared: dict[str, dict[str, bool]] = DECLARED) -> AcceptedRelease:
    return AcceptedRelease.of("orders", MANIFEST, APPLICATION, stages, declared)


def parameters(release: AcceptedRelease, stage: str, stack: int) -> dict[str, str]:
    return release.parameters(stage, release.manifest.stacks[stack], "0123456789ab", "artifacts", "releases/orders/1")


def test_it_is_kept_as_one_document() -> None:
    document = json.loads(json.dumps(accepted().to_dict()))
    assert AcceptedRelease.from_dict(document) == accepted()
    assert document["manifest_text"] == MANIFEST


def test_what_the_registration_was_then_it_stays() -> None:
    release = AcceptedRelease.from_dict(accepted().to_dict())
    assert release.application.stages == ("test", "production")
    assert release.stages["production"].stacks["network"].parameters == {"VpcCidr": "10.40.0.0/16"}


def test_the_operator_s_values_come_before_the_release_s() -> None:
    assert parameters(accepted(), "test", 0) == {"Size": "small", "VpcCidr": "10.0.0.0/16", "Stage": "test"}
    assert parameters(accepted(), "production", 0) == {
        "Size": "small",
        "VpcCidr": "10.40.0.0/16",
        "Stage": "production",
    }


def test_a_template_is_given_what_it_declares_and_belay_knows() -> None:
    assert parameters(accepted(), "production", 1) == {
        "NetworkStackName": "orders-network",
        "OrderServiceStackName": "orders-service",
        "ReleaseBucket": "artifacts",
        "ReleasePrefix": "releases/orders/1",
        "ReleaseVersion": "1.1.0",
    }


def test_a_template_that_declares_nothing_is_given_nothing() -> None:
    bare = accepted(declared={template: {} for template in DECLARED})
    assert parameters(bare, "production", 1) == {}


def test_a_parameter_without_a_value_is_refused_with_the_way_to_give_one() -> None:
    network = {"VpcCidr": False, "Size": False, "Stage": False, "Zone": False, "Colour": True, "Owner": False}

    with pytest.raises(InvalidRelease) as refused:
        parameters(accepted(declared=DECLARED | {"templates/network.yaml": network}), "test", 0)

    way = "templates/network.yaml needs a value for it in stage test and has no default; give one in release.yaml or "
    assert refused.value.problems == [
        f"stacks.network.parameters.{name}: {way}have the operator register one" for name in ("Zone", "Owner")
    ]


def test_what_belay_knows_gives_way_to_what_was_said() -> None:
    stages = STAGES | {
        "production": STAGES["production"].replace("orders-service}", "orders-service, parameters: {Stage: live}}")
    }
    declared = DECLARED | {"templates/service.yaml": {"Stage": False}}
    assert parameters(accepted(stages, declared), "production", 1) == {"Stage": "live"}


def test_an_ephemeral_stage_s_stacks_are_an_attempt_s_own() -> None:
    release = accepted()
    names = {release.stack_name("test", "network", attempt) for attempt in ("0123456789ab", "ba9876543210")}
    assert len(names) == 2
    assert all(name.startswith("orders-test-network-") for name in names)
    assert release.stack_name("production", "network", "0123456789ab") == "orders-network"
    assert parameters(release, "test", 1)["NetworkStackName"] == release.stack_name("test", "network", "0123456789ab")


POINTER = json.dumps({"s3": {"bucket": "some-bucket", "key": "k", "version_id": "v", "sha256": "a" * 64}})


def test_pointers_must_have_been_followed() -> None:
    with pytest.raises(InvalidRegistration, match="orders: a pointer may not refer to another pointer"):
        AcceptedRelease.of("orders", MANIFEST, POINTER, STAGES, DECLARED)
    with pytest.raises(InvalidRegistration, match="orders/test: a pointer may not refer"):
        AcceptedRelease.of("orders", MANIFEST, APPLICATION, STAGES | {"test": POINTER}, DECLARED)


def test_a_manifest_that_cannot_be_read_is_no_release() -> None:
    with pytest.raises(InvalidRelease):
        AcceptedRelease.of("orders", "version: 1", APPLICATION, STAGES, DECLARED)


def encrypted(value: str, context: Mapping[str, str]) -> str:
    return f"{value[::-1]} of {json.dumps(context, sort_keys=True)}"


def decrypted(text: str, context: Mapping[str, str]) -> str:
    value, _, made_for = text.partition(" of ")
    assert made_for == json.dumps(context, sort_keys=True)
    return value[::-1]


SECRET = {"templates/network.yaml": {"VpcCidr"}, "templates/service.yaml": set[str]()}
NO_SECRET: dict[str, set[str]] = {template: set() for template in DECLARED}


def test_secret_values_are_stored_encrypted_and_nowhere_in_the_clear() -> None:
    kept = accepted().with_secrets_encrypted(SECRET, encrypted)
    document = json.dumps(kept.to_dict())

    assert "10.0.0.0/16" not in document
    assert "10.40.0.0/16" not in document
    assert '"Size": "small"' in document
    assert parameters(kept, "production", 0) == {"Size": "small", "VpcCidr": "****", "Stage": "production"}
    read = AcceptedRelease.from_dict(json.loads(document))
    values = {stage: read.secret_values(stage, "network", decrypted) for stage in ("test", "production")}
    assert values == {"test": {"VpcCidr": "10.0.0.0/16"}, "production": {"VpcCidr": "10.40.0.0/16"}}
    assert read.secret_values("production", "order-service", decrypted) == {}


def test_what_has_no_secrets_is_stored_as_it_was_read() -> None:
    assert accepted().with_secrets_encrypted(NO_SECRET, encrypted) == accepted()


@pytest.mark.parametrize("where", ["stage", "defaults"])
def test_a_registered_value_that_nobody_deploys_is_not_stored_either(where: str) -> None:
    """Only the template that declares it would say whether it is secret."""
    unused = "stacks: {later: {name: later, parameters: {Pin: 4711}}, network: {name: n, parameters: {Old: 4711}}"
    unused += ", order-service: {name: s}}"
    role = "service_role: 'arn:aws:iam::111122223333:role/orders'"
    defaults = f"{role}, {unused}" if where == "defaults" else role
    application = f"stages: [production]\ndefaults: {{{defaults}}}"
    stages = {"production": unused if where == "stage" else "{}"}
    release = AcceptedRelease.of("orders", MANIFEST, application, stages, DECLARED)
    assert "4711" in json.dumps(release.to_dict())

    assert "4711" not in json.dumps(release.with_secrets_encrypted(NO_SECRET, encrypted).to_dict())


def test_a_reference_to_a_secret_says_where_it_is_and_is_stored() -> None:
    reference = "{{resolve:secretsmanager:orders:SecretString:cidr}}"
    stages = STAGES | {"production": STAGES["production"].replace("10.40.0.0/16", f"'{reference}'")}
    kept = accepted(stages).with_secrets_encrypted(SECRET, encrypted)

    assert parameters(kept, "production", 0)["VpcCidr"] == reference
    assert kept.secret_values("production", "network", decrypted) == {}


PARAMETER_STORE = """\
Parameters: {VpcCidr: {Type: AWS::SSM::Parameter::Value<String>}}
Resources: {A: {Type: AWS::SNS::Topic}}
"""
ARN = "arn:aws:ssm:eu-west-1:111122223333:parameter"


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("/aws/service/ami/latest", [], ""),
        (
            "/orders/vpc",
            [],
            "stage production does not allow reading the SSM parameter '/orders/vpc'",
        ),
        ("/orders/vpc", ["/orders/"], ""),
        ("/orders/vpc:3", ["/orders/"], ""),
        ("/orders/vpc", ["/orders/vpc"], ""),
        ("/orders/vpc2", ["/orders/vpc"], "does not allow"),
        ("/orders-secret/vpc", ["/orders/"], "allowed are those below /aws/service/, below /orders/. An operator"),
        ("orders-vpc", ["orders-vpc"], ""),
        (f"{ARN}/shared/vpc", ["/shared/"], "does not allow"),
        (
            f"{ARN}/shared/vpc",
            [f"{ARN}/"],
            "",
        ),
        ("/belay/applications/orders", ["/", "/belay/"], "is a parameter of Belay's own, which no release may read"),
        ("belay/applications/orders", ["belay/"], "is a parameter of Belay's own"),
        (
            f"{ARN}/belay/paused",
            ["arn:aws:ssm:"],
            "is a parameter of Belay's own",
        ),
    ],
)
def test_a_release_reads_the_ssm_parameters_that_its_stage_allows(name: str, allowed: list[str], refused: str) -> None:
    test = STAGES["test"].replace("-network}", "-network, parameters: {VpcCidr: /aws/service/vpc}}")
    production = STAGES["production"].replace("10.40.0.0/16", f"'{name}'")
    stages = {"test": test, "production": f"{production}ssm_parameters: {json.dumps(allowed)}\n"}
    release = accepted(stages)
    files = {"templates/network.yaml": PARAMETER_STORE.encode(), "templates/service.yaml": b"Resources: {A: {Type: B}}"}

    try:
        release.refuse_reading(files, "0123456789ab", "artifacts", "releases/orders/1")
        problems = []
    except InvalidRelease as error:
        problems = error.problems

    assert len(problems) == bool(refused)
    assert all(each.startswith("templates/network.yaml: VpcCidr") and refused in each for each in problems), problems


WHERE = "{table: shared, key: {Owner: orders/production, Item: orders}, attribute: Version}"
FROM_TABLE = STAGES | {"production": STAGES["production"].replace("10.40.0.0/16", WHERE)}


def test_what_stands_in_a_table_is_known_once_it_was_read() -> None:
    release = AcceptedRelease.from_dict(json.loads(json.dumps(accepted(FROM_TABLE).to_dict())))
    assert parameters(release, "production", 0)["VpcCidr"] == READ_LATER
    assert release.to_read("test") == {}
    asked = release.to_read("production")
    attribute = TableAttribute("shared", {"Owner": "orders/production", "Item": "orders"}, "Version")
    assert asked == {"network": {"VpcCidr": attribute}}

    read = release.with_tables_read("production", {"network": {"VpcCidr": attribute.read_as("10.9.0.0/16", None)}})
    assert parameters(read, "production", 0)["VpcCidr"] == "10.9.0.0/16"
    assert read.to_read("production") == {}
    assert parameters(read, "test", 0)["VpcCidr"] == "10.0.0.0/16"


def test_only_what_is_deployed_is_read() -> None:
    preferred = FROM_TABLE["production"].replace("parameters:", "parameter_precedence: release, parameters:")
    assert accepted(FROM_TABLE | {"production": preferred}).to_read("production") == {}, "the release sets it"
    declared = DECLARED | {"templates/network.yaml": {"Size": False, "VpcCidr": False}}
    unused = FROM_TABLE["production"].replace(WHERE, f"10.40.0.0/16, Later: {WHERE}")
    assert accepted(FROM_TABLE | {"production": unused}, declared).to_read("production") == {}, (
        "no template declares it"
    )


def test_a_table_is_no_place_for_a_secret() -> None:
    release = accepted(FROM_TABLE)
    release.refuse_secret_tables(NO_SECRET)
    with pytest.raises(InvalidRelease) as refused:
        release.refuse_secret_tables(SECRET)
    assert refused.value.problems == [
        "production: stacks.network.parameters.VpcCidr: templates/network.yaml declares it secret (NoEcho, or by its "
        "name), and a table's values are shown: have the operator register a dynamic reference to Secrets Manager"
    ]


def test_where_a_value_stands_is_stored_though_no_template_declares_it() -> None:
    declared = DECLARED | {"templates/network.yaml": {"Size": False, "VpcCidr": False}}
    stages = {name: text.replace("VpcCidr", "Later") for name, text in FROM_TABLE.items()}
    kept = accepted(stages, declared).with_secrets_encrypted(NO_SECRET, encrypted)
    assert kept.stage_texts["production"] == stages["production"]


def test_a_release_cannot_read_a_table_by_what_stands_for_it() -> None:
    hostile = AcceptedRelease.of(
        "orders", MANIFEST.replace("10.0.0.0/16", f"'{READ_LATER}'"), APPLICATION, STAGES, DECLARED
    )
    assert hostile.to_read("test") == {}


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (None, "expected an item Item orders, Owner orders/production in the table shared, found none"),
        (
            {"Item": "orders", "Owner": "orders/production", "Values": {}},
            "expected Version of Item orders, Owner orders/production in the table shared, but the item has only Item, "
            "Owner, Values",
        ),
        ({"Version": {"S": "7"}}, "to be a text or a number, found a mapping"),
        ({"Version": "x" * 4097}, "to be at most 4096 bytes, found 4097"),
    ],
)
def test_what_a_table_does_not_have_is_told_with_what_it_has(item: dict[str, object] | None, problem: str) -> None:
    attribute = TableAttribute("shared", {"Owner": "orders/production", "Item": "orders"}, "Version")
    assert text_of({"Version": "7"}, attribute) == "7"
    with pytest.raises(InvalidRelease, match=problem):
        text_of(item, attribute)


def test_a_change_is_told_with_both_values() -> None:
    attribute = TableAttribute("shared", {"Owner": "orders/production"}, "Version")
    where = "Version of Owner orders/production in the table shared"
    assert attribute.told("service", "Size") is None
    assert attribute.read_as("7", "7").told("service", "Size") is None
    assert attribute.read_as("7", None).told("service", "Size") == f"service: the parameter Size is 7: {where}"
    assert (
        attribute.read_as("8", "7").told("service", "Size")
        == f"service: the parameter Size changes from 7 to 8: {where}"
    )
    hostile = attribute.read_as("8\n\nApprove: belay approve", "x" * 81).told("service", "Size")
    assert hostile == (
        f"service: the parameter Size changes from '{'x' * 80}...' to '8\\n\\nApprove: belay approve': {where}"
    )
