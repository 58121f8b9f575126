"""An operator's registration of an application and its stages, which decides what a release may do.

The documents are SSM parameters in YAML or JSON: ``/belay/applications/<application>`` and, for each stage,
``/belay/applications/<application>/<stage>``. A release cannot widen them.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from belay.database.copy import CopySettings
from belay.database.kind import DatabaseKind
from belay.database.kinds import KINDS
from belay.documents import AsText
from belay.errors import InvalidRegistration, InvalidRelease
from belay.release.document import Fields, Node, Problems, UnreadableDocument, join, load_document, plain, quote
from belay.release.manifest import (
    INJECTED,
    DatabaseChanges,
    Manifest,
    ManifestStack,
    read_capabilities,
    read_parameters,
)
from belay.release.names import NAME, NAME_RULE, ephemeral_stack_name, snapshot_name
from belay.release.origin import Origin
from belay.release.place import REGION, AccountRegion, StagePlace, read_place
from belay.release.table_values import TableAttribute, read_table_attributes, without_tables
from belay.release.vault import Vault, read_vault
from belay.release.waves import MOST_IN_A_WAVE, Waves, in_words, stages_of, wave_of
from belay.release.windows import ALWAYS_OPEN, Calendar, read_calendar
from belay.template.values import READ_LATER

IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Precedence: TypeAlias = Literal["registration", "release"]
Restore: TypeAlias = Literal["never", "approval", "automatic"]
Forecast: TypeAlias = Literal["none", "model", "copy"]
WaveFailure: TypeAlias = Literal["stage", "wave"]

DEFAULT_TRANSFORMS: Final = ("AWS::Serverless-2016-10-31", "AWS::LanguageExtensions")
"""Transforms that need no registration: they only rewrite the template itself. ``AWS::Include`` includes text from
elsewhere, others change how a stack is deployed: an operator allows them by name, under ``macros``."""

PUBLIC_PARAMETERS: Final = "/aws/service/"
"""AWS's public parameters need no registration
(https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html)."""
_OWN_PARAMETERS: Final = re.compile(r"(arn:.*:parameter)?/*belay(/.*)?", re.IGNORECASE)

_PRECEDENCES: Final[tuple[Precedence, ...]] = ("registration", "release")
_RESTORES: Final[tuple[Restore, ...]] = ("never", "approval", "automatic")
_FORECASTS: Final[tuple[Forecast, ...]] = ("none", "model", "copy")
_WAVE_FAILURES: Final[tuple[WaveFailure, ...]] = ("stage", "wave")

_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
_DATABASE: Final = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9]){0,62}")
_ECS_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ALARM: Final = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_FUNCTION: Final = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?"
)
_DATABASE_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_DATABASE_USER: Final = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_SECRET: Final = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]{1,519}")
_SECURITY_GROUP: Final = re.compile(r"sg-[0-9a-f]{8,17}")
_PARAMETER_GROUP: Final = re.compile(r"[A-Za-z][A-Za-z0-9.-]{0,254}")
_MACRO: Final = re.compile(r"[A-Za-z0-9:_-]{1,256}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY: Final = re.compile(r"[^\x00-\x1f\x7f]{1,1024}")
_VERSION_ID: Final = re.compile(r"[\x21-\x7e]{1,1024}")
_SSM_NAME: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,2048}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PIPELINE_NAME: Final = re.compile(r"[A-Za-z0-9.@_-]{1,100}")

_MOST_ALARMS: Final = 5
"""CloudFormation takes at most five rollback triggers:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html"""
MOST_APPROVAL_DAYS: Final = 90
MOST_WAITING_DAYS: Final = 270
MOST_WORKING_DAYS: Final = 50
MOST_RECOVERING_DAYS: Final = 42
"""How long a release may wait for people, then work in its last stage, then wait for recoveries in a wave: less than
the year after which Step Functions ends its execution (``statemachines/``).
"""
_DEFAULT_DAYS: Final = 7
_MOST_MINUTES: Final = 180
"""CloudFormation watches rollback triggers for at most three hours (same page); the bake time has the same limit."""


@dataclass(frozen=True)
class Pointer:
    """The location of a document that is too long for a parameter: one version of an S3 object, and its SHA-256."""

    bucket: str
    key: str
    version_id: str
    sha256: str


@dataclass(frozen=True)
class Application:
    """A registered application.

    ``waves`` are its stages in order, grouped if they are deployed at the same time; ``wave_failure`` says what is
    rolled back if one of several fails: that ``stage``, or its ``wave``. ``defaults`` holds stage keys, not yet parsed,
    that each stage may override.
    """

    name: str
    waves: Waves
    topic: str | None
    defaults: Mapping[str, object]
    wave_failure: WaveFailure = "stage"

    @property
    def stages(self) -> tuple[str, ...]:
        """Every stage, in order."""
        return stages_of(self.waves)


@dataclass(frozen=True)
class RegisteredStack:
    """A real stack, and what a release may do with it. Parameters are CloudFormation strings.

    ``from_tables`` are those whose values are in tables of the stage.
    """

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    parameter_precedence: Precedence = "registration"
    capabilities: tuple[str, ...] = ()
    from_tables: Mapping[str, TableAttribute] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        """Every registered parameter; ``READ_LATER`` marks values not read yet."""
        read = {name: each.value for name, each in self.from_tables.items()}
        return {**self.parameters, **{name: READ_LATER if each is None else each for name, each in read.items()}}


@dataclass(frozen=True)
class Approval:
    """Whether a person must approve a release before it changes a stage, and within how many days.

    With ``four_eyes`` the uploader cannot approve. With ``skip_unchanged`` a release that changes nothing in the stage
    needs no approval.
    """

    required: bool = False
    expires_after_days: int = _DEFAULT_DAYS
    four_eyes: bool = False
    skip_unchanged: bool = False


@dataclass(frozen=True)
class Verify:
    """How a stage is verified after a deployment and after a rollback.

    ``function`` is the ARN of a Lambda function that returns a verdict; the registered alarms are watched for
    ``bake_minutes``; CloudFormation watches them as rollback triggers for ``monitoring_minutes`` after each operation.
    """

    function: str | None = None
    bake_minutes: float = 0.0
    monitoring_minutes: int = 0


@dataclass(frozen=True)
class Database(AsText):
    """A database to take snapshots of. Its text in messages and documents is ``instance orders-db``."""

    kind: DatabaseKind
    identifier: str

    def __str__(self) -> str:
        return f"{self.kind} {self.identifier}"

    @classmethod
    def parse(cls, text: str) -> "Database":
        """Read the text. Raises ``ValueError``."""
        kind, _, identifier = text.partition(" ")
        if kind not in KINDS:
            raise ValueError(f"expected {' or '.join(KINDS)}, found {kind!r}")
        return cls(KINDS[kind], identifier)

    def snapshot_name(self, origin: Origin, stage: str) -> str:
        """Name the snapshot that is taken before something is deployed to the stage."""
        longest = self.kind.longest_snapshot_name
        return snapshot_name(longest, origin.application, stage, origin.name, self.identifier, origin.attempt)


@dataclass(frozen=True)
class RegisteredExecutor:
    """The operator's Lambda function that changes a database (docs/database-executors.md), by its ARN.

    ``database`` is the name of the database in the instance or cluster. The function, never Belay, logs in with
    ``user`` and ``secret``, the ARN of a secret; its own settings apply if these are empty. ``copy`` says how a copy
    for a forecast is made.
    """

    function: str
    database: str
    user: str = ""
    secret: str = ""
    copy: CopySettings = field(default_factory=CopySettings)


@dataclass(frozen=True)
class Service:
    """An ECS service."""

    cluster: str
    service: str

    @property
    def name(self) -> str:
        """Its name in plans and messages: ``orders/api``."""
        return f"{self.cluster}/{self.service}"


@dataclass(frozen=True)
class Pipeline:
    """The CodePipeline pipeline that deploys a stage's stacks, in its ``deployment_stage``.

    If ``start`` is set, a release is deployed to the stage by starting it with the uploaded zip as the revision of its
    source action; otherwise Belay only watches it. The stage is prepared on entering ``pre_deployment_stage``: its
    databases' snapshots are taken and its stacks captured.
    """

    name: str
    deployment_stage: str
    pre_deployment_stage: str | None = None
    start: bool = False
    source_action: str | None = None


@dataclass(frozen=True)
class Stage:
    """A registered stage. ``stacks`` maps the name a release uses to the real stack.

    ``executors`` are those of its databases, by identifier. ``regions`` are further regions with stacks of the same
    names, used only by validation. ``place`` is None in Belay's own account and region. ``vault`` is where copies of
    its snapshots are kept.
    """

    application: str
    name: str
    service_role: str
    stacks: Mapping[str, RegisteredStack]
    ephemeral: bool = False
    approval: Approval = Approval()
    trusted_networks: tuple[IpNetwork, ...] = ()
    databases: tuple[Database, ...] = ()
    executors: Mapping[str, RegisteredExecutor] = field(default_factory=dict)
    forecast: Forecast = "none"
    services: tuple[Service, ...] = ()
    alarms: tuple[str, ...] = ()
    verify: Verify = Verify()
    require_rollback_ready: bool = False
    restore: Restore = "approval"
    recover_foreign: bool = False
    macros: tuple[str, ...] = ()
    policies: Mapping[str, object] = field(default_factory=dict)
    pipeline: Pipeline | None = None
    calendar: Calendar = ALWAYS_OPEN
    ssm_parameters: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    place: StagePlace | None = None
    vault: Vault | None = None

    @property
    def account(self) -> str:
        """The account of its stacks: CloudFormation accepts only service roles of the same account."""
        return self.service_role.split(":")[4]

    @property
    def at_home(self) -> bool:
        """Whether it is in Belay's own account and region. As it is registered, it may also name these as its place:
        ``Aws.elsewhere`` knows that.
        """
        return self.place is None

    def region(self, home: str) -> str:
        """Return the region of its stacks; ``home`` is Belay's own."""
        return home if self.place is None else self.place.region

    def where(self, home: str) -> AccountRegion:
        """Return the account and region of its stacks; ``home`` is Belay's own region."""
        return AccountRegion(self.service_role.split(":")[1], self.account, self.region(home))

    @property
    def runs_pipeline(self) -> bool:
        """Whether a release is deployed by the stage's pipeline instead of by change sets."""
        return self.pipeline is not None and self.pipeline.start

    def required_pipeline(self) -> Pipeline:
        """Return the stage's pipeline. Raises ``InvalidRegistration`` if it has none."""
        if self.pipeline is None:
            raise InvalidRegistration([f"{self.application}/{self.name} has no pipeline registered"])
        return self.pipeline

    def pipeline_arn(self, home: str) -> str:
        """Return the ARN of the stage's pipeline; ``home`` is Belay's own region. Raises ``InvalidRegistration``."""
        return self.where(home).arn("codepipeline", self.required_pipeline().name)

    def stack_name(self, stack: str, version: str, unique: str) -> str:
        """Return the real name of a registered stack: in an ephemeral stage each release has its own."""
        registered = self.stacks[stack].name
        return ephemeral_stack_name(registered, version, unique) if self.ephemeral else registered


