"""Nested stacks whose templates may change after review: those that are not files of the release."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial

from belay.errors import UnreadableTemplate
from belay.template.loader import load
from belay.template.nested import STACK_TYPES, template_file
from belay.template.resources import resource_type
from belay.template.root import FUNCTIONS
from belay.template.scope import Scope
from belay.template.sections import Resource, resources
from belay.template.values import Unknown
from belay.template.world import explore


def unpinned(
    template: bytes, parameters: Mapping[str, str], release: tuple[str, str], files: Collection[str], *, where: str
) -> list[str]:
    """Return one line for each nested stack of a template whose own template is not a file of the release.

    ``template`` is what CloudFormation will run: GetTemplate's ``Processed``, in which applications of AWS SAM, loops,
    macros and escapes are plain resources
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html). ``parameters`` are the
    stack's, with the pseudo parameters; ``release`` is the bucket and the prefix of the release, ``files`` its paths.
    ``where`` names the stack. What cannot be read may be a nested stack, so it is a line too.
    """
    try:
        document = load(template, where)
    except UnreadableTemplate as error:
        return [str(error)]
    scope = Scope(document, "", parameters, True, lambda _: None, FUNCTIONS, release)
    problems: dict[str, None] = {}
    for each in resources(scope, {}):
        for reason in _reasons(each, files):
            problems[f"{where}/{each.name}: {reason}"] = None
    return list(problems)


def _reasons(each: Resource, files: Collection[str]) -> Iterator[str]:
    body = each.body
    if isinstance(body, Unknown):
        yield body.reason
    elif resource_type(body) in STACK_TYPES:
        for branch in explore(partial(template_file, body), each.guard, body.scope.budget):
            if not isinstance(branch.outcome, str):
                yield branch.reason
            elif branch.outcome not in files:
                yield f"its template {branch.outcome} is not a file of this release"
