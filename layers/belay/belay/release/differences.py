"""How two releases differ, according to their manifests."""

from collections.abc import Mapping

from belay.release.manifest import Manifest, ManifestStack


def differences(new: Manifest, deployed: Manifest | None) -> list[str]:
    """Describe how a release differs from the deployed one, one line per stack, changes first; None without one.

    An unchanged template may still change its stack, through a nested template or a file that it names: those are in
    the last line. A change set's effects are known only once it is created.
    """
    before = {} if deployed is None else {stack.name: stack for stack in deployed.stacks}
    changed: list[str] = []
    same: list[str] = []
    for stack in new.stacks:
        what = _stack(stack, before.get(stack.name), new, deployed)
        (changed if what else same).append(f"stack {stack.name}: {what or 'same template and parameters'}")
    now = {stack.name for stack in new.stacks}
    gone = [f"stack {name}: no longer part of the release; not changed" for name in before if name not in now]
    return [*changed, *gone, *same, *_files(new, deployed)]


def _stack(stack: ManifestStack, before: ManifestStack | None, new: Manifest, deployed: Manifest | None) -> str:
    if before is None or deployed is None:
        return f"new, from {stack.template}"
    words = []
    if new.digests[stack.template] != deployed.digests[before.template]:
        words.append(f"new template ({stack.template})")
    other = _changed(dict(before.parameters), dict(stack.parameters))
    if other:
        words.append(f"new parameters ({', '.join(other)})")
    return ", ".join(words)


def _files(new: Manifest, deployed: Manifest | None) -> list[str]:
    templates = {stack.template for stack in new.stacks}
    files = {path: digest for path, digest in new.digests.items() if path not in templates}
    if deployed is None:
        return [f"{len(files)} other files"] if files else []
    templates = {stack.template for stack in deployed.stacks}
    before = {path: digest for path, digest in deployed.digests.items() if path not in templates}
    counts = {
        "new": len(files.keys() - before.keys()),
        "changed": sum(before.get(path, digest) != digest for path, digest in files.items()),
        "gone": len(before.keys() - files.keys()),
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return [f"other files: {told}"] if told else []


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
