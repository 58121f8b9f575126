"""Gap: a function sees every package of the engine's own environment.

On AWS it sees the standard library, its code, its layers and, behind those, boto3 with what that needs
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html). A layer that forgot a package would pass here and
fail there. It can be removed once ministack isolates its workers.
"""

import importlib.util
import tempfile
from pathlib import Path

from ministack.core import lambda_runtime

IN_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")

ISOLATE = """
import sys
sys.path[:] = [place for place in sys.path if "site-packages" not in place] + [{runtime!r}]
"""


def install() -> Path:
    """Restrict workers to the packages of AWS's runtime; return where these are."""
    runtime = Path(tempfile.mkdtemp(prefix="runtime-"))
    for name in IN_THE_RUNTIME:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise RuntimeError(f"{name} is not installed beside the engine, but Lambda's runtime has it")
        place = Path(found.origin)
        place = place.parent if place.name == "__init__.py" else place
        (runtime / place.name).symlink_to(place)
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    lambda_runtime._PYTHON_WORKER_SCRIPT = ISOLATE.format(runtime=str(runtime)) + script
    return runtime
