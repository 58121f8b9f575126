"""Making the signed links that messages carry where they are switched on."""

from dataclasses import replace

from belay.approval.link import Link
from belay.approval.request import ApprovalRequest
from belay.aws.kms import MacKey

OFF = "off"
"""What the environment says where the template's ``ApprovalLinks`` is not switched on."""


class Links:
    """Links to one function URL, with codes of one key."""

    def __init__(self, key: MacKey, url: str) -> None:
        self._key = key
        self._url = url

    def add_to(self, request: ApprovalRequest) -> ApprovalRequest:
        """Return the request with its link, unless links are off or another than an unknown person has to approve."""
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
