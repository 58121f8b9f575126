"""Where releases are uploaded: ``releases/<application>/<anything>.zip``."""

import re
from typing import Final

from belay.release.names import NAME

_KEY: Final = re.compile(rf"releases/(?P<application>{NAME.pattern})/.*[^/]\.zip", re.DOTALL)


def application_of(key: str) -> str | None:
    """Give the application an S3 key uploads a release of; None when the key is no release at all."""
    found = _KEY.fullmatch(key)
    return found["application"] if found else None