_REQUIRED: Final = ("service_role", "stacks")
_OPTIONAL: Final = (
    *("ephemeral", "approval", "trusted_networks", "databases", "forecast", "services", "alarms"),
    *("verify", "require_rollback_ready", "restore", "recover_foreign", "macros", "policies"),
    *("pipeline", "timezone", "windows", "freezes", "regions", "ssm_parameters"),
    *("account", "region", "belay_roles", "vault"),
)


def parse_application(name: str, text: str) -> Application | Pointer:
    """Read an application's registration, or the pointer to it.

    Raises InvalidRegistration with every problem found, each with its path in the document.
    """
    document = f"application {name}"
    value = _load(document, text)
    problems = Problems()
    node = Node(value, "", problems)
    read = _pointer(node) if _is_pointer(value) else _application(name, node)
    problems.raise_as(InvalidRegistration, document)
    return read


def parse_stage(application: Application, name: str, text: str) -> Stage | Pointer:
    """Read a stage's registration, or the pointer to it.

    A key that the stage omits takes the application's default as a whole. Raises InvalidRegistration with every problem
    found, each with its path in the document.
    """
    document = f"stage {application.name}/{name}"
    value = _load(document, text)
    problems = Problems()
    if name not in application.stages:
        problems.add("", f"not one of the application's stages ({', '.join(application.stages)})")
    if _is_pointer(value):
        read: Stage | Pointer = _pointer(Node(value, "", problems))
    else:
        merged = {**application.defaults, **value} if isinstance(value, dict) else value
        fields = Node(merged, "", problems).fields(_REQUIRED, _OPTIONAL)
        read = _stage(application.name, name, fields)
        if read.runs_pipeline and application.wave_failure == "wave" and len(wave_of(application.waves, name)) > 1:
            fields["pipeline"].note(
                "wave_failure: wave rolls a deployed stage back with its wave, and what a pipeline deployed is not "
                "rolled back by Belay afterwards: register wave_failure: stage, or give the stage its own wave"
            )
    problems.raise_as(InvalidRegistration, document)
    return read


