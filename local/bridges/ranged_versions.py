"""Gap: the ``Range`` of a read of one version is ignored: the whole object comes back.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: a range is read from a named version as from the
current one. It can be removed once ministack does so.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import s3

OK, PARTIAL = 200, 206

Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Cut the range out of the version."""
    get_object = s3._get_object

    def get_range(bucket: str, key: str, headers: Mapping[str, str], query: Mapping[str, Any] | None = None) -> Answer:
        asked = headers.get("range", "")
        if not asked or not s3._qp(query or {}, "versionId", ""):
            return get_object(bucket, key, headers, query)  # type: ignore[no-any-return]
        whole = {name: value for name, value in headers.items() if name not in ("range", "x-amz-checksum-mode")}
        status, answered, body = get_object(bucket, key, whole, query)
        if status != OK:
            return status, answered, body
        found = s3._parse_range(asked, len(body))
        if found is None:
            refused = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, refused, s3._xml_body(s3._range_error_xml(bucket, key))
        first, last = found
        part = bytes(body[first : last + 1])
        content_range = {"Content-Length": str(len(part)), "Content-Range": f"bytes {first}-{last}/{len(body)}"}
        return PARTIAL, {**answered, **content_range}, part

    s3._get_object = get_range
