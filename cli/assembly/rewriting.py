"""Rewrites what a synthesised template says of where its assets are, so that it finds them in the release.

CDK's DefaultStackSynthesizer names the bucket and the repository of the bootstrap stack in ``Fn::Sub`` texts, alone or
among the pieces of an ``Fn::Join`` (https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from belay.release.manifest import INJECTED

ASSETS: Final = "assets"
"""The folder of a release that has the assets."""
_PLACE: Final = "${ReleaseBucket}/${ReleasePrefix}"
_EXPORT: Final = "Fn::ImportValue"


@dataclass(frozen=True)
class Locations:
    """Where an assembly's assets would be without Belay, as texts of ``Fn::Sub``.

    ``images`` maps the URI of each image to the one with its digest; ``exports`` maps the names of the assembly's
    stacks to the parameter that has the name of the stack in the stage.
    """

    buckets: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    images: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)

    @property
    def _known(self) -> Iterable[str]:
        return (*self.buckets, *self.keys, *self.images)

    def rewritten(self, value: Any) -> Any:
        """Return a value of a template with every location replaced by the one in the release."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.rewritten(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            if isinstance(name := value.get(_EXPORT), str):
                return {_EXPORT: self.exported(name)}
            text = substituted(value)
            if text is not None and any(known in text for known in self._known):
                return {"Fn::Sub": self._moved(text)}
        return {key: self.rewritten(item) for key, item in value.items()}

    def _text(self, text: str) -> Any:
        escaped = text.replace("${", "${!")
        if text in self.keys or any(known in text for known in (*self.buckets, *self.images)):
            return {"Fn::Sub": self._moved(escaped)}
        return text

    def _moved(self, text: str) -> str:
        for uri, by_digest in self.images.items():
            text = text.replace(uri, by_digest)
        for bucket in self.buckets:
            for key in self.keys:
                text = text.replace(f"{bucket}/{key}", f"{_PLACE}/{ASSETS}/{key}")
            # A permission for all assets of the account becomes one for those of the release.
            text = text.replace(f"{bucket}/*", f"{_PLACE}/*").replace(bucket, "${ReleaseBucket}")
        for key in self.keys:
            text = re.sub(rf"(?<![\w/]){re.escape(key)}", f"${{ReleasePrefix}}/{ASSETS}/{key}", text)
        return text

    def exported(self, name: str) -> Any:
        """Return the name of an export, after the stack in the stage that has it if it is one of the assembly."""
        stack, colon, rest = name.partition(":")
        parameter = self.exports.get(stack) if colon else None
        return name if parameter is None else {"Fn::Sub": f"${{{parameter}}}:{rest}"}


def substituted(value: Any) -> str | None:
    """Return the ``Fn::Sub`` text that means the same as a text, a reference or a join of these; None if there is none.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
    """
    match value:
        case str():
            return value.replace("${", "${!")
        case {"Ref": str(name)} if len(value) == 1:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(resource), str(attribute)]} if len(value) == 1:
            return f"${{{resource}.{attribute}}}"
        case {"Fn::Sub": str(text)} if len(value) == 1:
            return text
        case {"Fn::Join": ["", list(parts)]} if len(value) == 1:
            texts = [substituted(part) for part in parts]
            return None if None in texts else "".join(text for text in texts if text is not None)
    return None


def references(value: Any) -> frozenset[str]:
    """Return the names that a template's value refers to by ``Ref`` and ``Fn::Sub``."""
    found: set[str] = set()
    if isinstance(value, list):
        found.update(*(references(item) for item in value))
    elif isinstance(value, dict):
        if isinstance(name := value.get("Ref"), str):
            found.add(name)
        text = value.get("Fn::Sub")
        if isinstance(text := text[0] if isinstance(text, list) else text, str):
            found.update(re.findall(r"\$\{([^!}.][^}.]*)[^}]*\}", text))
        found.update(*(references(item) for item in value.values()))
    return frozenset(found)


def with_parameters(template: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a template that declares the parameters it refers to and does not declare, of those named."""
    declared = template.get("Parameters", {})
    wanted = sorted(name for name in {*names, *INJECTED} & references(template) - {*declared} if ":" not in name)
    parameters = {**declared, **{name: {"Type": "String"} for name in wanted}}
    return {**template, **({"Parameters": parameters} if parameters else {})}
