"""The user's credentials from the AWS configuration, and the services they reach."""

from __future__ import annotations

from functools import partial

import boto3
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError, NoRegionError

from belay.aws.gateways import Aws


class SignedIn:
    """A session with a region. ``aws`` has its services, all at ``endpoint_url`` if given."""

    def __init__(self, session: boto3.Session, endpoint_url: str | None = None) -> None:
        self._session = session
        self.aws = Aws(session.region_name, partial(session.client, endpoint_url=endpoint_url))

    @classmethod
    def with_profile(cls, name: str | None, region: str | None, endpoint_url: str | None) -> SignedIn:
        """Sign in with a profile, in a region; None leaves either to AWS's standard chain.

        Raises botocore's ``ProfileNotFound`` and ``NoRegionError``.
        """
        session = boto3.Session(profile_name=name, region_name=region)
        if session.region_name is None:
            raise NoRegionError
        return cls(session, endpoint_url)

    @property
    def credentials(self) -> Credentials:
        """The credentials, for requests sent without a client. Raises botocore's ``NoCredentialsError`` if there are
        none.
        """
        found: Credentials | None = self._session.get_credentials()
        if found is None:
            raise NoCredentialsError
        return found

    @property
    def ca_bundle(self) -> str | None:
        """The certificates that AWS_CA_BUNDLE or the profile's ca_bundle names, for those requests."""
        found: str | None = self._session._session.get_config_variable("ca_bundle")
        return found
