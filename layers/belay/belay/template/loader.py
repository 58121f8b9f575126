"""Reads a CloudFormation template, YAML or JSON, into a tree of nodes with line and column.

Templates are untrusted input: excessive size, depth or number of nodes after aliases are expanded, duplicate keys, and
tags unknown to CloudFormation are refused with file, line and column.
"""

from belay.errors import UnreadableTemplate
from belay.template.json_reader import read_json
from belay.template.limits import MAX_BYTES
from belay.template.nodes import Document, MappingNode, Node
from belay.template.yaml_reader import read_yaml

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def load(data: bytes, path: str) -> Document:
    """Read one template.

    Short tags become their long forms (``!GetAtt a.b`` is ``{"Fn::GetAtt": "a.b"}``), aliases and merge keys are
    expanded, comments are dropped. ``path`` is only used in error messages and findings.

    Raises :class:`UnreadableTemplate` if the bytes are not UTF-8 YAML or JSON, exceed a limit, repeat a key, or are not
    a template (a mapping with a ``Resources`` mapping).
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
    """
    return Document(path, _template(_read(data, path), path))


def _read(data: bytes, path: str) -> Node:
    if len(data) > MAX_BYTES:
        raise UnreadableTemplate(
            f"{path}: expected at most {MAX_BYTES:,} bytes, found {len(data):,}. CloudFormation accepts templates "
            "of up to 1 MB: split it into nested stacks."
        )
    body = data.removeprefix(BYTE_ORDER_MARK)
    if body.lstrip()[:1] != b"{":
        return read_yaml(body, path)
    # A brace also starts YAML's flow style, so a text that is not JSON is tried as YAML.
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise UnreadableTemplate(f"{path}: expected UTF-8, found byte {body[error.start]:#04x}.") from error
    node = read_json(text, path)
    return read_yaml(body, path) if node is None else node


def _template(root: Node, path: str) -> MappingNode:
    place = f"{path}:{root.line}:{root.column}"
    if not isinstance(root, MappingNode):
        raise UnreadableTemplate(f"{place}: expected a template, a mapping with Resources; found no mapping.")
    resources = root.entries.get("Resources")
    if resources is None:
        found = ", ".join(list(root.entries)[:5]) or "nothing"
        raise UnreadableTemplate(f"{place}: expected a template with Resources; found {found}.")
    if not isinstance(resources, MappingNode):
        raise UnreadableTemplate(
            f"{path}:{resources.line}:{resources.column}: expected Resources to be a mapping of logical ids."
        )
    return root
