"""The security groups that a release's templates declare for one stack, with the values it is really given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from belay.errors import UnreadableTemplate
from belay.policy.from_template import security_groups
from belay.policy.model import SecurityGroup
from belay.template.loader import load
from belay.template.nodes import Document
from belay.template.scope import Scope
from belay.template.sections import parameters as declared_parameters

RELEASE_BUCKET = "ReleaseBucket"
RELEASE_PREFIX = "ReleasePrefix"


def declared_groups(
    files: Mapping[str, bytes], root: str, parameters: Mapping[str, str], *, defaults_apply: bool = True
) -> tuple[list[SecurityGroup], tuple[str, ...]]:
    """Return the groups of a stack and its nested stacks, and the paths of the templates that were read.

    ``files``, ``root``, ``parameters`` and ``defaults_apply`` are those of ``gate.check_template``. Raises
    :class:`UnreadableTemplate` where the root template cannot be read.
    """
    return security_groups(root_scope(files, root, parameters, defaults_apply=defaults_apply))


def root_scope(files: Mapping[str, bytes], root: str, parameters: Mapping[str, str], *, defaults_apply: bool) -> Scope:
    """Return where a root stack's expressions stand.

    Where its release will lie need not be known to follow its nested stacks: stand-ins for bucket and prefix do.
    Raises :class:`UnreadableTemplate` where the root template cannot be read.
    """

    @cache
    def read(path: str) -> Document | None:
        return load(files[path], path) if path in files else None

    if root not in files:
        raise UnreadableTemplate(f"{root}: expected a template, found no such file in the release.")
    document = load(files[root], root)
    release = (parameters.get(RELEASE_BUCKET) or "release-bucket", parameters.get(RELEASE_PREFIX) or "release-prefix")
    known = dict(parameters)
    for name, value in zip((RELEASE_BUCKET, RELEASE_PREFIX), release, strict=True):
        if name in declared_parameters(document):
            known[name] = value
    return Scope(document, "", known, defaults_apply, read, release)
