"""Gap: a role's session outlives the role, and belongs to the next role of that name.

On AWS a role has a unique id: its sessions are deleted with it, and a role recreated under the same name has another id
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids). It can be removed
once ministack does the same.
"""

from typing import Any

from ministack.core.responses import AccountScopedDict
from ministack.services import iam, sts


def install() -> None:
    """Delete a role's sessions with the role."""
    iam._roles.__class__ = _EndedRoles


class _EndedRoles(AccountScopedDict):  # type: ignore[misc]
    __slots__ = ()

    def pop(self, name: str, *default: Any) -> Any:
        role = super().pop(name, *default)
        of_role = f"{(role or {}).get('RoleId')}:"
        for key in [key for key, each in sts._sessions.items() if str(each.get("UserId")).startswith(of_role)]:
            del sts._sessions[key]
        return role