def _load(document: str, text: str) -> object:
    try:
        return load_document(text)
    except UnreadableDocument as error:
        raise InvalidRegistration([f"{document}: {error}"]) from error


def _is_pointer(value: object) -> bool:
    return isinstance(value, dict) and "s3" in value


def _pointer(node: Node) -> Pointer:
    fields = node.fields(["s3"])["s3"].fields(["bucket", "key", "version_id", "sha256"])
    return Pointer(
        bucket=fields["bucket"].text(_BUCKET, "the name of an S3 bucket"),
        key=fields["key"].text(_KEY, "the key of an S3 object"),
        version_id=fields["version_id"].text(_VERSION_ID, "the version id of an S3 object"),
        sha256=fields["sha256"].text(_SHA256, "a SHA-256 of 64 lower-case hexadecimal digits"),
    )


def _application(name: str, node: Node) -> Application:
    fields = node.fields(["stages"], ["topic", "defaults", "wave_failure"])
    if not NAME.fullmatch(name):
        node.note(f"expected {NAME_RULE}, found {quote(name)}")
    # Read here only to find problems: each stage is read from its own keys merged with these.
    _stage(name, "", fields["defaults"].fields((), (*_REQUIRED, *_OPTIONAL)))
    topic, defaults = fields["topic"], fields["defaults"].value
    return Application(
        name=name,
        waves=_waves(fields["stages"]),
        topic=topic.text(_TOPIC, "the ARN of an SNS topic") if topic.present else None,
        defaults=defaults if isinstance(defaults, dict) else {},
        wave_failure=fields["wave_failure"].one_of(_WAVE_FAILURES, "stage"),
    )


