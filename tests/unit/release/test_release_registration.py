import ipaddress
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.database.cluster import CLUSTER
from belay.database.copy import CopySettings
from belay.database.instance import INSTANCE
from belay.errors import InvalidRegistration, InvalidRelease
from belay.release.manifest import DatabaseChanges, Manifest, ManifestStack
from belay.release.place import AccountRegion, PlaceRoles, Power, StagePlace
from belay.release.registration import (
    DEFAULT_TRANSFORMS,
    Application,
    Approval,
    Database,
    Pipeline,
    Pointer,
    RegisteredExecutor,
    RegisteredStack,
    Service,
    Stage,
    Verify,
    admit,
    changed_database,
    effective_parameters,
    misplaced,
    parse_application,
    parse_stage,
)
from belay.release.table_values import TableAttribute
from belay.release.vault import Vault
from belay.release.version import Version
from belay.sql.changes import Engine
from belay.template.values import READ_LATER

ROLE = "arn:aws:iam::123456789012:role/belay/orders-deployment"
VERIFY = "arn:aws:lambda:eu-west-1:123456789012:function:verify-orders:live"
CHANGES = "arn:aws:lambda:eu-west-1:123456789012:function:change-orders"
FOREIGN = "arn:aws:lambda:eu-west-1:999999999999:function:change-orders"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders-on-call"
ORDERS = Application("orders", (("test",), ("production",)), None, {})
STAGE = f"""
service_role: {ROLE}
stacks: {{network: {{name: orders-network}}}}
"""
WHOLE = f"""
ephemeral: true
service_role: {ROLE}
stacks:
  network: {{name: orders-network}}
  service:
    name: orders-service
    parameters: {{Size: 3, Zones: [a, b], Public: false}}
    parameter_precedence: release
    capabilities: [CAPABILITY_NAMED_IAM]
approval: {{required: true, expires_after_days: 3}}
trusted_networks: [10.0.0.0/8, "2001:db8::/32"]
databases:
  - instance: orders-db
    executor: {CHANGES}
    database: orders
    user: belay
    copy: {{security_groups: [sg-0123456789abcdef0], parameter_group: orders-copies}}
  - {{cluster: Orders-Aurora}}
forecast: copy
services: [{{cluster: orders, service: api}}, {{cluster: 7, service: 8}}]
alarms: [Failed orders, latency]
verify: {{function: {VERIFY}, bake_minutes: 0.5, monitoring_minutes: 3}}
require_rollback_ready: true
restore: automatic
recover_foreign: true
macros: [AWS::Include, 123456789012::Naming]
policies: {{open-ports: {{level: 3, share: 0.5, allowed: [22, true, null]}}}}
"""


def refusal(read: object, *arguments: object) -> list[str]:
    assert callable(read)
    with pytest.raises((InvalidRegistration, InvalidRelease)) as raised:
        read(*arguments)
    return str(raised.value).split("\n")


