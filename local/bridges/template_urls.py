"""Gap: a template's URL is accepted in one form only: bucket and key in the path, the newest version.

AWS also accepts the bucket in the host name, and the version in ``versionId``
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html). It can be removed once ministack does.
"""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ministack.services import s3
from ministack.services.cloudformation import changesets, handlers, helpers, provisioners

BUCKET_IN_HOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3[.-].*amazonaws\.com(\.cn)?")


def install() -> None:
    """Convert every template's URL to the accepted form, and read the version it names."""
    resolve = helpers._resolve_template

    def resolve_any_form(parameters: Any) -> Any:
        url = urlsplit(helpers._p(parameters, "TemplateURL"))
        host = BUCKET_IN_HOST.fullmatch(url.hostname or "")
        path = f"/{host['bucket']}{url.path}" if host else url.path
        version = parse_qs(url.query).get("versionId", [""])[0]
        if version:
            bucket, _, key = path.lstrip("/").partition("/")
            body = s3._get_object_data(bucket, key, version)
            if body is not None:
                return body.decode(), None
        return resolve({**parameters, "TemplateURL": [f"https://s3.amazonaws.com{path}"]} if host else parameters)

    for module in (helpers, handlers, changesets, provisioners):
        if hasattr(module, "_resolve_template"):
            module._resolve_template = resolve_any_form
