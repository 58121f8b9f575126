"""Where releases are uploaded: ``releases/<application>/<anything>.zip``."""

import re
from typing import Final

from belay.release.names import NAME

_KEY: Final = re.compile(rf"releases/(?P<application>{NAME.pattern})/.*[^/]\.zip", re.DOTALL)


def application_of(key: str) -> str | None:
    """Return the application of a release's S3 key; None if the key is not a release's."""
    found = _KEY.fullmatch(key)
    return found["application"] if found else None
