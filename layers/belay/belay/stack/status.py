"""The 23 statuses of a CloudFormation stack, and what they mean."""

from enum import StrEnum


class StackStatus(StrEnum):
    """A stack's status.

    The names are the API's ``StackStatus``
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html); their meanings are in AWS's
    table of stack status codes
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-data-resources-status-codes).
    """

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_FAILED = "CREATE_FAILED"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    ROLLBACK_COMPLETE = "ROLLBACK_COMPLETE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_FAILED = "DELETE_FAILED"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    UPDATE_ROLLBACK_IN_PROGRESS = "UPDATE_ROLLBACK_IN_PROGRESS"
    UPDATE_ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
    UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_ROLLBACK_COMPLETE = "UPDATE_ROLLBACK_COMPLETE"
    REVIEW_IN_PROGRESS = "REVIEW_IN_PROGRESS"
    IMPORT_IN_PROGRESS = "IMPORT_IN_PROGRESS"
    IMPORT_COMPLETE = "IMPORT_COMPLETE"
    IMPORT_ROLLBACK_IN_PROGRESS = "IMPORT_ROLLBACK_IN_PROGRESS"
    IMPORT_ROLLBACK_FAILED = "IMPORT_ROLLBACK_FAILED"
    IMPORT_ROLLBACK_COMPLETE = "IMPORT_ROLLBACK_COMPLETE"

    @property
    def in_progress(self) -> bool:
        """Whether CloudFormation is working on the stack, so that its status will change without another call.

        Not so in REVIEW_IN_PROGRESS: the stack is empty, "without any templates or resources", until its change set is
        executed (AWS's table of status codes).
        """
        return self.endswith("_IN_PROGRESS") and self is not StackStatus.REVIEW_IN_PROGRESS

    @property
    def terminal(self) -> bool:
        """Whether the status stays the same until CloudFormation is called again."""
        return not self.in_progress

    @property
    def succeeded(self) -> bool:
        """Whether the last create, update or import was completed.

        Not so in UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: the update is done, but old resources are still being removed and
        the stack accepts no other operation (AWS's table of status codes).
        """
        return self in _SUCCEEDED

    @property
    def rolled_back(self) -> bool:
        """Whether the last operation failed or was cancelled, and CloudFormation rolled it back completely."""
        return self in _ROLLED_BACK

    @property
    def failed(self) -> bool:
        """Whether CloudFormation stopped halfway: the stack is neither new nor old until another call is made."""
        return self.endswith("_FAILED")

    @property
    def rolling_back(self) -> bool:
        """Whether CloudFormation is rolling back, because the last operation failed or was cancelled."""
        return self.in_progress and "ROLLBACK" in self

    @property
    def turned_back(self) -> bool:
        """Whether the last operation did not succeed: rolled back, rolling back, or stuck."""
        return self.failed or self.rolled_back or self.rolling_back

    @property
    def updatable(self) -> bool:
        """Whether the stack accepts an update, that is, is in a "last known stable state".

        The five statuses are those on the page of ``RollbackStack``
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html).
        """
        return self in _UPDATABLE

    @property
    def holds_nothing(self) -> bool:
        """Whether there is no stack with a template: deleted, or the empty stack of a create change set."""
        return self in (StackStatus.DELETE_COMPLETE, StackStatus.REVIEW_IN_PROGRESS)


_SUCCEEDED = frozenset({StackStatus.CREATE_COMPLETE, StackStatus.UPDATE_COMPLETE, StackStatus.IMPORT_COMPLETE})

_ROLLED_BACK = frozenset(
    {StackStatus.ROLLBACK_COMPLETE, StackStatus.UPDATE_ROLLBACK_COMPLETE, StackStatus.IMPORT_ROLLBACK_COMPLETE}
)

_UPDATABLE = _SUCCEEDED | {StackStatus.UPDATE_ROLLBACK_COMPLETE, StackStatus.IMPORT_ROLLBACK_COMPLETE}
