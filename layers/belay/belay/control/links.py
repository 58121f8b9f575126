"""Creating the signed approval links in messages, if they are switched on."""

from dataclasses import replace

from belay.approval.link import Link
from belay.approval.request import ApprovalRequest
from belay.aws.kms import MacKey

OFF = "off"
"""The environment variable's value when the template's ``ApprovalLinks`` is off."""


class Links:
    """Links to one function URL, with codes of one key."""

    def __init__(self, key: MacKey, url: str) -> None:
        self._key = key
        self._url = url

    def add_to(self, request: ApprovalRequest) -> ApprovalRequest:
        """Return the request with its link, unless links are off or the approver must be known (four eyes)."""
        if self._url == OFF or request.stage.approval.four_eyes:
            return request
        release = request.sealed.release
        link = Link(
            release.application,
            release.version,
            request.stage.name,
            release.attempt,
            request.seal.digest,
            request.expires_at.isoformat(timespec="milliseconds"),
        )
        return replace(request, link=f"{self._url}?token={link.token(self._key.generate_mac(link.message))}")
