"""The scope of a root stack: its template, its parameters, and the intrinsic functions."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from belay.errors import UnreadableTemplate
from belay.template import conditions, functions, references
from belay.template.loader import load
from belay.template.nodes import Document
from belay.template.scope import Binding, Function, Scope
from belay.template.sections import parameters as declared_parameters
from belay.template.values import Unknown

RELEASE_BUCKET = "ReleaseBucket"
RELEASE_PREFIX = "ReleasePrefix"
FUNCTIONS: Final[Mapping[str, Function]] = {**conditions.FUNCTIONS, **functions.FUNCTIONS, **references.FUNCTIONS}


def root_scope(files: Mapping[str, bytes], root: str, parameters: Mapping[str, str], *, defaults_apply: bool) -> Scope:
    """Return the scope of a root stack's expressions.

    ``parameters`` with a dot in their names are attributes that are known. The release's bucket and prefix need not be
    known to follow nested stacks.
    Raises ``UnreadableTemplate`` if the root template cannot be read.
    """

    @cache
    def read(path: str) -> Document | None:
        return load(files[path], path) if path in files else None

    if root not in files:
        raise UnreadableTemplate(f"{root}: expected a template, found no such file in the release.")
    document = load(files[root], root)
    release = (_place(RELEASE_BUCKET, parameters), _place(RELEASE_PREFIX, parameters))
    attributes = {name: value for name, value in parameters.items() if "." in name}
    known: dict[str, Binding] = {name: value for name, value in parameters.items() if "." not in name}
    for name, value in zip((RELEASE_BUCKET, RELEASE_PREFIX), release, strict=True):
        if name in declared_parameters(document):
            known[name] = value
    return Scope(document, "", known, defaults_apply, read, FUNCTIONS, release, attributes=attributes)


def _place(name: str, parameters: Mapping[str, str]) -> str | Unknown:
    return parameters.get(name) or Unknown(f"the {name}", f"{name} is only known at deployment")
