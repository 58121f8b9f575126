"""Sending a document to a Lambda function URL, signed with the caller's credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

_SERVICE = "lambda"
"""The service that a function URL's requests are signed for
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html)."""

_PATIENCE = (10, 310)
"""Seconds to connect, and to respond: the function that plans a rollback may take five minutes."""


def post_signed(
    url: str, document: Mapping[str, Any], credentials: Credentials, region: str, ca_bundle: str | None = None
) -> tuple[int, Any]:
    """POST a JSON document to a function URL with AWS_IAM authorization. Returns the status and the JSON response.

    It uses the environment's proxy, and trusts ``ca_bundle`` if configured, as botocore's own calls do. Raises
    botocore's ``HTTPClientError`` if there is no response. A response that is not JSON is returned as
    ``{"message": the text}``, like Lambda's own refusals.
    """
    body = json.dumps(document).encode()
    request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body)
    SigV4Auth(credentials, _SERVICE, region).add_auth(request)
    # botocore's stubs know neither a bundle's path nor two timeouts, both of which URLLib3Session documents.
    session: Any = URLLib3Session(
        verify=ca_bundle or True,  # type: ignore[arg-type]
        proxies=get_environ_proxies(url),
        timeout=_PATIENCE,  # type: ignore[arg-type]
    )
    answer = session.send(request.prepare())
    try:
        return answer.status_code, json.loads(answer.content)
    except ValueError:
        return answer.status_code, {"message": answer.text}