def _waves(node: Node) -> Waves:
    """Read the stages in order: a stage's name, or a list of those that are deployed at the same time."""
    waves: list[tuple[str, ...]] = []
    for item in node.items(f"a list of stages, each {NAME_RULE}, or of lists of those that are deployed together"):
        wave = item.texts(NAME, NAME_RULE) if isinstance(item.value, list) else (item.text(NAME, NAME_RULE),)
        if not 1 <= len(wave) <= MOST_IN_A_WAVE:
            item.note(f"expected 1 to {MOST_IN_A_WAVE} stages, found {len(wave)}")
        for again in sorted({*wave} & {*stages_of(tuple(waves))} - {""}):
            item.note(f"duplicate {quote(again)}")
        waves.append(wave)
    if node.value == []:
        node.wrong("at least one stage")
    return tuple(waves)


def _stage(application: str, name: str, fields: Fields) -> Stage:
    databases, executors = _databases(fields)
    stacks = _stacks(fields["stacks"])
    place = read_place(fields, whole=bool(name))
    if place is not None:
        _refuse_elsewhere(fields, place)
    return Stage(
        application=application,
        name=name,
        service_role=fields["service_role"].text(_ROLE, "the ARN of an IAM role for CloudFormation"),
        stacks=stacks,
        ephemeral=fields["ephemeral"].boolean(),
        approval=_approval(fields["approval"]),
        trusted_networks=tuple(network for item in fields["trusted_networks"].items() for network in _network(item)),
        databases=databases,
        executors=executors,
        forecast=fields["forecast"].one_of(_FORECASTS, "none"),
        services=tuple(_service(item) for item in fields["services"].items()),
        alarms=_alarms(fields["alarms"]),
        verify=_verify(fields["verify"]),
        require_rollback_ready=fields["require_rollback_ready"].boolean(),
        restore=fields["restore"].one_of(_RESTORES, "approval"),
        recover_foreign=fields["recover_foreign"].boolean(),
        macros=fields["macros"].texts(_MACRO, "the name of a CloudFormation macro"),
        policies={key: plain(node.value) for key, node in fields["policies"].entries().items()},
        pipeline=_pipeline(fields, stacks),
        calendar=read_calendar(fields),
        regions=_regions(fields),
        ssm_parameters=fields["ssm_parameters"].texts(_SSM_NAME, "an SSM parameter's name, or a prefix that ends in /"),
        place=place,
        vault=read_vault(fields, whole=bool(name)),
    )


