"""Finds the file of the release that the URL of a nested template names."""

import posixpath
import re

from belay.template.values import Unknown

BUCKET, PREFIX, REGION, SUFFIX = "\x01\x02\x03\x04"
"""The characters in a URL that represent values known at deployment. A URL that contains them is rejected."""
PSEUDO_PARAMETERS = {"AWS::Region": REGION, "AWS::URLSuffix": SUFFIX}
UNPRINTABLE = re.compile(r"[\x00-\x1f]")

# Virtual-hosted and path-style addresses, with or without a region; region and suffix may be pseudo parameters.
# Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html. A key that is spelled differently
# from the file's name (escaped, with a query) does not match that file.
DOMAIN = rf"s3(?:[.-](?:dualstack\.)?(?:[a-z0-9-]+|{REGION}))?\.(?:amazonaws\.com(?:\.cn)?|{SUFFIX})"
VIRTUAL_HOSTED = re.compile(rf"https?://(?P<bucket>[^/]+)\.{DOMAIN}/(?P<key>[^?#%+]+)")
PATH_STYLE = re.compile(rf"https?://{DOMAIN}/(?P<bucket>[^/]+)/(?P<key>[^?#%+]+)")

Place = tuple[str | Unknown, str | Unknown]
"""The bucket and the prefix of a release's files."""


def release_file(url: str | Unknown, *, parent: str, release: Place) -> str | None:
    """Return the path in the release that ``url`` names, or ``None`` if it is not in the release.

    ``parent`` is the path of the template that has the URL; relative paths, as ``aws cloudformation package`` accepts
    them, start there. A bucket or prefix that is not known is only the release's if it is the same unknown value.
    """
    text = _written(url, release)
    if text is None:
        return None
    if "://" not in text:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(parent), text))
        return None if path.startswith(("..", "/")) or UNPRINTABLE.search(path) else path
    match = VIRTUAL_HOSTED.fullmatch(text) or PATH_STYLE.fullmatch(text)
    bucket, prefix = (_stand_in(each, release) for each in release)
    start = (prefix or "").strip("/") + "/"
    if match is None or match["bucket"] != bucket or not match["key"].startswith(start):
        return None
    path = match["key"].removeprefix(start)
    return path if path == posixpath.normpath(path) and not path.startswith("..") else None


def _written(url: str | Unknown, release: Place) -> str | None:
    """Return a URL with a character for each known unknown; ``None`` if it has others, or contains such a character."""
    pieces = [_stand_in(part, release) for part in ((url.parts or (url,)) if isinstance(url, Unknown) else (url,))]
    texts = [piece for piece in pieces if piece is not None]
    return "".join(texts) if len(texts) == len(pieces) else None


def _stand_in(part: str | Unknown, release: Place) -> str | None:
    if isinstance(part, str):
        return None if UNPRINTABLE.search(part) else part
    for known, character in zip(release, (BUCKET, PREFIX), strict=True):
        if part is known:
            return character
    return PSEUDO_PARAMETERS.get(part.key)
