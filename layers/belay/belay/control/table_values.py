"""Stage parameters whose values are in tables: read once, when the stage is planned, and fixed from then on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from belay.aws.cloudformation import Stacks
from belay.aws.dynamodb import ParameterTables
from belay.aws.s3 import ArtifactBucket
from belay.documents import read, written
from belay.errors import InvalidRelease, InvalidRequest
from belay.release.accepted import AcceptedRelease
from belay.release.document import Problems
from belay.release.records import ReleaseReference
from belay.release.table_values import TABLE_VALUES, TableAttribute, parameter_path, text_of


@dataclass(frozen=True)
class TableValues:
    """What was read for a stage, by stack and parameter."""

    stacks: Mapping[str, Mapping[str, TableAttribute]] = field(default_factory=dict)


def with_known(
    accepted: AcceptedRelease, release: ReleaseReference, stage: str, artifacts: ArtifactBucket
) -> AcceptedRelease:
    """Return a release with what was read from tables when a stage was planned; unchanged before that."""
    document = artifacts.get_json(release.stage_key(stage, TABLE_VALUES)) if accepted.to_read(stage) else None
    if document is None:
        return accepted
    return accepted.with_tables_read(stage, read(TableValues, document, TABLE_VALUES).stacks)


def read_tables(
    accepted: AcceptedRelease,
    release: ReleaseReference,
    stage: str,
    artifacts: ArtifactBucket,
    *,
    tables: ParameterTables,
    stacks: Stacks,
) -> AcceptedRelease:
    """Return a release with its values read from the stage's tables; they are stored for later steps.

    ``stacks`` have the values of today. Raises ``InvalidRelease`` with every value that the tables do not have.
    """
    problems, found = Problems(), {}
    for stack, sources in accepted.to_read(stage).items():
        today = _parameters(stacks, accepted.stack_name(stage, stack, release.attempt))
        found[stack] = dict(sources)
        for name, source in sources.items():
            try:
                item = tables.item(source.table, source.key)
                found[stack][name] = source.read_as(text_of(item, source), today.get(name))
            except (InvalidRelease, InvalidRequest) as error:
                problem = error.message if isinstance(error, InvalidRequest) else "; ".join(error.problems)
                problems.add(parameter_path(stage, stack, name), problem)
    problems.raise_as(InvalidRelease)
    artifacts.put_json(release.stage_key(stage, TABLE_VALUES), written(TableValues(found)))
    return accepted.with_tables_read(stage, found)


def _parameters(stacks: Stacks, stack: str) -> dict[str, str]:
    """Return a stack's current parameters; none if it does not exist."""
    described = stacks.describe_stack(stack)
    given = [] if described is None else described.get("Parameters", [])
    return {each["ParameterKey"]: each["ParameterValue"] for each in given if "ParameterValue" in each}