def _refuse_elsewhere(stage: Fields, place: StagePlace) -> None:
    """Note what a stage in another account or region must not have, because it would be looked up at home."""
    role = stage["service_role"]
    if isinstance(role.value, str) and _ROLE.fullmatch(role.value) and role.value.split(":")[4] != place.account:
        role.note(f"expected a role of the stage's account {place.account}, found one of {role.value.split(':')[4]}")
    verify = stage["verify"].value
    if isinstance(verify, dict) and isinstance(verify.get("function"), str) and not place.holds(verify["function"]):
        stage["verify"].entries()["function"].note(f"expected a function of the stage's {place}")
    databases = stage["databases"].value
    for item in stage["databases"].items() if isinstance(databases, list) else ():
        executor = item.entries().get("executor") if isinstance(item.value, dict) else None
        if executor is not None and isinstance(executor.value, str) and not place.holds(executor.value):
            executor.note(f"expected a function of the stage's {place}")


def _regions(stage: Fields) -> tuple[str, ...]:
    node = stage["regions"]
    regions = node.texts(REGION, "the name of an AWS region")
    if regions and stage["ephemeral"].value is True:
        node.note("in an ephemeral stage each release has its own stacks, in Belay's own region only")
    return regions


def _pipeline(stage: Fields, stacks: Mapping[str, RegisteredStack]) -> Pipeline | None:
    node = stage["pipeline"]
    if not node.present:
        return None
    fields = node.fields(["name", "deployment_stage"], ["pre_deployment_stage", "start", "source_action"])
    before, source = fields["pre_deployment_stage"], fields["source_action"]
    pipeline = Pipeline(
        name=fields["name"].text(_PIPELINE_NAME, "the name of a CodePipeline pipeline"),
        deployment_stage=fields["deployment_stage"].text(_PIPELINE_NAME, "the name of a CodePipeline stage"),
        pre_deployment_stage=before.text(_PIPELINE_NAME, "the name of a CodePipeline stage")
        if before.present
        else None,
        start=fields["start"].boolean(),
        source_action=source.text(_PIPELINE_NAME, "the name of a CodePipeline action") if source.present else None,
    )
    if pipeline.deployment_stage and pipeline.pre_deployment_stage == pipeline.deployment_stage:
        before.note("expected a stage before the deployment stage, found the same")
    if stage["ephemeral"].value is True:
        node.note("in an ephemeral stage each release has its own stacks, which no pipeline can deploy")
    approval = stage["approval"].value
    if pipeline.start and isinstance(approval, dict) and approval.get("required") is True:
        node.note("a stage that a pipeline is started for is approved in the pipeline: leave approval out")
    if pipeline.start and any(each.from_tables for each in stacks.values()):
        node.note("a stage that a pipeline is started for gets its parameters there: leave those of tables out")
    if pipeline.start and (stage["windows"].present or stage["freezes"].present):
        node.note("a stage that a pipeline is started for is held there: leave windows and freezes out")
    return pipeline


def _stacks(node: Node) -> dict[str, RegisteredStack]:
    stacks: dict[str, RegisteredStack] = {}
    taken: dict[str, str] = {}
    if node.value == {}:
        node.wrong("at least one stack")
    for name, entry in node.entries("a mapping of the stacks a release may deploy").items():
        if not NAME.fullmatch(name):
            entry.note(f"expected {NAME_RULE}")
        fields = entry.fields(["name"], ["parameters", "parameter_precedence", "capabilities"])
        stacks[name] = RegisteredStack(
            name=fields["name"].text(_STACK_NAME, "the name of a CloudFormation stack"),
            parameters=read_parameters(without_tables(fields["parameters"])),
            from_tables=read_table_attributes(fields["parameters"]),
            parameter_precedence=fields["parameter_precedence"].one_of(_PRECEDENCES, "registration"),
            capabilities=read_capabilities(fields["capabilities"]),
        )
        first = taken.setdefault(stacks[name].name, name)
        if stacks[name].name and first != name:
            fields["name"].note(f"the stack {quote(first)} has this name too; each needs one of its own")
    return stacks


def _approval(node: Node) -> Approval:
    fields = node.fields([], ["required", "expires_after_days", "four_eyes", "skip_unchanged"])
    approval = Approval(
        required=fields["required"].boolean(),
        expires_after_days=fields["expires_after_days"].integer(1, MOST_APPROVAL_DAYS, _DEFAULT_DAYS),
        four_eyes=fields["four_eyes"].boolean(),
        skip_unchanged=fields["skip_unchanged"].boolean(),
    )
    for name in ("four_eyes", "skip_unchanged"):
        if fields[name].present and fields[name].value is True and not approval.required:
            fields[name].note("expected required: true with it, because otherwise there is no approval")
    return approval


