"""Credentials of other accounts than Belay's, of a vault's or a stage's, from profiles of the AWS configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import click

from belay.aws.gateways import Aws
from belay.errors import AccessDenied
from belay.release.registration import Stage
from belay.release.vault import Vault
from cli.account import Where, signed_in
from cli.problems import Refused

VAULT_PROFILE: Final = click.option(
    "--vault-profile", metavar="NAME", help="a profile with credentials for the vault's account; default: --profile's"
)
STAGE_PROFILE: Final = click.option(
    "--stage-profile", metavar="NAME", help="a profile with credentials for the stage's account; default: --profile's"
)


def of_vault(vault: Vault, profile: str | None, where: Where) -> Aws:
    """Return the services of a vault's account. Raises ``Refused`` where the credentials are of another one."""
    todo = (
        f"The copies are in account {vault.account}: pass --vault-profile with credentials for it that have the policy "
        "belay-lend-from-vault (accounts/vault.yaml). The owner of that account can provide them"
    )
    return _of(vault.account, vault.region, profile, where, todo)


def of_stage(stage: Stage, region: str, profile: str | None, where: Where) -> Aws:
    """Return the services where a stage lies. Raises ``Refused`` where the credentials are of another account."""
    todo = (
        f"{stage.application}/{stage.name} is in account {stage.account}: pass --stage-profile with credentials for it "
        "that have the policy belay-restore-from-vault (accounts/restorer.yaml). If that account is lost, register the "
        "stage in another one first: docs/lost-region.md"
    )
    return _of(stage.account, region, profile, where, todo)


@contextmanager
def policies_told() -> Iterator[None]:
    """Say which policies allow what AWS refuses to whoever restores from a vault."""
    try:
        yield
    except AccessDenied as refused:
        todo = (
            "--vault-profile needs the policy belay-lend-from-vault, --stage-profile belay-restore-from-vault: "
            "docs/accounts.md#who-restores-from-a-vault"
        )
        raise AccessDenied(refused.operation, refused.code, f"{refused.message}. {todo}") from refused


def _of(account: str, region: str, profile: str | None, where: Where, todo: str) -> Aws:
    aws = signed_in(replace(where, profile=profile or where.profile, region=region)).aws
    if aws.account != account:
        raise Refused(f"these credentials are for account {aws.account}. {todo}")
    return aws
