"""The security groups that a release's templates declare for one stack, with its actual parameters."""

from collections.abc import Mapping

from belay.policy.from_template import security_groups
from belay.policy.model import SecurityGroup
from belay.template.root import root_scope


def declared_groups(
    files: Mapping[str, bytes], root: str, parameters: Mapping[str, str], *, defaults_apply: bool = True
) -> tuple[list[SecurityGroup], tuple[str, ...]]:
    """Return the groups of a stack and its nested stacks, and the paths of the templates that were read.

    ``files``, ``root``, ``parameters`` and ``defaults_apply`` are those of ``gate.check_template``. Raises
    ``UnreadableTemplate`` if the root template cannot be read.
    """
    return security_groups(root_scope(files, root, parameters, defaults_apply=defaults_apply))