class TestApplication:
    def test_the_smallest(self) -> None:
        assert parse_application("orders", "stages: [production]") == Application(
            "orders", (("production",),), None, {}
        )

    def test_a_whole_one_in_json(self) -> None:
        text = json.dumps({"stages": ["test", "production"], "topic": TOPIC, "defaults": {"restore": "never"}})

        assert parse_application("orders", text) == Application(
            "orders", (("test",), ("production",)), TOPIC, {"restore": "never"}
        )

    def test_a_list_among_the_stages_is_a_wave(self) -> None:
        read = parse_application("orders", "stages: [test, [eu, us], production]\nwave_failure: wave")
        assert isinstance(read, Application)
        assert (read.waves, read.wave_failure) == ((("test",), ("eu", "us"), ("production",)), "wave")
        assert read.stages == ("test", "eu", "us", "production")

    def test_a_stage_of_a_pipeline_is_not_taken_back_with_its_wave(self) -> None:
        text = f"{STAGE}\npipeline: {{name: orders, deployment_stage: Deploy, start: true}}\n"
        together = replace(ORDERS, waves=(("eu", "us"), ("production",)), wave_failure="wave")
        (problem,) = refusal(parse_stage, together, "us", text)
        assert problem.startswith("stage orders/us: pipeline: wave_failure: wave rolls a deployed stage back")
        parse_stage(together, "production", text)
        parse_stage(replace(together, wave_failure="stage"), "us", text)

    @pytest.mark.parametrize(
        ("text", "problems"),
        {
            "": ["expected a mapping with stages, topic, defaults, wave_failure, found nothing"],
            "[]": ["expected a mapping with stages, topic, defaults, wave_failure, found a list"],
            "stages: [": ["line 2, column 1: this is not YAML: did not find expected node content"],
            "stages: []": ["stages: expected at least one stage, found a list"],
            "stages: test": [
                "stages: expected a list of stages, each a name of at most 40 letters, digits and hyphens that begins"
                " with a letter, or of lists of those that are deployed together, found 'test'"
            ],
            "stages: [test, [eu, us, eu], [us, test, production]]": [
                "stages[1][2]: duplicate 'eu'",
                "stages[2]: duplicate 'test'",
                "stages[2]: duplicate 'us'",
            ],
            "stages: [test, []]": ["stages[1]: expected 1 to 10 stages, found 0"],
            "stages: [[a, b, c, d, e, f, g, h, i, j, k]]": ["stages[0]: expected 1 to 10 stages, found 11"],
            "stages: [[eu, [us]]]": [
                "stages[0][1]: expected a name of at most 40 letters, digits and hyphens that begins with a letter,"
                " found a list"
            ],
            "stages: [test]\nwave_failure: both": ["wave_failure: expected one of stage, wave, found 'both'"],
            "stages: [test, test]": ["stages[1]: duplicate 'test'"],
            "stages: [a/b]": [
                "stages[0]: expected a name of at most 40 letters, digits and hyphens that begins with a letter, found"
                " 'a/b'"
            ],
            "topics: x": ["topics: unknown key; known are stages, topic, defaults, wave_failure", "stages: missing"],
            "stages: [test]\ntopic: orders": ["topic: expected the ARN of an SNS topic, found 'orders'"],
            "stages: [test]\ntopic:": ["topic: expected the ARN of an SNS topic, found nothing"],
            "stages: [test]\ndefaults: {restore: maybe, alarm: [x], approval: yes}": [
                "defaults.alarm: unknown key; known are service_role, stacks, ephemeral, approval, trusted_networks,"
                " databases, forecast, services, alarms, verify, require_rollback_ready, restore, recover_foreign,"
                " macros, policies, pipeline, timezone, windows, freezes, regions, ssm_parameters, account,"
                " region, belay_roles, vault",
                "defaults.approval: expected a mapping with required, expires_after_days, four_eyes,"
                " skip_unchanged, found 'yes'",
                "defaults.restore: expected one of never, approval, automatic, found 'maybe'",
            ],
            "stages: [test]\ndefaults: none": [
                "defaults: expected a mapping with service_role, stacks, ephemeral, approval, trusted_networks,"
                " databases, forecast, services, alarms, verify, require_rollback_ready, restore, recover_foreign,"
                " macros, policies, pipeline, timezone, windows, freezes, regions, ssm_parameters, account,"
                " region, belay_roles, vault, found 'none'"
            ],
        }.items(),
    )
    def test_what_is_wrong(self, text: str, problems: list[str]) -> None:
        assert refusal(parse_application, "orders", text) == [f"application orders: {problem}" for problem in problems]

    def test_a_name_that_fits_nowhere(self) -> None:
        assert refusal(parse_application, "web shop", "stages: [a]") == [
            "application web shop: expected a name of at most 40 letters, digits and hyphens that begins with a letter,"
            " found 'web shop'"
        ]


