"""``belay validate PATH...``: checks templates, releases, files of SQL or saved security groups against the policies.

Exit status: 0 no violation, 1 a violation, 2 only undecided findings, 3 something could not be read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from belay.errors import BelayError, UnreadableChanges, UnreadableTemplate
from belay.policy.gate import check_groups, check_stack
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report, Verdict
from belay.template.nested import has_resource
from belay.template.resolver import TRANSFORM
from belay.template.root import root_scope
from belay.template.scope import Scope
from belay.template.sections import parameters as declared_parameters
from belay.template.values import READ_LATER
from cli.options import argument, gathered
from cli.output import plain
from cli.targets import Target, read_target

if TYPE_CHECKING:
    from cli.template_checks import LocalChecks

ENGINES = ("postgresql", "mysql", "mariadb", "oracle", "sqlserver", "db2")
FORMATS = ("text", "json", "sarif", "junit")
STATUS = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.REVIEW: 2}
UNREADABLE = 3


@dataclass(frozen=True)
class Inputs:
    """The command's options.

    ``parameters`` are passed to every stack, ``registered`` to the stacks they are registered for, unless the release's
    own are ``preferred``. ``known`` is true if no other values will be passed. ``checks`` are for what cannot be
    deployed, and with the operator's own rules. ``applied`` is the last database change that was applied before.
    ``place`` are the pseudo parameters that the registration tells.
    """

    settings: PolicySettings
    parameters: Mapping[str, str]
    registered: Mapping[str, Mapping[str, str]]
    preferred: frozenset[str]
    known: bool
    checks: LocalChecks | None = None
    applied: str | None = None
    place: Mapping[str, str] = field(default_factory=dict)

    def passed(self, stack: str, released: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters passed to one stack of a release."""
        registered = self.registered.get(stack, {})
        pair = (registered, released) if stack in self.preferred else (released, registered)
        return {**pair[0], **pair[1], **self.parameters}


@dataclass(frozen=True)
class Validated:
    """The findings, why files could not be read, by path, and the files that are not templates."""

    report: Report
    errors: Mapping[str, str]
    passed_over: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """The exit status."""
        return UNREADABLE if self.errors else STATUS[self.report.verdict]


@dataclass(frozen=True)
class ToCheck:
    """What the command line asks to be checked, and with what: all but the last four are paths of files."""

    paths: Sequence[str]
    parameters: str | None
    application: Sequence[str]
    rules: str | None
    live: str | None
    prefix_lists: str | None
    engine: str | None
    applied: str | None
    format: str
    advice: bool


@click.command(epilog="Exit status: 0 pass, 1 violation, 2 review only, 3 something could not be read.")
@gathered(
    "to_check",
    ToCheck,
    argument("paths", nargs=-1, metavar="[PATH]...", help="a template, a folder, a release's zip or a file of SQL"),
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        help="the paths are files of SQL, or folders of them, for this database engine, each a separate release",
    ),
    click.option(
        "--parameters",
        metavar="FILE",
        help="the parameters that will be passed, as JSON, with attributes that are known, such as Network.Cidr, "
        "in a nested stack Storage/Network.Cidr; without it any value may be",
    ),
    click.option(
        "--application",
        metavar="FILE",
        multiple=True,
        help="the registration of the application or stage; a later one extends an earlier one",
    ),
    click.option("--rules", metavar="PATH", help="your own cfn-guard rules: a file, or a folder of *.guard files"),
    click.option("--live", metavar="FILE", help="the saved output of aws ec2 describe-security-groups"),
    click.option("--prefix-lists", metavar="FILE", help='with --live: {"pl-...": ["10.0.0.0/8", ...]} as JSON'),
    click.option(
        "--applied",
        metavar="VERSION",
        help="the version of the last database change that was applied before: only those after it are checked",
    ),
    click.option("--format", type=click.Choice(FORMATS), default="text", help="output format"),
    click.option(
        "--advice", is_flag=True, help="include findings that do not stop a release; formats other than text always do"
    ),
)
def command(to_check: ToCheck) -> int:
    """Check templates, releases, files of SQL or saved security groups against the policies."""
    if not to_check.paths and not to_check.live:
        print("belay validate: name a PATH or --live FILE", file=sys.stderr)
        return UNREADABLE
    try:
        inputs = _inputs(to_check)
        paths, engine = to_check.paths, to_check.engine
        result = _files_of_sql(paths, engine, inputs) if engine else validate(paths, inputs)
        if to_check.live:
            result = replace(result, report=result.report.merged(_live(to_check.live, to_check.prefix_lists, inputs)))
    except BelayError as error:
        print(f"belay validate: {error}", file=sys.stderr)
        return UNREADABLE
    if result.passed_over:
        print(
            plain(f"belay validate: skipped, because they are not templates: {', '.join(result.passed_over)}"),
            file=sys.stderr,
        )
    # Imported by name, so that a format's libraries are only imported when it is used.
    format_module = import_module(f"cli.formats.{to_check.format}_format")
    sys.stdout.write(format_module.render(result.report, result.errors, advice=to_check.advice))
    return result.status