def _network(node: Node) -> list[IpNetwork]:
    try:
        network = ipaddress.ip_network(node.value if isinstance(node.value, str) else "")
    except ValueError:
        node.wrong("a network such as 10.0.0.0/8 or 2001:db8::/32, with no bits set behind its prefix")
        return []
    if network.prefixlen == 0:
        node.note(f"{network} is the whole world, which cannot be trusted")
    return [network]


_OF_EXECUTOR: Final = ("database", "user", "secret", "copy")


def _databases(stage: Fields) -> tuple[tuple[Database, ...], dict[str, RegisteredExecutor]]:
    databases: list[Database] = []
    executors: dict[str, RegisteredExecutor] = {}
    for item in stage["databases"].items():
        fields = item.fields([], [*KINDS, "executor", *_OF_EXECUTOR])
        database = _database(fields)
        if database.identifier and database in databases:
            item.note(f"duplicate {database.kind} {quote(database.identifier)}")
        databases.append(database)
        if fields["executor"].present:
            executors[database.identifier] = _executor(fields, stage)
        elif given := [name for name in _OF_EXECUTOR if fields[name].present]:
            item.note(f"{', '.join(given)}: only for an executor; register executor too, or leave it out")
    return tuple(databases), executors


def _database(fields: Fields) -> Database:
    present = [name for name in KINDS if fields[name].present]
    if isinstance(fields.owner.value, dict) and len(present) != 1:
        fields.owner.note(f"expected either {' or '.join(KINDS)}")
    name = present[-1] if present else next(iter(KINDS))
    return Database(KINDS[name], fields[name].text(_DATABASE, f"the identifier of an RDS {name}").lower())


def _executor(fields: Fields, stage: Fields) -> RegisteredExecutor:
    """Read a database's executor: it must be in the stage's account, within Belay's reach."""
    function, user, secret = fields["executor"], fields["user"], fields["secret"]
    arn, role = function.text(_FUNCTION, "the ARN of a Lambda function"), stage["service_role"].value
    if arn and isinstance(role, str) and _ROLE.fullmatch(role) and arn.split(":")[4] != role.split(":")[4]:
        function.note(f"expected a function of the stage's account {role.split(':')[4]}, found one of another")
    pipeline = stage["pipeline"].value
    if isinstance(pipeline, dict) and pipeline.get("start") is True:
        function.note("a stage that a pipeline is started for has its databases changed there: leave executor out")
    if not fields["database"].present:
        fields.owner.note("expected database with executor: the name of the database in the instance or cluster")
    if stage["forecast"].value == "copy" and not fields["copy"].present:
        fields.owner.note("expected copy with it, because forecast is copy: the security groups that the copy has")
    return RegisteredExecutor(
        function=arn,
        database=fields["database"].text(_DATABASE_NAME, "the name of a database"),
        user=user.text(_DATABASE_USER, "the name of a user"),
        secret=secret.text(_SECRET, "the ARN of a secret of Secrets Manager"),
        copy=_copy(fields["copy"]),
    )


def _copy(node: Node) -> CopySettings:
    if not node.present:
        return CopySettings()
    fields = node.fields(["security_groups"], ["parameter_group", "cluster_parameter_group"])
    groups, named = fields["security_groups"], "the name of a parameter group"
    if groups.value == []:
        groups.wrong("at least one security group, which lets the executor in and nothing out")
    return CopySettings(
        security_groups=groups.texts(_SECURITY_GROUP, "the id of a security group"),
        parameter_group=fields["parameter_group"].text(_PARAMETER_GROUP, named) or None,
        cluster_parameter_group=fields["cluster_parameter_group"].text(_PARAMETER_GROUP, named) or None,
    )


def _service(node: Node) -> Service:
    fields = node.fields(["cluster", "service"])
    return Service(
        cluster=fields["cluster"].text(_ECS_NAME, "the name of an ECS cluster"),
        service=fields["service"].text(_ECS_NAME, "the name of an ECS service"),
    )


def _alarms(node: Node) -> tuple[str, ...]:
    alarms = node.texts(_ALARM, "the name of a CloudWatch alarm")
    if len(alarms) > _MOST_ALARMS:
        node.note(f"expected at most {_MOST_ALARMS} alarms, found {len(alarms)}")
    return alarms


