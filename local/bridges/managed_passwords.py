"""Gap: moto keeps the secrets of managed master passwords in a Secrets Manager of its own, all with one password.

Here they are in the engine's, each with its database's user and a password of its own, and rotating one changes it
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html). It can be removed once ministack's
RDS is used again.
"""

import json
import secrets
from dataclasses import dataclass

from ministack.services import secretsmanager
from moto.rds.models import MasterUserSecret
from moto.secretsmanager.models import SecretsManagerBackend


def install() -> None:
    """Let moto's RDS use the engine's Secrets Manager."""
    MasterUserSecret._create_secret = _create  # type: ignore[method-assign,assignment]
    MasterUserSecret._generate_secret_string = _generate  # type: ignore[method-assign]
    MasterUserSecret.rotate_secret = _rotate  # type: ignore[method-assign]
    MasterUserSecret.delete_secret = _delete  # type: ignore[method-assign]


@dataclass(frozen=True)
class _Secret:
    arn: str
    kms_key_id: str


def _create(self: MasterUserSecret, kms_key_id: str | None) -> _Secret:
    arn = secretsmanager.create_secret_in_process(
        self._generate_secret_name(), self._generate_secret_string(), self._generate_secret_description()
    )
    return _Secret(arn, kms_key_id or SecretsManagerBackend.DEFAULT_KMS_KEY_ALIAS)


def _generate(self: MasterUserSecret) -> str:
    """Give the database a new password, and return the secret's text."""
    password = self.resource.master_user_password = secrets.token_urlsafe(21)
    return json.dumps({"username": self.resource.master_username, "password": password})


def _rotate(self: MasterUserSecret) -> None:
    self._status = "rotating"
    secretsmanager.put_secret_value_in_process(self.secret_arn, self._generate_secret_string())


def _delete(self: MasterUserSecret) -> None:
    secretsmanager.delete_secret_in_process(self.secret_arn)
