"""A release's changes, derived from two manifests."""

from typing import Any

import yaml

from belay.release.differences import differences
from belay.release.manifest import Manifest, parse_manifest


def manifest(version: str, stacks: dict[str, dict[str, Any]], **files: str) -> Manifest:
    digests = {f"{name}.yaml": (stack.pop("digest", "a") * 64)[:64] for name, stack in stacks.items()}
    document = {
        "application": "orders",
        "version": version,
        "stacks": [{"name": name, "template": f"{name}.yaml", **more} for name, more in stacks.items()],
        "digests": digests | {name.replace("_", "."): digest * 64 for name, digest in files.items()},
    }
    return parse_manifest(yaml.safe_dump(document).encode())


def test_the_first_release_brings_everything() -> None:
    new = manifest("1.0.0", {"network": {}, "service": {}}, index_js="b")
    assert differences(new, None) == [
        "stack network: new, from network.yaml",
        "stack service: new, from service.yaml",
        "1 other files",
    ]


def test_what_changes_stands_first_and_what_does_not_is_said_too() -> None:
    old = manifest("1.0.0", {"network": {}, "service": {"digest": "a"}, "alarms": {}}, a_js="b", b_js="c")
    new = manifest(
        "1.1.0",
        {"network": {}, "service": {"digest": "b", "parameters": {"Count": "2"}}, "queue": {}},
        b_js="d",
        c_js="e",
    )
    assert differences(new, old) == [
        "stack service: new template (service.yaml), new parameters (Count)",
        "stack queue: new, from queue.yaml",
        "stack alarms: no longer part of the release; not changed",
        "stack network: same template and parameters",
        "other files: 1 new, 1 changed, 1 gone",
    ]


def test_the_same_release_again_changes_nothing() -> None:
    same = manifest("1.0.0", {"network": {}}, a_js="b")
    assert differences(same, same) == ["stack network: same template and parameters"]