def _verify(node: Node) -> Verify:
    fields = node.fields([], ["function", "bake_minutes", "monitoring_minutes"])
    function = fields["function"]
    return Verify(
        function=function.text(_FUNCTION, "the ARN of a Lambda function") if function.present else None,
        bake_minutes=fields["bake_minutes"].decimal(0, _MOST_MINUTES, 0),
        monitoring_minutes=fields["monitoring_minutes"].integer(0, _MOST_MINUTES, 0),
    )


def misplaced(application: Application, stages: Iterable[Stage], home: AccountRegion) -> list[str]:
    """Return resources that a registration names in the wrong account or region, with Belay at ``home``: problems, each
    with its path.

    Those of a stage elsewhere are checked when they are read.
    """
    here = f"where Belay is ({home}); a stage that is not there registers account and region"
    found = []
    if application.topic is not None and not home.holds(application.topic):
        found.append(f"topic: messages are published from where Belay is ({home}), found {application.topic}")
    for stage in (each for each in stages if each.at_home):
        named = {"service_role": stage.service_role, "verify.function": stage.verify.function}
        named |= {f"the executor of {name}": each.function for name, each in stage.executors.items()}
        found += [
            f"stage {stage.name}: {name}: expected one {here}, found {arn}"
            for name, arn in named.items()
            if arn is not None and not home.holds(arn)
        ]
    return found


def admit(
    manifest: Manifest, application: Application, stages: Sequence[Stage], transforms: Mapping[str, Sequence[str]]
) -> None:
    """Check that a release asks for nothing that its registration does not allow, in any stage.

    ``transforms`` maps a template's path to the names of the transforms and macros it uses.

    Raises InvalidRelease with every problem found. Raises InvalidRegistration as ``refuse_together`` does.
    """
    refuse_together(application, stages)
    problems = Problems()
    if manifest.application != application.name:
        problems.add("", f"it was uploaded for {quote(application.name)}, but says it is {quote(manifest.application)}")
    for stage in stages:
        for stack in manifest.stacks:
            _admit_stack(stack, stage, problems)
        _admit_changes(manifest.database, stage, problems)
        allowed = {*DEFAULT_TRANSFORMS, *stage.macros}
        for template in sorted(transforms):
            for transform in sorted(set(transforms[template]) - allowed):
                problems.add(template, f"stage {stage.name} does not allow the transform {quote(transform)}")
    problems.raise_as(InvalidRelease)


def refused_read(stage: Stage, name: str | None, reason: str) -> str | None:
    """Say why a release may not read an SSM parameter through a parameter's type; None if it may.

    CreateChangeSet reads it with the permissions of its caller, Belay, not with those of the service role. A registered
    name ending in ``/`` allows everything below it. Belay's own parameters are never allowed.
    """
    if name is None:
        return f"which SSM parameter it reads cannot be decided: {reason}. Give the name itself"
    if _OWN_PARAMETERS.fullmatch(name):
        return f"{quote(name)} is a parameter of Belay's own, which no release may read"
    for allowed in (PUBLIC_PARAMETERS, *stage.ssm_parameters):
        if name == allowed or (allowed.endswith("/") and name.startswith(allowed)):
            return None
    below = f", below {', '.join(stage.ssm_parameters)}" if stage.ssm_parameters else ""
    return (
        f"stage {stage.name} does not allow reading the SSM parameter {quote(name)}; allowed are those below "
        f"{PUBLIC_PARAMETERS}{below}. An operator registers others under ssm_parameters"
    )


def refuse_together(application: Application, stages: Sequence[Stage]) -> None:
    """Raise InvalidRegistration for faults across stages: a stack of two stages, approvals that wait too long.

    Step Functions ends every execution after a year
    (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
    """
    _refuse_shared_stacks(application, stages)
    days = [
        max((each.approval.expires_after_days for each in stages if each.name in wave and _asks(each)), default=0)
        for wave in application.waves
    ]
    if sum(days) > MOST_WAITING_DAYS:
        asked = [f"{in_words((wave,))} {each}" for wave, each in zip(application.waves, days, strict=True) if each]
        problems = Problems()
        problems.add(
            "approval.expires_after_days",
            f"expected approvals that wait at most {MOST_WAITING_DAYS} days one after another, found {sum(days)} "
            f"({' + '.join(asked)}): Step Functions ends an execution after 365 days, of which {MOST_WORKING_DAYS} are "
            f"for the work in a stage and {MOST_RECOVERING_DAYS} for the recoveries of a wave",
        )
        problems.raise_as(InvalidRegistration, f"application {application.name}")