class TestStage:
    def test_the_smallest(self) -> None:
        stage = parse_stage(ORDERS, "test", STAGE)

        assert stage == Stage("orders", "test", ROLE, {"network": RegisteredStack("orders-network")})
        assert isinstance(stage, Stage)
        assert (stage.approval, stage.restore, stage.recover_foreign) == (Approval(False, 7), "approval", False)

    def test_a_whole_one(self) -> None:
        assert parse_stage(ORDERS, "production", WHOLE) == Stage(
            application="orders",
            name="production",
            service_role=ROLE,
            stacks={
                "network": RegisteredStack("orders-network"),
                "service": RegisteredStack(
                    name="orders-service",
                    parameters={"Size": "3", "Zones": "a,b", "Public": "false"},
                    parameter_precedence="release",
                    capabilities=("CAPABILITY_NAMED_IAM",),
                ),
            },
            ephemeral=True,
            approval=Approval(required=True, expires_after_days=3),
            trusted_networks=(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")),
            databases=(Database(INSTANCE, "orders-db"), Database(CLUSTER, "orders-aurora")),
            executors={
                "orders-db": RegisteredExecutor(
                    CHANGES, "orders", user="belay", copy=CopySettings(("sg-0123456789abcdef0",), "orders-copies")
                )
            },
            forecast="copy",
            services=(Service("orders", "api"), Service("7", "8")),
            alarms=("Failed orders", "latency"),
            verify=Verify(function=VERIFY, bake_minutes=0.5, monitoring_minutes=3),
            require_rollback_ready=True,
            restore="automatic",
            recover_foreign=True,
            macros=("AWS::Include", "123456789012::Naming"),
            policies={"open-ports": {"level": 3, "share": 0.5, "allowed": [22, True, None]}},
        )

    def test_regions(self) -> None:
        stage = parse_stage(ORDERS, "production", STAGE + "regions: [eu-central-1, us-gov-west-1]")
        assert isinstance(stage, Stage)
        assert stage.regions == ("eu-central-1", "us-gov-west-1")

    def test_in_another_account_and_region(self) -> None:
        stage = parse_stage(ORDERS, "production", f"{STAGE}\naccount: 123456789012\nregion: eu-central-1")
        assert isinstance(stage, Stage)
        roles = PlaceRoles.named_alike("aws", "123456789012")
        assert stage.place == StagePlace("aws", "123456789012", "eu-central-1", roles)
        assert roles.of(Power.LOOK) == "arn:aws:iam::123456789012:role/belay-look"
        assert stage.place.holds("arn:aws:cloudformation:eu-central-1:123456789012:stack/orders-network/6a7e")
        for other in ("aws-cn:cloudformation:eu-central-1:123456789012", "aws:cloudformation:eu-west-1:123456789012"):
            assert not stage.place.holds(f"arn:{other}:stack/orders-network/6a7e")

    def test_what_a_stage_at_home_names_elsewhere(self) -> None:
        home = AccountRegion("aws", "123456789012", "eu-west-1")
        application = parse_application(
            "orders", "stages: [production]\ntopic: arn:aws:sns:eu-west-1:123456789012:orders"
        )
        executor = "[{instance: orders-db, database: orders, executor: 'EXECUTOR'}]"
        text = STAGE + f"verify: {{function: '{VERIFY}'}}\ndatabases: {executor}".replace("EXECUTOR", CHANGES)
        stage = parse_stage(ORDERS, "production", text)
        assert isinstance(application, Application)
        assert isinstance(stage, Stage)
        assert misplaced(application, [stage], home) == []
        moved = replace(
            stage,
            service_role=ROLE.replace("123456789012", "210987654321"),
            verify=Verify(function=VERIFY.replace("eu-west-1", "us-east-1")),
            executors={
                "orders-db": replace(stage.executors["orders-db"], function=CHANGES.replace("aws", "aws-cn", 1))
            },
        )
        application = replace(application, topic=TOPIC.replace("eu-west-1", "us-east-1"))
        problems = misplaced(application, [moved], home)
        for found, where in zip(problems, ("topic", "service_role", "verify.function", "executor"), strict=True):
            assert where in found
            assert "where Belay is (account 123456789012, region eu-west-1)" in found

    def test_what_a_stage_elsewhere_names_is_not_looked_for_at_home(self) -> None:
        stage = parse_stage(ORDERS, "production", f"{STAGE}\naccount: 123456789012\nregion: eu-central-1")
        assert isinstance(stage, Stage)
        assert misplaced(ORDERS, [stage], AccountRegion("aws", "111111111111", "eu-west-1")) == []

    def test_a_vault(self) -> None:
        text = f"{STAGE}\ndatabases: [{{instance: orders-db}}]\nvault: {{account: 999999999999, region: eu-west-1"
        stage = parse_stage(ORDERS, "production", f"{text}}}")
        assert isinstance(stage, Stage)
        assert stage.vault == Vault("aws", "999999999999", "eu-west-1", "alias/belay-vault", 10)
        assert stage.vault.role == "arn:aws:iam::999999999999:role/belay-vault"
        key = "arn:aws:kms:eu-west-1:999999999999:key/11111111-2222-3333-4444-555555555555"
        stage = parse_stage(ORDERS, "production", f"{text}, key: {key}, keep: 3}}")
        assert isinstance(stage, Stage)
        assert stage.vault == Vault("aws", "999999999999", "eu-west-1", key, 3)

    def test_an_application_whose_stages_share_a_vault_says_so_once(self) -> None:
        vault = "{account: 999999999999, region: eu-west-1}"
        application = parse_application("orders", f"stages: [eu, test]\ndefaults: {{vault: {vault}}}")
        assert isinstance(application, Application)
        stage = parse_stage(application, "eu", f"{STAGE}\ndatabases: [{{instance: orders-db}}]")
        assert isinstance(stage, Stage)
        assert stage.vault == Vault("aws", "999999999999", "eu-west-1")

    def test_an_application_whose_stages_share_an_account_says_so_once(self) -> None:
        recover = "arn:aws:iam::123456789012:role/belay/staging-belay-recover"
        defaults = f"{{account: 123456789012, belay_roles: {{recover: {recover}}}}}"
        application = parse_application("orders", f"stages: [eu, us]\ndefaults: {defaults}")
        assert isinstance(application, Application)
        for name, region in {"eu": "eu-central-1", "us": "us-east-1"}.items():
            stage = parse_stage(application, name, f"{STAGE}\nregion: {region}")
            assert isinstance(stage, Stage)
            assert stage.place is not None
            assert (stage.place.region, stage.place.roles.recover) == (region, recover)

    def test_a_pipeline(self) -> None:
        text = "pipeline: {name: orders, deployment_stage: Deploy}"
        stage = parse_stage(ORDERS, "production", STAGE + text)
        assert isinstance(stage, Stage)
        assert stage.pipeline == Pipeline("orders", "Deploy")

        text = "pipeline: {name: o, pre_deployment_stage: P, deployment_stage: D, start: true, source_action: S}"
        stage = parse_stage(ORDERS, "production", STAGE + text)
        assert isinstance(stage, Stage)
        assert stage.pipeline == Pipeline("o", "D", "P", start=True, source_action="S")

    def test_defaults_fill_in_whole_keys(self) -> None:
        application = parse_application(
            "orders",
            f"{{stages: [test], defaults: {{service_role: '{ROLE}', stacks: {{a: {{name: a}}}}, restore: never,"
            " approval: {required: true, expires_after_days: 2}}}",
        )
        assert isinstance(application, Application)
        stage = parse_stage(application, "test", "{approval: {required: true}, stacks: {b: {name: b}}}")

        assert isinstance(stage, Stage)
        assert (stage.service_role, stage.restore) == (ROLE, "never")
        assert stage.approval == Approval(True, 7)
        assert set(stage.stacks) == {"b"}

    def test_what_defaults_do_not_fill_in_is_missing(self) -> None:
        assert refusal(parse_stage, ORDERS, "test", "{}") == [
            "stage orders/test: service_role: missing",
            "stage orders/test: stacks: missing",
        ]

    def test_a_stage_the_application_does_not_have(self) -> None:
        assert refusal(parse_stage, ORDERS, "staging", STAGE) == [
            "stage orders/staging: not one of the application's stages (test, production)"
        ]

    @pytest.mark.parametrize(
        ("text", "problems"),
        {
            "service_role: orders": [
                "service_role: expected the ARN of an IAM role for CloudFormation, found 'orders'"
            ],
            "service_role: arn:aws:iam::123456789012:user/x": [
                "service_role: expected the ARN of an IAM role for CloudFormation, found"
                " 'arn:aws:iam::123456789012:user/x'"
            ],
            "stacks: {}": ["stacks: expected at least one stack, found a mapping"],
            "stacks: [network]": ["stacks: expected a mapping of the stacks a release may deploy, found a list"],
            "stacks: {a: {name: x}, b: {name: x}}": [
                "stacks.b.name: the stack 'a' has this name too; each needs one of its own"
            ],
            "stacks: {a: {name: a_b}}": ["stacks.a.name: expected the name of a CloudFormation stack, found 'a_b'"],
            "stacks: {a/b: {name: a}}": [
                "stacks.'a/b': expected a name of at most 40 letters, digits and hyphens that begins with a letter"
            ],
            "stacks: {a: {name: a, parameters: {X: {}}, parameter_precedence: op, capabilities: CAPABILITY_IAM}}": [
                "stacks.a.parameters.X.table: missing",
                "stacks.a.parameters.X.key: missing",
                "stacks.a.parameters.X.attribute: missing",
                "stacks.a.parameter_precedence: expected one of registration, release, found 'op'",
                "stacks.a.capabilities: expected a list, each one of CAPABILITY_IAM, CAPABILITY_NAMED_IAM,"
                " CAPABILITY_AUTO_EXPAND, found 'CAPABILITY_IAM'",
            ],
            "ephemeral: 'true'": ["ephemeral: expected true or false, found 'true'"],
            "approval: {required: 1, expires_after_days: 0.5}": [
                "approval.required: expected true or false, found the number 1",
                "approval.expires_after_days: expected a whole number from 1 to 90, found the number 0.5",
            ],
            "approval: {four_eyes: true, skip_unchanged: true}": [
                "approval.four_eyes: expected required: true with it, because otherwise there is no approval",
                "approval.skip_unchanged: expected required: true with it, because otherwise there is no approval",
            ],
            "approval: {expires_after_days: 91}": [
                "approval.expires_after_days: expected a whole number from 1 to 90, found the number 91"
            ],
            "trusted_networks: [10.1.2.3/8, 10.0.0.0/33, office, 7, 0.0.0.0/0, '::/0']": [
                *(
                    f"trusted_networks[{index}]: expected a network such as 10.0.0.0/8 or 2001:db8::/32, with no bits"
                    f" set behind its prefix, found {found}"
                    for index, found in enumerate(["'10.1.2.3/8'", "'10.0.0.0/33'", "'office'", "the number 7"])
                ),
                "trusted_networks[4]: 0.0.0.0/0 is the whole world, which cannot be trusted",
                "trusted_networks[5]: ::/0 is the whole world, which cannot be trusted",
            ],
            "databases: [{instance: a-, cluster: b}, {}, {instance: db}, {instance: DB}, {instance: a--b}, db]": [
                "databases[0]: expected either instance or cluster",
                "databases[1]: expected either instance or cluster",
                "databases[3]: duplicate instance 'db'",
                "databases[4].instance: expected the identifier of an RDS instance, found 'a--b'",
                "databases[5]: expected a mapping with instance, cluster, executor, database, user, secret, copy, "
                "found 'db'",
            ],
            f"databases: [{{instance: a, executor: f, user: 1}}, {{instance: b, executor: '{FOREIGN}', database: x}}, "
            "{instance: c, database: x, secret: y}]\nforecast: guess": [
                "databases[0].executor: expected the ARN of a Lambda function, found 'f'",
                "databases[0]: expected database with executor: the name of the database in the instance or cluster",
                "databases[1].executor: expected a function of the stage's account 123456789012, found one of another",
                "databases[2]: database, secret: only for an executor; register executor too, or leave it out",
                "forecast: expected one of none, model, copy, found 'guess'",
            ],
            f"databases: [{{instance: a, executor: '{CHANGES}', database: x, secret: y}}]\n"
            "pipeline: {name: orders, deployment_stage: Deploy, start: true}": [
                "databases[0].executor: a stage that a pipeline is started for has its databases changed there: leave "
                "executor out",
                "databases[0].secret: expected the ARN of a secret of Secrets Manager, found 'y'",
            ],
            f"databases: [{{instance: a, executor: '{CHANGES}', database: x}}, "
            f"{{instance: b, executor: '{CHANGES}', database: y, copy: {{security_groups: [], parameter_group: 1-}}}}, "
            f"{{instance: c, executor: '{CHANGES}', database: z, copy: {{security_groups: [default, sg-01234567]}}}}, "
            "{instance: d, copy: {security_groups: [sg-01234567]}}]\nforecast: copy": [
                "databases[0]: expected copy with it, because forecast is copy: the security groups that the copy has",
                "databases[1].copy.security_groups: expected at least one security group, which lets the executor in "
                "and nothing out, found a list",
                "databases[1].copy.parameter_group: expected the name of a parameter group, found '1-'",
                "databases[2].copy.security_groups[0]: expected the id of a security group, found 'default'",
                "databases[3]: copy: only for an executor; register executor too, or leave it out",
            ],
            "services: [{cluster: a b, service: x}, {service: x}]": [
                "services[0].cluster: expected the name of an ECS cluster, found 'a b'",
                "services[1].cluster: missing",
            ],
            "alarms: [a, b, c, d, e, f]": ["alarms: expected at most 5 alarms, found 6"],
            "alarms: [a, a]": ["alarms[1]: duplicate 'a'"],
            "restore: always": ["restore: expected one of never, approval, automatic, found 'always'"],
            "verify: {function: verify-orders, bake_minutes: 181, monitoring_minutes: 1.5}": [
                "verify.function: expected the ARN of a Lambda function, found 'verify-orders'",
                "verify.bake_minutes: expected a number from 0 to 180, found the number 181",
                "verify.monitoring_minutes: expected a whole number from 0 to 180, found the number 1.5",
            ],
            "recover_foreign: on": ["recover_foreign: expected true or false, found 'on'"],
            "regions: [eu-central-1, Frankfurt, eu-central-1]": [
                "regions[1]: expected the name of an AWS region, found 'Frankfurt'",
                "regions[2]: duplicate 'eu-central-1'",
            ],
            "regions: [eu-central-1]\nephemeral: true": [
                "regions: in an ephemeral stage each release has its own stacks, in Belay's own region only"
            ],
            "macros: [a b]": ["macros[0]: expected the name of a CloudFormation macro, found 'a b'"],
            "policies: [a]": ["policies: expected a mapping, found a list"],
            "pipeline: {name: a b, start: yes!}": [
                "pipeline.deployment_stage: missing",
                "pipeline.name: expected the name of a CodePipeline pipeline, found 'a b'",
                "pipeline.start: expected true or false, found 'yes!'",
            ],
            "pipeline: {name: a, deployment_stage: Deploy, pre_deployment_stage: Deploy, source_action: ''}": [
                "pipeline.source_action: expected the name of a CodePipeline action, found ''",
                "pipeline.pre_deployment_stage: expected a stage before the deployment stage, found the same",
            ],
            "pipeline: {name: a, deployment_stage: b, start: true}\nephemeral: true\napproval: {required: true}": [
                "pipeline: in an ephemeral stage each release has its own stacks, which no pipeline can deploy",
                "pipeline: a stage that a pipeline is started for is approved in the pipeline: leave approval out",
            ],
            "account: 123456789012": ["account: expected region too; a stage without both is in Belay's own"],
            "belay_roles: {}": [
                f"belay_roles: expected {name} too; a stage without both is in Belay's own"
                for name in ("account", "region")
            ],
            "account: me\nregion: Frankfurt": [
                "account: expected the id of an AWS account, 12 digits, found 'me'",
                "region: expected the name of an AWS region, found 'Frankfurt'",
            ],
            "account: 999999999999\nregion: eu-central-1": [
                "service_role: expected a role of the stage's account 999999999999, found one of 123456789012"
            ],
            f"""account: 123456789012
region: eu-central-1
belay_roles: {{look: {ROLE}, deploy: arn:aws:iam::999999999999:role/belay-deploy, clean: x}}""": [
                "belay_roles.clean: expected the ARN of an IAM role, found 'x'",
                f"belay_roles.look: expected a role whose name ends in belay-look, found {ROLE}",
                "belay_roles: deploy: expected a role of the stage's account 123456789012, found"
                " arn:aws:iam::999999999999:role/belay-deploy",
            ],
            f"""account: 123456789012
region: eu-central-1
verify: {{function: {VERIFY}}}
databases: [{{instance: orders-db, executor: {CHANGES}, database: orders}}]""": [
                "verify.function: expected a function of the stage's account 123456789012, region eu-central-1",
                "databases[0].executor: expected a function of the stage's account 123456789012, region eu-central-1",
            ],
            "stacks: {a: {name: a, parameters: {X: {table: t, key: {}, attribute: DbPassword}, ReleaseBucket: {"
            "table: tab, key: {A: 1, B: [b], C: c}, attribute: V}}}}": [
                "stacks.a.parameters.ReleaseBucket: Belay sets this parameter itself where the template declares it;"
                " leave it out",
                "stacks.a.parameters.X.key: expected the item's whole key, one or two attributes, found 0",
                "stacks.a.parameters.X.attribute: a table's values are no secrets: name a secret by a dynamic reference"
                " to Secrets Manager",
                "stacks.a.parameters.X.table: expected the name of a DynamoDB table, found 't'",
                "stacks.a.parameters.ReleaseBucket.key: expected the item's whole key, one or two attributes, found 3",
                "stacks.a.parameters.ReleaseBucket.key.B: expected a text, found a list",
            ],
            "vault: {account: 123456789012, region: eu-west-1}": [
                "vault.account: expected another account than the stage's: it is for the case that this one is lost",
                "vault: the stage has no databases: nothing would be copied",
            ],
            """vault: {account: 999999999999, region: eu-west-1, keep: 0, key: arn:aws:kms:eu-west-2:999999999999:key/1}
databases: [{instance: orders-db}]
ephemeral: true
pipeline: {name: a, deployment_stage: b}""": [
                "pipeline: in an ephemeral stage each release has its own stacks, which no pipeline can deploy",
                "vault.keep: expected a whole number from 1 to 80, found the number 0",
                "vault.key: expected a key of the vault in account 999999999999, region eu-west-1",
                "vault: an ephemeral stage has no data to keep",
            ],
            "databases: [{instance: orders-db}]\nvault: {account: me, region: Frankfurt, key: mine}": [
                "vault.account: expected the id of an AWS account, 12 digits, found 'me'",
                "vault.region: expected the name of an AWS region, found 'Frankfurt'",
                "vault.key: expected a KMS key of the vault: alias/... or an ARN, found 'mine'",
            ],
            "pipeline: {name: a, deployment_stage: b, start: true}\nfreezes: []": [
                "pipeline: a stage that a pipeline is started for is held there: leave windows and freezes out",
            ],
        }.items(),
    )
    def test_what_is_wrong(self, text: str, problems: list[str]) -> None:
        key = text.partition(":")[0]
        others = "\n".join(line for line in STAGE.splitlines() if not line.startswith(f"{key}:"))

        found = refusal(parse_stage, ORDERS, "test", f"{others}\n{text}")

        assert found == [f"stage orders/test: {problem}" for problem in problems]

    def test_a_parameter_may_stand_in_a_table(self) -> None:
        where = "{table: parameters, key: {Owner: payments/production, Item: 7}, attribute: Version}"
        stacks = f"stacks: {{a: {{name: a, parameters: {{Size: 2, X: {where}}}}}}}"
        stage = parse_stage(ORDERS, "test", f"service_role: {ROLE}\n{stacks}")
        assert isinstance(stage, Stage)
        registered = stage.stacks["a"]
        attribute = TableAttribute("parameters", {"Owner": "payments/production", "Item": "7"}, "Version")
        assert (registered.parameters, registered.from_tables) == ({"Size": "2"}, {"X": attribute})
        assert registered.values == {"Size": "2", "X": READ_LATER}
        read = replace(registered, from_tables={"X": attribute.read_as("7", None)})
        assert read.values == {"Size": "2", "X": "7"}

    def test_a_pipeline_s_parameters_stand_in_no_table(self) -> None:
        stacks = "stacks: {a: {name: a, parameters: {X: {table: tab, key: {A: a}, attribute: V}}}}"
        pipeline = "pipeline: {name: a, deployment_stage: b, start: true}"
        assert refusal(parse_stage, ORDERS, "test", f"service_role: {ROLE}\n{stacks}\n{pipeline}") == [
            "stage orders/test: pipeline: a stage that a pipeline is started for gets its parameters there: leave those"
            " of tables out"
        ]

    @given(st.text())
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        assert refusal(parse_stage, ORDERS, "test", text)

    def test_an_ephemeral_stage_has_stacks_of_its_own_for_each_release(self) -> None:
        stage = parse_stage(ORDERS, "test", STAGE + "ephemeral: true")
        assert isinstance(stage, Stage)
        names = {stage.stack_name("network", *each) for each in [("1.0.0", "x"), ("1.0.0", "y"), ("1.0.1", "x")]}

        assert len(names) == 3
        assert all(name.startswith("orders-network-1-0-") for name in names)
        assert replace(stage, ephemeral=False).stack_name("network", "1.0.0", "x") == "orders-network"


class TestPointer:
    S3: ClassVar = {
        "bucket": "operators",
        "key": "belay/orders.yaml",
        "version_id": "3sL4kqtJlcpXro",
        "sha256": "a" * 64,
    }

    def test_a_document_elsewhere(self) -> None:
        pointer = Pointer("operators", "belay/orders.yaml", "3sL4kqtJlcpXro", "a" * 64)

        assert parse_application("orders", json.dumps({"s3": self.S3})) == pointer
        assert parse_stage(ORDERS, "test", json.dumps({"s3": self.S3})) == pointer

    def test_what_is_wrong(self) -> None:
        s3 = {"bucket": "Operators", "key": "", "sha256": "A" * 64, "region": "eu-west-1"}

        assert refusal(parse_stage, ORDERS, "test", json.dumps({"s3": s3, "stacks": {}})) == [
            f"stage orders/test: {problem}"
            for problem in [
                "stacks: unknown key; known are s3",
                "s3.region: unknown key; known are bucket, key, version_id, sha256",
                "s3.version_id: missing",
                "s3.bucket: expected the name of an S3 bucket, found 'Operators'",
                "s3.key: expected the key of an S3 object, found ''",
                f"s3.sha256: expected a SHA-256 of 64 lower-case hexadecimal digits, found '{'A' * 64}'",
            ]
        ]


def release(*stacks: ManifestStack, application: str = "orders") -> Manifest:
    return Manifest(application, Version(1, 0, 0), "", False, stacks, None, {})


def stack(name: str, *capabilities: str, **parameters: str) -> ManifestStack:
    return ManifestStack(name, f"templates/{name}.yaml", parameters, capabilities, ())


def stage(name: str, *capabilities: str, macros: tuple[str, ...] = ()) -> Stage:
    stacks = {"network": RegisteredStack(f"orders-{name}-network", capabilities=capabilities)}
    return Stage("orders", name, ROLE, stacks, macros=macros)


class TestAdmit:
    @pytest.mark.parametrize("capability", ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"])
    def test_what_is_registered(self, capability: str) -> None:
        manifest = release(stack("network", capability))
        transforms = {"templates/network.yaml": [*DEFAULT_TRANSFORMS, "Naming"]}

        admit(manifest, ORDERS, [stage("test", capability, macros=("Naming",))], transforms)

    def test_named_iam_includes_iam(self) -> None:
        admit(release(stack("network", "CAPABILITY_IAM")), ORDERS, [stage("test", "CAPABILITY_NAMED_IAM")], {})

    def test_iam_does_not_include_named_iam(self) -> None:
        manifest = release(stack("network", "CAPABILITY_NAMED_IAM"))

        assert refusal(admit, manifest, ORDERS, [stage("test", "CAPABILITY_IAM")], {}) == [
            "stacks.network: stage test does not allow CAPABILITY_NAMED_IAM"
        ]

    def test_everything_that_is_not_registered_is_told_at_once(self) -> None:
        manifest = release(stack("network", "CAPABILITY_IAM"), stack("service"), application="shop")
        transforms = {"b.yaml": ["AWS::Include", "Naming"], "a.yaml": ["Naming", "Naming", "AWS::LanguageExtensions"]}
        stages = [stage("test", "CAPABILITY_IAM", macros=("AWS::Include",)), stage("production")]

        assert refusal(admit, manifest, ORDERS, stages, transforms) == [
            "it was uploaded for 'orders', but says it is 'shop'",
            "stacks.service: not registered in stage test; registered are network",
            "a.yaml: stage test does not allow the transform 'Naming'",
            "b.yaml: stage test does not allow the transform 'Naming'",
            "stacks.network: stage production does not allow CAPABILITY_IAM",
            "stacks.service: not registered in stage production; registered are network",
            "a.yaml: stage production does not allow the transform 'Naming'",
            "b.yaml: stage production does not allow the transform 'AWS::Include'",
            "b.yaml: stage production does not allow the transform 'Naming'",
        ]

    def test_two_stages_cannot_deploy_to_one_stack(self) -> None:
        stages = [replace(stage("test"), stacks=stage("production").stacks), stage("production")]

        assert refusal(admit, release(stack("network")), ORDERS, stages, {}) == [
            "application orders: production: stacks.network.name: stage test has the stack 'orders-production-network'"
            " too; each needs one of its own"
        ]

    def test_approvals_that_would_outlast_the_execution_are_refused_with_the_sum(self) -> None:
        waves = (("test",), ("eu", "us"), ("asia",), ("late",))
        application = Application("orders", waves, None, {})
        asks = Approval(required=True, expires_after_days=90)
        stages = [
            stage("test"),
            replace(stage("eu"), approval=Approval(required=True, expires_after_days=1)),
            *(replace(stage(name), approval=asks) for name in ("us", "asia", "late")),
        ]
        admit(release(stack("network")), application, stages, {})

        stages[0] = replace(stages[0], approval=Approval(required=True, expires_after_days=3))
        assert refusal(admit, release(stack("network")), application, stages, {}) == [
            "application orders: approval.expires_after_days: expected approvals that wait at most 270 days one after "
            "another, found 273 (test 3 + eu and us 90 + asia 90 + late 90): Step Functions ends an execution after "
            "365 days, of which 50 are for the work in a stage and 42 for the recoveries of a wave"
        ]

    def test_an_ephemeral_stage_may_share_a_base_name(self) -> None:
        stages = [replace(stage("test"), stacks=stage("production").stacks, ephemeral=True), stage("production")]

        admit(release(stack("network")), ORDERS, stages, {})


class TestChangedDatabase:
    DATABASES: ClassVar = (Database(INSTANCE, "orders-db"), Database(CLUSTER, "crm"), Database(INSTANCE, "logs"))
    EXECUTORS: ClassVar[Mapping[str, RegisteredExecutor]] = {
        "orders-db": RegisteredExecutor(CHANGES, "orders"),
        "crm": RegisteredExecutor(CHANGES, "customers"),
    }

    def in_stage(self) -> Stage:
        return replace(stage("test"), databases=self.DATABASES, executors=self.EXECUTORS)

    def changing(self, database: str | None = None) -> Manifest:
        return replace(release(stack("network")), database=DatabaseChanges("sql", Engine.POSTGRESQL, database=database))

    def test_the_only_one_with_an_executor_needs_no_name(self) -> None:
        only = replace(self.in_stage(), executors={"crm": self.EXECUTORS["crm"]})
        admit(self.changing(), ORDERS, [only], {})
        assert changed_database(self.changing().database, only) == (self.DATABASES[1], self.EXECUTORS["crm"])

    def test_one_of_several_is_named_as_it_is_registered(self) -> None:
        admit(self.changing("orders"), ORDERS, [self.in_stage()], {})
        found = changed_database(self.changing("orders").database, self.in_stage())
        assert found == (self.DATABASES[0], self.EXECUTORS["orders-db"])

    def test_an_executor_changes_its_database_alone_and_needs_to_know_the_engine(self) -> None:
        changes = DatabaseChanges("sql", database="orders", applied_by="network")
        with pytest.raises(InvalidRelease) as refused:
            admit(replace(self.changing(), database=changes), ORDERS, [self.in_stage()], {})
        assert [problem.partition(":")[0] for problem in refused.value.problems] == [
            "database.applied_by",
            "database.engine",
        ]
        admit(replace(self.changing(), database=changes), ORDERS, [stage("test")], {})

    def test_a_stage_without_executors_changes_none(self) -> None:
        admit(self.changing("orders"), ORDERS, [stage("test")], {})
        assert changed_database(self.changing().database, stage("test")) is None
        assert changed_database(None, self.in_stage()) is None

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            (
                None,
                "database: stage test has several databases with an executor (customers, orders): name one in "
                "database.database",
            ),
            (
                "logs",
                "database.database: expected one that stage test has an executor for (customers, orders), found 'logs'",
            ),
        ],
    )
    def test_it_has_to_be_clear_which(self, name: str | None, said: str) -> None:
        assert refusal(admit, self.changing(name), ORDERS, [self.in_stage()], {}) == [said]


