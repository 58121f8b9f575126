"""Releases small enough to be deployed in a second: built in memory, of stacks with one cheap resource each."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Template = Mapping[str, Any]


def setting(value: Any, *, imports: str | None = None, exports: bool = False) -> dict[str, Any]:
    """A template of one parameter, ``Setting``, which holds nothing of value; quick to create, update and delete."""
    properties: dict[str, Any] = {"Type": "String", "Value": value}
    if imports is not None:
        properties["Description"] = {"Fn::ImportValue": imports}
    template: dict[str, Any] = {"Resources": {"Setting": {"Type": "AWS::SSM::Parameter", "Properties": properties}}}
    if exports:
        export = {"Fn::Sub": "${AWS::StackName}-setting"}
        template["Outputs"] = {"Setting": {"Value": {"Ref": "Setting"}, "Export": {"Name": export}}}
    return template


def settings(**values: str) -> dict[str, Any]:
    """A template of several such parameters, each created after the one before it."""
    resources: dict[str, Any] = {}
    for name, value in values.items():
        after = {"DependsOn": [*resources][-1]} if resources else {}
        resources[name] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}, **after}
    return {"Resources": resources}


def holding(value: str) -> dict[str, Any]:
    """A template of ``Setting``, which is changed first, and ``Later``, before which a stack waits for a signal."""
    changed = settings(Setting=value, Later=value)["Resources"]
    held: dict[str, Any] = {"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": "Setting"}
    held["CreationPolicy"] = {"ResourceSignal": {"Count": 1, "Timeout": "PT2M"}}
    return {
        "Resources": {"Setting": changed["Setting"], "Held": held, "Later": {**changed["Later"], "DependsOn": "Held"}}
    }


def pinned(value: str) -> dict[str, Any]:
    """A template of ``Setting``, and of ``Door``, whose value is the NoEcho parameter ``Pin``."""
    door = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Pin"}}}
    resources = {**setting(value)["Resources"], "Door": door}
    # Masked in a plan by its name, and still set.
    sounds = {"HousePassword": {"Type": "String", "Default": "open"}}
    return {"Parameters": {"Pin": {"Type": "String", "NoEcho": True}, **sounds}, "Resources": resources}


def reading(name: str) -> dict[str, Any]:
    """A template whose ``Setting`` is what CloudFormation reads from an SSM parameter of this name."""
    parameter = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": name}
    return {"Parameters": {"Read": parameter}, **setting({"Ref": "Read"})}


def nesting(file: str) -> dict[str, Any]:
    """A template of one nested stack, ``Child``, whose own template is a file of the release."""
    url = f"https://s3.${{AWS::Region}}.${{AWS::URLSuffix}}/${{ReleaseBucket}}/${{ReleasePrefix}}/{file}"
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Fn::Sub": url}}}
    parameters = {name: {"Type": "String"} for name in ("ReleaseBucket", "ReleasePrefix")}
    return {"Parameters": parameters, "Resources": {"Child": child}}


def hidden_group(cidr: str) -> dict[str, Any]:
    """A template of a security group whose source is known only once deployed."""
    group = security_group(cidr={"Fn::GetAtt": ["Setting", "Value"]})
    return {"Resources": {**setting(cidr)["Resources"], **group["Resources"]}}


def security_group(*, cidr: Any = "10.0.0.0/8", parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A template of one security group that allows ``cidr`` in by SSH."""
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": cidr, "Description": "administration"}
    out = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8", "Description": "inside"}
    properties = {
        "GroupDescription": "a group",
        "SecurityGroupIngress": [rule],
        "SecurityGroupEgress": [out],
    }
    resources = {"Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}}
    return {"Parameters": dict(parameters or {}), "Resources": resources}


@dataclass(frozen=True)
class Release:
    """One release. ``stacks`` maps each registered stack, in deploy order, to its template.

    ``depends_on`` and ``parameters`` are by stack; ``manifest`` replaces keys of ``release.yaml``, ``more`` holds files
    beside the templates, ``tampered`` their content in the archive if it differs from their digest.
    """

    application: str
    version: str = "1.0.0"
    stacks: Mapping[str, Template] = field(default_factory=lambda: {"first": setting("1")})
    depends_on: Mapping[str, list[str]] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, bytes] = field(default_factory=dict)
    tampered: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        """Every file but the manifest."""
        templates = {f"{name}.json": json.dumps(template).encode() for name, template in self.stacks.items()}
        return {**templates, **self.more}

    def document(self) -> dict[str, Any]:
        """The content of ``release.yaml``."""
        return {
            "application": self.application,
            "version": self.version,
            "stacks": [self._stack(name) for name in self.stacks],
            "digests": {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()},
            **self.manifest,
        }

    def _stack(self, name: str) -> dict[str, Any]:
        stack: dict[str, Any] = {"name": name, "template": f"{name}.json"}
        if name in self.depends_on:
            stack["depends_on"] = self.depends_on[name]
        if name in self.parameters:
            stack["parameters"] = dict(self.parameters[name])
        return stack

    def archive(self) -> bytes:
        """The zip, deterministic."""
        return archive({"release.yaml": json.dumps(self.document()).encode(), **self.files, **self.tampered})


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, deterministic."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archived:
        for path, data in files.items():
            archived.writestr(zipfile.ZipInfo(path), data)
    return buffer.getvalue()