def _asks(stage: Stage) -> bool:
    return stage.approval.required and not stage.runs_pipeline


def _refuse_shared_stacks(application: Application, stages: Sequence[Stage]) -> None:
    problems = Problems()
    owners: dict[tuple[StagePlace | None, str], str] = {}
    for stage in stages:
        for name, stack in stage.stacks.items():
            owner = owners.setdefault((stage.place, stack.name), stage.name) if not stage.ephemeral else stage.name
            if owner != stage.name:
                path = f"{stage.name}: {join('stacks', name)}.name"
                problems.add(path, f"stage {owner} has the stack {quote(stack.name)} too; each needs one of its own")
    problems.raise_as(InvalidRegistration, f"application {application.name}")


def _admit_stack(stack: ManifestStack, stage: Stage, problems: Problems) -> None:
    path = join("stacks", stack.name)
    registered = stage.stacks.get(stack.name)
    if registered is None:
        problems.add(path, f"not registered in stage {stage.name}; registered are {', '.join(sorted(stage.stacks))}")
        return
    allowed = set(registered.capabilities)
    if "CAPABILITY_NAMED_IAM" in allowed:
        # It includes CAPABILITY_IAM, and CloudFormation accepts it instead.
        allowed.add("CAPABILITY_IAM")
    for capability in stack.capabilities:
        if capability not in allowed:
            problems.add(path, f"stage {stage.name} does not allow {capability}")


def _admit_changes(changes: DatabaseChanges | None, stage: Stage, problems: Problems) -> None:
    """A release must name its database if a stage has several; without an executor, a stack applies the changes."""
    if changes is None or not stage.executors:
        return
    if changed_database(changes, stage) is not None:
        why = f"stage {stage.name} has an executor for this database"
        if changes.applied_by is not None:
            problems.add("database.applied_by", f"{why}, which alone changes it: say apply: {{after: ...}} instead")
        if changes.engine is None:
            problems.add("database.engine", f"{why}: expected the engine, such as postgresql")
        return
    names = ", ".join(sorted(executor.database for executor in stage.executors.values()))
    if changes.database is None:
        problems.add(
            "database",
            f"stage {stage.name} has several databases with an executor ({names}): name one in database.database",
        )
    else:
        found = f"found {quote(changes.database)}"
        problems.add(
            "database.database", f"expected one that stage {stage.name} has an executor for ({names}), {found}"
        )


def changed_database(changes: DatabaseChanges | None, stage: Stage) -> tuple[Database, RegisteredExecutor] | None:
    """Return the database that a release changes in a stage, with its executor; None if it changes none there.

    Without an executor Belay neither applies changes nor knows whether something else does.
    """
    if changes is None:
        return None
    found = [
        (database, executor)
        for database in stage.databases
        if (executor := stage.executors.get(database.identifier)) is not None
        and changes.database in (None, executor.database)
    ]
    return found[0] if len(found) == 1 else None


def effective_parameters(
    stack: ManifestStack,
    registered: RegisteredStack,
    declared: Collection[str],
    release_bucket: str,
    release_prefix: str,
) -> dict[str, str]:
    """Return the parameters to deploy a stack with, as CloudFormation strings.

    If release and registration both set one, the registration's ``parameter_precedence`` decides. ``declared`` are the
    parameters of the template. A registered parameter that it does not declare is left out, because one registration
    serves many versions; an undeclared one of the release is an error. ``READ_LATER`` marks values not read from their
    table yet. ``ReleaseBucket`` and ``ReleasePrefix`` locate the release's files.

    Raises InvalidRelease with every parameter of the release that its template does not declare.
    """
    problems = Problems()
    for name in stack.parameters:
        if name not in declared:
            problems.add(join(f"stacks.{stack.name}.parameters", name), f"{stack.template} declares no such parameter")
    problems.raise_as(InvalidRelease)
    if registered.parameter_precedence == "release":
        chosen = {**registered.values, **stack.parameters}
    else:
        chosen = {**stack.parameters, **registered.values}
    injected = dict(zip(INJECTED, (release_bucket, release_prefix), strict=True))
    return {name: value for name, value in sorted({**chosen, **injected}.items()) if name in declared}
