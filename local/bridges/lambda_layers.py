"""Gap: every worker of a function unpacks the function's layers again, which takes longer than its work.

On AWS a layer is in ``/opt`` when an environment starts, and read-only
(https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html). Here each is unpacked once, and shared by all
workers of all functions. It can be removed once ministack shares layers between its workers.
"""

import hashlib
import os
import tempfile
import threading
import zipfile
from pathlib import Path

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

SEEN_BY_WORKERS = "_LAMBDA_LAYERS_DIRS"
"""The variable that names a worker's layers."""
_one_at_a_time = threading.Lock()


def install() -> None:
    """Start workers with layers that are already unpacked."""
    spawn = lambda_runtime.Worker._spawn
    unpacked = Path(tempfile.mkdtemp(prefix="layers-"))

    def spawn_with_shared_layers(self: lambda_runtime.Worker) -> None:
        own = self.config
        archives = [lambda_svc._resolve_layer_zip(layer) for layer in own.get("Layers", [])]
        shared = os.pathsep.join(str(_directory(archive, unpacked)) for archive in archives if archive)
        variables = {**own.get("Environment", {}).get("Variables", {}), SEEN_BY_WORKERS: shared}
        self.config = {**own, "Layers": [], "Environment": {"Variables": variables}}
        try:
            spawn(self)
        finally:
            self.config = own

    lambda_runtime.Worker._spawn = spawn_with_shared_layers


def _directory(archive: bytes, unpacked: Path) -> Path:
    """The directory of a layer's content."""
    place = unpacked / hashlib.sha256(archive).hexdigest()
    with _one_at_a_time:
        if not place.exists():
            packed = place.with_suffix(".zip")
            packed.write_bytes(archive)
            with zipfile.ZipFile(packed) as content:
                content.extractall(place.with_suffix(".new"))
            packed.unlink()
            place.with_suffix(".new").rename(place)
    return place
