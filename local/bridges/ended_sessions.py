"""Gap: the session of a role goes on when the role is deleted, and belongs to the next role of that name.

On AWS a role is known by its unique id: with it go its sessions, and a role that is made anew under the same name has
another one (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids). It can
go when ministack does the same.
"""

from typing import Any

from ministack.core.responses import AccountScopedDict
from ministack.services import iam, sts


def install() -> None:
    """Forget the sessions of a role with the role."""
    iam._roles.__class__ = _EndedRoles


class _EndedRoles(AccountScopedDict):  # type: ignore[misc]
    __slots__ = ()

    def pop(self, name: str, *default: Any) -> Any:
        role = super().pop(name, *default)
        of_role = f"{(role or {}).get('RoleId')}:"
        for key in [key for key, each in sts._sessions.items() if str(each.get("UserId")).startswith(of_role)]:
            del sts._sessions[key]
        return role
