"""Finds the file of the release that the URL of a nested template names."""

from __future__ import annotations

import posixpath
import re

# Virtual-hosted and path-style addresses, with or without a region; region and suffix may be pseudo parameters.
# Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html. A key that is spelled differently
# from the file's name (escaped, with a query) does not match that file.
DOMAIN = (
    r"s3(?:[.-](?:dualstack\.)?(?:[a-z0-9-]+|\$\{AWS::Region\}))?\.(?:amazonaws\.com(?:\.cn)?|\$\{AWS::URLSuffix\})"
)
VIRTUAL_HOSTED = re.compile(rf"https?://(?P<bucket>[^/]+)\.{DOMAIN}/(?P<key>[^?#%+]+)")
PATH_STYLE = re.compile(rf"https?://{DOMAIN}/(?P<bucket>[^/]+)/(?P<key>[^?#%+]+)")


def release_file(url: str, *, parent: str, bucket: str, prefix: str) -> str | None:
    """Return the path in the release that ``url`` names, or ``None`` if it is not in the release.

    ``parent`` is the path of the template that has the URL; relative paths, as ``aws cloudformation package`` accepts
    them, start there. ``bucket`` and ``prefix`` are where the release's files are.
    """
    if "://" not in url:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(parent), url))
        return None if path.startswith(("..", "/")) or "${" in path else path
    match = VIRTUAL_HOSTED.fullmatch(url) or PATH_STYLE.fullmatch(url)
    start = prefix.strip("/") + "/"
    if match is None or match["bucket"] != bucket or not match["key"].startswith(start):
        return None
    path = match["key"].removeprefix(start)
    return path if path == posixpath.normpath(path) and not path.startswith("..") else None
