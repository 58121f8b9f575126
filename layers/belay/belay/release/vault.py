"""The vault of a stage: another account, whose copies of its snapshots survive the loss of the stage's own."""

import re
from dataclasses import dataclass
from typing import Final

from belay.release.document import Fields
from belay.release.place import ACCOUNT, REGION, AccountRegion

ROLE_NAME: Final = "belay-vault"
"""The role of ``accounts/vault.yaml``."""

_KEY: Final = re.compile(r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)|alias)/[A-Za-z0-9/_-]{1,250}")
_USUAL_KEY: Final = "alias/belay-vault"
_MOST_KEPT: Final = 80
_USUALLY_KEPT: Final = 10


@dataclass(frozen=True)
class Vault:
    """An account and a region for copies of snapshots. ``key`` is a KMS key there; ``keep`` copies are retained per
    database.
    """

    partition: str
    account: str
    region: str
    key: str = _USUAL_KEY
    keep: int = _USUALLY_KEPT

    @property
    def where(self) -> AccountRegion:
        """Its account and region, which it shares with the vaults of other stages, whatever their key."""
        return AccountRegion(self.partition, self.account, self.region)

    @property
    def role(self) -> str:
        """The ARN of the account's own role, which makes and deletes copies there."""
        return f"arn:{self.partition}:iam::{self.account}:role/{ROLE_NAME}"

    def __str__(self) -> str:
        return f"the vault in account {self.account}, region {self.region}"


def read_vault(stage: Fields, *, whole: bool) -> Vault | None:
    """Read where copies of a stage's snapshots go; None if there is no vault, or an invalid one, which is noted.

    Only a ``whole`` stage is checked against the rest of its registration.
    """
    node = stage["vault"]
    if not node.present:
        return None
    fields = node.fields(["account", "region"], ["key", "keep"])
    role = str(stage["service_role"].value).split(":")
    vault = Vault(
        partition=role[1] if len(role) > 1 else "",
        account=fields["account"].text(ACCOUNT, "the id of an AWS account, 12 digits"),
        region=fields["region"].text(REGION, "the name of an AWS region"),
        key=fields["key"].text(_KEY, "a KMS key of the vault: alias/... or an ARN")
        if fields["key"].present
        else _USUAL_KEY,
        keep=fields["keep"].integer(1, _MOST_KEPT, _USUALLY_KEPT),
    )
    if vault.key.startswith("arn:") and vault.key.split(":")[3:5] != [vault.region, vault.account]:
        fields["key"].note(f"expected a key of {vault}")
    if not whole:
        return None
    if vault.account and vault.account in role[4:5]:
        fields["account"].note("expected another account than the stage's: it is for the case that this one is lost")
    if not stage["databases"].present:
        node.note("the stage has no databases: nothing would be copied")
    if stage["ephemeral"].value is True:
        node.note("an ephemeral stage has no data to keep")
    return vault if vault.account and vault.region else None
