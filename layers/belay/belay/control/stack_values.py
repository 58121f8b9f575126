"""Stack values that no call returns, or that are stored elsewhere: recording what is known of them, and comparing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from belay.aws.cloudformation import Stacks
from belay.aws.gateways import Aws
from belay.aws.secretsmanager import Secrets
from belay.aws.ssm import ParameterVersions
from belay.errors import AccessDenied, UnreadableTemplate
from belay.ledger.ledger import Ledger
from belay.stack.baseline import Baseline
from belay.stack.stack_id import pseudo_parameters
from belay.stack.stuck import Resource
from belay.stack.values import KnownValues
from belay.template.dynamic_references import changing, place_of
from belay.template.loader import load

_MARK = b"resolve:"


class StackValues:
    """Records and finds what is known of stacks' values. No value itself is ever read."""

    def __init__(self, stacks: Stacks, parameters: ParameterVersions, secrets: Secrets, ledger: Ledger) -> None:
        self._stacks = stacks
        self._parameters = parameters
        self._secrets = secrets
        self._ledger = ledger

    @classmethod
    def of(cls, there: Aws, ledger: Ledger) -> "StackValues":
        """Return the values in an account and a region, put together here for the functions of several steps."""
        return cls(there.stacks, there.parameter_versions, there.secrets, ledger)

    def keep(self, stack_id: str, operation: str, digests: Mapping[str, str]) -> None:
        """Record what a successful operation gave a stack, with its references' current versions."""
        versions = self.versions(self.references(stack_id))
        self._ledger.values.record(stack_id, KnownValues(operation, digests, versions))

    def in_use(self, stack_id: str) -> KnownValues | None:
        """Return what is known of a stack's values; None if the newest operation that succeeded was not Belay's."""
        known = self._ledger.values.of(stack_id)
        if known is None or self._stacks.newest_success(stack_id) not in (None, known.operation):
            return None
        return known

    def known_at(self, baseline: Baseline) -> Baseline:
        """Return a baseline with what is known of the values that the stack has now."""
        stack_id = baseline.stack_id
        if stack_id is None:
            return baseline
        known = self.in_use(stack_id) or KnownValues("")
        digests = {name: digest for name, digest in known.digests.items() if name in baseline.hidden}
        versions = {each: known.versions.get(each) for each in self.references(stack_id)}
        return replace(baseline, known=digests, versions=versions)

    def going_back(self, stack_id: str, operation: str, baseline: Baseline) -> None:
        """Record what a rollback to a baseline gives a stack: hidden values stay what they are."""
        now = self.in_use(stack_id)
        digests = {**({} if now is None else now.digests), **baseline.references}
        self._ledger.values.record(stack_id, KnownValues(operation, digests, self.versions(baseline.versions)))

    def references(self, stack_id: str) -> tuple[str, ...]:
        """Return the references without a version in the templates of a stack and its nested stacks."""
        resources = self._stacks.resources_by_stack(stack_id)
        found = (each for stack, them in resources.items() for each in self._references(stack, them))
        return tuple(dict.fromkeys(found))

    def _references(self, stack_id: str, resources: Sequence[Resource]) -> Iterator[str]:
        template = self._stacks.get_template(stack_id, "Processed")
        description = self._stacks.describe_stack(stack_id)
        parameters = [] if description is None else description.get("Parameters", [])
        given = {
            each["ParameterKey"]: each.get("ResolvedValue") or each.get("ParameterValue", "") for each in parameters
        }
        if _MARK not in template and not any("{{resolve:" in value for value in given.values()):
            return
        ids = {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in resources}
        try:
            document = load(template, stack_id)
        except UnreadableTemplate:
            return
        yield from changing(document, {**given, **ids, **pseudo_parameters(stack_id)})
        yield from (value for value in given.values() if place_of(value) is not None)

    def versions(self, references: Iterable[str]) -> dict[str, str | None]:
        """Return each reference's current version, None if that cannot be known."""
        return {reference: self._version(reference) for reference in references}

    def _version(self, reference: str) -> str | None:
        place = place_of(reference)
        if place is None:
            return None
        try:
            if place.service == "ssm":
                return self._parameters.newest(place.name)
            return self._secrets.version(place.name, place.stage)
        except AccessDenied:
            return None