def _files_of_sql(paths: Sequence[str], engine: str, inputs: Inputs) -> Validated:
    # Imported only for SQL, whose reading takes long to import.
    from belay.sql.changes import Engine  # noqa: PLC0415
    from cli.database_changes import check_files  # noqa: PLC0415

    today = datetime.now(UTC).date()
    return Validated(*check_files(paths, Engine(engine), inputs.settings, today, inputs.applied))


def validate(paths: Sequence[str], inputs: Inputs) -> Validated:
    """Check every path; report a path that cannot be read and continue with the others."""
    reports = []
    errors: dict[str, str] = {}
    passed_over: list[str] = []
    undeclared = set(inputs.parameters)
    for path in paths:
        try:
            target = read_target(path)
        except UnreadableTemplate as error:
            errors[path] = str(error)
            continue
        report, unreadable, declared = _check(target, inputs)
        reports.append(report)
        errors.update(unreadable)
        passed_over += [_shown(target, name) for name in target.passed_over]
        undeclared -= declared
    if undeclared:
        named = ", ".join(sorted(undeclared))
        errors["--parameters"] = f"--parameters: expected parameters that a template declares, found {named}."
    return Validated(Report().merged(*reports), errors, tuple(passed_over))


def _check(target: Target, inputs: Inputs) -> tuple[Report, dict[str, str], set[str]]:
    """Return the report, why files could not be read by path, and which of the passed parameters are declared."""
    reports: dict[str, Report] = {}
    errors = {_shown(target, path): reason for path, reason in target.unreadable.items()}
    declared = {name for name in inputs.parameters if name.startswith("AWS::")}
    today = datetime.now(UTC).date()
    for root, (stack, passed) in target.roots.items():
        try:
            scope = root_scope(target.files, root, inputs.passed(stack, passed), defaults_apply=inputs.known)
            declared |= _declared(scope, inputs.parameters)
            reports[root] = check_stack(scope, inputs.settings, today)
        except UnreadableTemplate as error:
            errors[_shown(target, root)] = str(error)
            declared |= set(inputs.parameters)
        except Exception as error:
            errors[_shown(target, root)] = f"{root}: fault in Belay: {type(error).__name__}: {error}"
    report = Report().merged(*reports.values())
    if inputs.checks:
        report = report.merged(_checked(inputs.checks, target, report.paths, inputs, today))
    report = report.merged(_released_changes(target, inputs, errors)).under(target.shown)
    return report, errors, declared


def _declared(scope: Scope, names: Collection[str]) -> set[str]:
    """Return the parameters that a template declares, and attributes of its resources and those of stacks nested in it.

    Any may come of a macro.
    """
    if TRANSFORM in scope.document.section("Parameters").entries:
        return set(names)
    attributes = {name for name in names if "." in name and has_resource(name.partition(".")[0], scope)}
    return {*declared_parameters(scope.document), *attributes}


def _released_changes(target: Target, inputs: Inputs, errors: dict[str, str]) -> Report:
    """Check a release's database changes; add to ``errors`` why they could not be read."""
    if target.changes is None:
        return Report()
    # Imported only for releases that change a database.
    from cli.database_changes import check_declared  # noqa: PLC0415

    declared, today = target.changes.declared, datetime.now(UTC).date()
    try:
        return check_declared(target.changes.files, declared, inputs.settings, today, inputs.applied)
    except UnreadableChanges as error:
        errors[_shown(target, declared.changes)] = str(error)
    return Report()


def _checked(checks: LocalChecks, target: Target, paths: tuple[str, ...], inputs: Inputs, today: date) -> Report:
    """Check the templates for what cannot be deployed; those too large for it are named on standard error."""
    large = checks.passed_over(target.files, paths)
    if large:
        named = ", ".join(_shown(target, path) for path in large)
        print(plain(f"belay validate: too large to check here for what cannot be deployed: {named}"), file=sys.stderr)
    templates = {
        path: {**inputs.place, **inputs.passed(*target.roots.get(path, ("", {})))}
        for path in paths
        if path not in large
    }
    return checks.report(target.files, templates, inputs.settings, today)


