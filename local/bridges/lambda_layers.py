"""Gap: every worker of a function unpacks the function's layers again, which takes longer than its work.

On AWS a layer is in ``/opt`` when an environment starts, and read-only
(https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html). Here each is unpacked once, and shared by all
workers of all functions and by the next engines: Belay's takes a second. It can be removed once ministack shares layers
between its workers.
"""

import hashlib
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

SEEN_BY_WORKERS = "_LAMBDA_LAYERS_DIRS"
"""The variable that names a worker's layers."""
LAYERS_KEPT = 9
SECONDS_KEPT = 86400.0
_one_at_a_time = threading.Lock()


def install(unpacked: Path) -> None:
    """Start workers with layers that are already unpacked; ``unpacked`` is where engines have them in common."""
    spawn = lambda_runtime.Worker._spawn
    unpacked.mkdir(parents=True, exist_ok=True)
    for each in unneeded((place, _last_used(place)) for place in unpacked.iterdir()):
        shutil.rmtree(each, ignore_errors=True)

    def spawn_with_shared_layers(self: lambda_runtime.Worker) -> None:
        own = self.config
        archives = [lambda_svc._resolve_layer_zip(layer) for layer in own.get("Layers", [])]
        shared = os.pathsep.join(str(directory(archive, unpacked)) for archive in archives if archive)
        variables = {**own.get("Environment", {}).get("Variables", {}), SEEN_BY_WORKERS: shared}
        self.config = {**own, "Layers": [], "Environment": {"Variables": variables}}
        try:
            spawn(self)
        finally:
            self.config = own

    lambda_runtime.Worker._spawn = spawn_with_shared_layers


def directory(archive: bytes, unpacked: Path) -> Path:
    """The directory of a layer's content, unpacked if it is not there yet."""
    place = unpacked / _digest(archive)
    with _one_at_a_time:
        if not place.exists():
            _unpack(archive, place)
    os.utime(place)
    return place


def _unpack(archive: bytes, place: Path) -> None:
    """Unpack a layer. Another engine may do the same: the first one's stays."""
    new = Path(tempfile.mkdtemp(dir=place.parent, prefix="new-"))
    packed = new / "layer.zip"
    packed.write_bytes(archive)
    with zipfile.ZipFile(packed) as content:
        content.extractall(new / "layer")
    try:
        (new / "layer").rename(place)
    except OSError:
        if not place.exists():
            raise
    shutil.rmtree(new)


def unneeded(places: Iterable[tuple[Path, float]]) -> list[Path]:
    """The places that are to be removed, of places with the time of their last use: all but the last ones and those of
    the last day.
    """
    by_use = sorted(places, key=lambda each: each[1])
    return [place for place, used in by_use[:-LAYERS_KEPT] if used < time.time() - SECONDS_KEPT]


def _last_used(place: Path) -> float:
    """When a layer was last used; long ago if another engine, which starts as well, removed it meanwhile."""
    try:
        return place.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@lru_cache(maxsize=LAYERS_KEPT)
def _digest(archive: bytes) -> str:
    return hashlib.sha256(archive).hexdigest()
