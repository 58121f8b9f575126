"""Where releases are uploaded: ``releases/<application>/<anything>.zip``; for dry runs, to ``plans/``."""

import re
from typing import Final

from belay.release.names import NAME
from belay.release.origin import PLANS

_KEY: Final = re.compile(rf"releases/(?P<application>{NAME.pattern})/.*[^/]\.zip", re.DOTALL)
_PLANNED: Final = re.compile(rf"{PLANS}(?P<application>{NAME.pattern})/.*[^/]\.zip", re.DOTALL)


def application_of(key: str) -> str | None:
    """Return the application of a release's S3 key; None if the key is not a release's."""
    found = _KEY.fullmatch(key)
    return found["application"] if found else None


def planned_application_of(key: str) -> str | None:
    """Return the application of the S3 key of a dry run's upload; None if the key is not one."""
    found = _PLANNED.fullmatch(key)
    return found["application"] if found else None