def _shown(target: Target, path: str) -> str:
    return str(Path(target.shown, path))


def _live(path: str, lists: str | None, inputs: Inputs) -> Report:
    # Imported only for saved groups.
    from cli.saved_groups import read_groups  # noqa: PLC0415

    groups = read_groups(_json(path), path)
    prefix_lists = _json(lists) if lists else {}
    try:
        return check_groups(groups, prefix_lists, inputs.settings, datetime.now(UTC).date(), path=path)
    except (AttributeError, KeyError, TypeError) as error:
        raise UnreadableTemplate(f"{lists}: expected an object of lists of address blocks.") from error


def _inputs(to_check: ToCheck) -> Inputs:
    registered: dict[str, Any] = {}
    for path in to_check.application:
        document = _registration(path)
        registered.update(document.get("defaults", {}) if "stages" in document else document)
    registration = ", ".join(to_check.application)
    stacks: dict[str, dict[str, Any]] = registered.get("stacks", {})
    settings = PolicySettings.from_registration(registered.get("policies", {}), registered.get("trusted_networks", ()))
    return Inputs(
        replace(settings, advice=to_check.advice or to_check.format != "text"),
        _parameters(to_check.parameters) if to_check.parameters else {},
        {name: _registered(stack.get("parameters", {}), registration) for name, stack in stacks.items()},
        frozenset(name for name, stack in stacks.items() if stack.get("parameter_precedence") == "release"),
        known=bool(to_check.parameters or to_check.application),
        checks=_template_checks(to_check.rules) if to_check.paths and not to_check.engine else None,
        applied=to_check.applied,
        place=_place(registered),
    )


def _place(registered: Mapping[str, Any]) -> dict[str, str]:
    """Return the pseudo parameters that say where a stage is, as far as its registration does."""
    role = str(registered.get("service_role", "")).split(":")
    place = {"AWS::Partition": role[1], "AWS::AccountId": role[4]} if len(role) > 5 else {}  # noqa: PLR2004 - an ARN
    return place | ({"AWS::Region": str(registered["region"])} if "region" in registered else {})


def _template_checks(rules: str | None) -> LocalChecks:
    # Imported only for templates.
    from cli.template_checks import LocalChecks, read_rules  # noqa: PLC0415

    return LocalChecks(None if rules is None else read_rules(rules))


def _registration(path: str) -> dict[str, Any]:
    # Imported only for registrations.
    from belay.release.document import UnreadableDocument, load_document, plain  # noqa: PLC0415

    try:
        document = plain(load_document(_text(path)))
    except UnreadableDocument as error:
        raise UnreadableTemplate(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableTemplate(f"{path}: expected a registration, a mapping.")
    return document


def _parameters(path: str) -> dict[str, str]:
    """Read parameters in the formats of CloudFormation's tools: a mapping, a list, or under ``Parameters``."""
    document = _json(path)
    if isinstance(document, dict) and isinstance(document.get("Parameters"), dict):
        document = document["Parameters"]
    try:
        if isinstance(document, list):
            document = _unique((entry["ParameterKey"], entry["ParameterValue"]) for entry in document)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableTemplate(f"{path}: expected parameters, each once with its value.") from error
    return _texts(document, path)


def _registered(values: Any, path: str) -> dict[str, str]:
    """Read the parameters of a registered stack; values in tables are not known."""
    later = [name for name, value in values.items() if isinstance(value, dict)] if isinstance(values, dict) else []
    return _texts({**values, **dict.fromkeys(later, READ_LATER)} if later else values, path)


def _texts(values: Any, path: str) -> dict[str, str]:
    try:
        return {name: _value(value) for name, value in values.items()}
    except (AttributeError, TypeError) as error:
        raise UnreadableTemplate(f"{path}: expected parameters: a mapping of names and texts or numbers.") from error


def _value(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(_value, value))
    if not isinstance(value, (str, int, float)):
        raise TypeError(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raises ``ValueError`` for a name that is there twice, of which readers take either."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} occurs more than once")
        found[name] = value
    return found


def _json(path: str) -> Any:
    try:
        return json.loads(_text(path), object_pairs_hook=_unique)
    except ValueError as error:
        raise UnreadableTemplate(f"{path}: expected JSON: {error}.") from error


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableTemplate(f"{path}: {error}.") from error
