"""A stack with its nested stacks: every resource that will be created, and every place that may hide some."""

from collections.abc import Iterator
from typing import NamedTuple

from belay.template.nested import STACK_TYPES, child_stack
from belay.template.nodes import Node
from belay.template.resolver import TRANSFORM
from belay.template.resources import resource_type
from belay.template.scope import MapValue, Scope
from belay.template.sections import exports, macros, resources
from belay.template.values import Guard, Unknown
from belay.template.world import explore

MAX_STACKS = 200
"""Stacks followed in one release; a nested template counts each time it is used."""

HIDDEN_TYPES = {
    "AWS::CloudFormation::StackSet": "the stack set's stacks are deployed from their own template",
    "AWS::CodeStarConnections::SyncConfiguration": "the stack that it names is updated from a Git repository",
    "AWS::ControlTower::EnabledBaseline": "the baseline is deployed from templates of AWS Control Tower",
    "AWS::ControlTower::LandingZone": "the landing zone is deployed from templates of AWS Control Tower",
    "AWS::DataZone::Environment": "the environment is deployed from a template of its blueprint",
    "AWS::LaunchWizard::Deployment": "the workload is deployed from templates of AWS Launch Wizard",
    "AWS::SSMQuickSetup::ConfigurationManager": "the configuration is deployed from templates of Systems Manager",
    "AWS::SageMaker::Project": "the project is deployed from a template in Service Catalog or Amazon S3",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": "the product's template is in Service Catalog",
}
"""Types that deploy a template of their own.

Source: the descriptions and the handlers' permissions in the schemas of all 1,817 types of AWS, read in November 2026
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-type-schemas.html): whatever creates stacks or
stack sets, or runs a template. A pipeline or a change set deploys nothing until somebody starts it, a conformance pack
has AWS Config's rules alone, and the stack of a federated data catalog of Athena has a function alone.
"""

MODULES = "Modules"
"""The section of modules whose templates ``aws cloudformation package`` puts into this one."""


class Found(NamedTuple):
    """A resource of one of the stacks and the conditions it is created under; ``name`` is its logical id there."""

    name: str
    kind: str
    guard: Guard
    body: MapValue

    @property
    def path(self) -> str:
        """Its logical path from the root stack, such as ``Network/Web``."""
        return self.body.scope.key(self.name)


class Hidden(NamedTuple):
    """A place that may have resources that no template shows, and why."""

    path: str
    scope: Scope
    node: Node
    guard: Guard
    reason: str


class StackTree:
    """A walk through one stack and its nested stacks; iterate once.

    Then :attr:`templates` is complete, and so is :attr:`scopes`: each stack, with the conditions it is created under.
    """

    def __init__(self, root: Scope) -> None:
        self._root = root
        self._count = 0
        self._hidden = 0
        self._gave_up = False
        self._templates: dict[str, None] = {}
        self.scopes: list[tuple[Scope, Guard]] = []

    @property
    def templates(self) -> tuple[str, ...]:
        """The paths of the templates that were read, the root's first."""
        return tuple(self._templates)

    def __iter__(self) -> Iterator[Found | Hidden]:
        return self._stack(self._root, {})

    def _stack(self, scope: Scope, given: Guard) -> Iterator[Found | Hidden]:
        self._count += 1
        root = scope.document.root
        self._templates[scope.document.path] = None
        self.scopes.append((scope, given))
        for macro in macros(scope.document):
            reason = f"the macro {macro} may rewrite the template at deployment"
            yield Hidden(scope.key("Transform"), scope, root.entries["Transform"], given, reason)
        if MODULES in root.entries:
            reason = "its modules are only put into it when it is packaged"
            yield Hidden(scope.key(MODULES), scope, root.entries[MODULES], given, reason)
        if TRANSFORM in root.entries:
            reason = f"{TRANSFORM} may add anything to the template at deployment"
            yield Hidden(scope.key(TRANSFORM), scope, root.entries[TRANSFORM], given, reason)
        for name, export in exports(scope, given):
            scope.exports.setdefault(name, []).append(export)
        section = scope.document.section("Resources")
        for resource in resources(scope, given):
            if isinstance(resource.body, Unknown):
                node = section.entries.get(resource.name, section)
                yield Hidden(scope.key(resource.name), scope, node, resource.guard, resource.body.reason)
            else:
                yield from self._resource(resource.name, resource.guard, resource.body)

    def _resource(self, name: str, guard: Guard, body: MapValue) -> Iterator[Found | Hidden]:
        kind = resource_type(body) or ""
        if kind in STACK_TYPES:
            yield from self._child(name, guard, body)
        elif kind in HIDDEN_TYPES:
            yield Hidden(body.scope.key(name), body.scope, body.node, guard, HIDDEN_TYPES[kind])
        elif kind.endswith("::MODULE") or "::" not in kind:
            reason = f"the module {kind} may contain anything"
            yield Hidden(body.scope.key(name), body.scope, body.node, guard, reason)
        else:
            yield Found(name, kind, guard, body)

    def _child(self, name: str, guard: Guard, body: MapValue) -> Iterator[Found | Hidden]:
        path = body.scope.key(name)
        if self._count + self._hidden >= MAX_STACKS:
            if not self._gave_up:
                self._gave_up = True
                yield Hidden(path, body.scope, body.node, guard, f"there are more than {MAX_STACKS} stacks")
            return
        for branch in explore(lambda world: child_stack(name, body, world), guard, body.scope.budget):
            if isinstance(branch.outcome, Scope):
                yield from self._stack(branch.outcome, branch.guard)
            else:
                self._hidden += 1
                yield Hidden(path, body.scope, body.node, branch.guard, branch.reason)
