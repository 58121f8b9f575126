"""The write-only properties of resource types, from the schemas bundled with cfn-lint.

``python -m tests.conventions.write_only`` writes them into the layer.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[2] / "layers/belay/belay/template/write_only.json"

_NO_SECRET = ({"boolean"}, {"integer"}, {"number"})


def write_only() -> dict[str, list[str]]:
    """Return the paths of each type's write-only properties, with ``*`` for any item, without what cannot be a secret.

    That is a boolean, a number, or one of a few texts that the schema lists
    (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html).
    """
    found: dict[str, set[str]] = {}
    for each in sorted((Path(str(files("cfnlint"))) / "data/schemas/resources").glob("*.json")):
        schema = json.loads(each.read_text())
        paths = {path.removeprefix("/properties/") for path in schema.get("writeOnlyProperties", [])}
        found.setdefault(schema["typeName"], set()).update(path for path in paths if _may_be_secret(schema, path))
    return {kind: sorted(paths) for kind, paths in sorted(found.items()) if paths}


def _may_be_secret(schema: dict[str, Any], path: str) -> bool:
    node: dict[str, Any] = schema
    for part in path.split("/"):
        node = _followed(schema, node)
        node = node.get("items", {}) if part == "*" else node.get("properties", {}).get(part, {})
    node = _followed(schema, node)
    kinds = node.get("type")
    return "enum" not in node and ({kinds} if isinstance(kinds, str) else set(kinds or ())) not in _NO_SECRET


def _followed(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = schema
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def table() -> str:
    """Return the table as stored in the layer: one line per type."""
    lines = [f"{json.dumps(kind)}: {json.dumps(paths)}" for kind, paths in write_only().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TABLE.write_text(table())
