"""The installed browser for the console's tests and pictures."""

import shutil
from typing import Final

BROWSERS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge-stable",
    "microsoft-edge",
)
QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""For a machine without a screen, whose user may be root, and for a browser that shows no prompts."""


def installed_browser() -> str:
    """Return the path of an installed browser. Raises ``FileNotFoundError``, which says what to install."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        known = ", ".join(BROWSERS)
        raise FileNotFoundError(f"no browser is installed: expected one of {known} (on Debian: apt install chromium)")
    return found