class TestEffectiveParameters:
    STACK = stack("network", Size="large", Image="sha256:1")
    REGISTERED = RegisteredStack("orders-network", {"Size": "small", "Cidr": "10.0.0.0/16"})

    def test_the_registration_decides(self) -> None:
        declared = {"Size", "Image", "Cidr", "Optional"}

        assert effective_parameters(self.STACK, self.REGISTERED, declared, "bucket", "releases/orders/1.0.0") == {
            "Cidr": "10.0.0.0/16",
            "Image": "sha256:1",
            "Size": "small",
        }

    def test_the_release_decides_where_it_may(self) -> None:
        registered = replace(self.REGISTERED, parameter_precedence="release")

        assert effective_parameters(
            self.STACK, registered, {"Size", "Image", "Cidr"}, "bucket", "releases/orders/1.0.0"
        ) == {
            "Cidr": "10.0.0.0/16",
            "Image": "sha256:1",
            "Size": "large",
        }

    def test_where_the_files_lie_is_told_to_who_asks(self) -> None:
        declared = ["ReleaseBucket", "ReleasePrefix"]

        assert effective_parameters(stack("network"), self.REGISTERED, declared, "bucket", "releases/orders/1.0.0") == {
            "ReleaseBucket": "bucket",
            "ReleasePrefix": "releases/orders/1.0.0",
        }
        assert effective_parameters(
            stack("network"), self.REGISTERED, ["ReleasePrefix"], "bucket", "releases/orders/1.0.0"
        ) == {"ReleasePrefix": "releases/orders/1.0.0"}

    def test_a_parameter_that_the_template_does_not_declare(self) -> None:
        assert refusal(
            effective_parameters, self.STACK, self.REGISTERED, ["Cidr"], "bucket", "releases/orders/1.0.0"
        ) == [
            "stacks.network.parameters.Size: templates/network.yaml declares no such parameter",
            "stacks.network.parameters.Image: templates/network.yaml declares no such parameter",
        ]


def test_the_secret_of_an_executor_may_be_one_that_rds_manages() -> None:
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-4de81eee-e761-4436-8e79-d51de0e7b7d2-fcf04d"
    databases = f"databases: [{{instance: a, executor: '{CHANGES}', database: x, secret: '{secret}'}}]"

    read = parse_stage(ORDERS, "production", f"{STAGE}{databases}")

    assert isinstance(read, Stage)
    assert read.executors["a"].secret == secret
