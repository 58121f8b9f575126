"""The ledger: what Belay remembers, in one DynamoDB table. Every claim and lock is one conditional write.

| PK | SK | item |
| --- | --- | --- |
| ``APPLICATION#<application>`` | ``ATTEMPT#<attempt>`` | one upload: version, state, outcome |
| ``APPLICATION#<application>`` | ``CLAIMED#<time>#<attempt>`` | index of attempts, in the order they were claimed |
| ``FILE#<application>#<file>`` | ``CLAIMED#<time>#<attempt>`` | the same, by file name |
| ``RELEASE#<application>#<version>`` | ``CLAIMED#<time>#<attempt>`` | the same, by version |
| ``APPLICATION#<application>`` | ``RELEASE#<version>`` | a version's newest attempt; the content it is bound to |
| ``APPLICATION#<application>`` | ``STAGE#<stage>`` | what the stage runs |
| ``APPLICATION#<application>`` | ``DEPLOYED#<stage>#<time>`` | what was deployed then; when it was rolled back |
| ``APPLICATION#<application>`` | ``DURATION#<stage>#<action>#<subject>`` | how long a recovery's step took |
| ``APPLICATION#<application>`` | ``INCIDENT#<incident>`` | one failure: cause, steps taken, outcome |
| ``APPLICATION#<application>`` | ``OPENED#<time>#<incident>`` | index of incidents, in the order they were opened |
| ``APPLICATION#<application>`` | ``DECISION#<incident>#<question>`` | a question of an incident and its answer |
| ``APPLICATION#<application>`` | ``FINDING#<stage>#<identity>`` | a finding of a stage's re-validation |
| ``APPLICATION#<application>`` | ``PIPELINE#<stage>#<execution id>`` | an execution of its pipeline |
| ``APPLICATION#<application>`` | ``PIPELINE#<stage>`` | when watching began; the last good execution |
| ``ATTEMPT#<application>#<attempt>`` | ``TRANSITION#<time>#<stage>#<state>`` | one transition |
| ``ATTEMPT#<application>#<attempt>`` | ``APPROVAL#<stage>`` | an approval: task token, seal, answer |
| ``ATTEMPT#<application>#<attempt>`` | ``HOLD#<stage>``, ``OVERRIDE#<stage>`` | held outside the windows; override |
| ``RELEASE#<application>#<version>`` | ``BASELINE#<stage>#<attempt>#<stack>`` | a stack as it was before |
| ``APPLICATION#<application>`` | ``UPLOADER#<key>#<version-id>`` | who uploaded it, according to CloudTrail |
| ``DATABASE#<application>#<stage>#<account>/<region>/<database>`` | ``CHANGE#<change>`` | what was last done with it |
| ``STACK#<stack id>`` | ``OPERATION#<client request token>`` | who started an operation |
| ``STACK#<stack id>`` | ``NEWEST`` | who started the newest operation, with what; does not expire |
| ``STACK#<stack id>`` | ``SETTLED`` | how a failed stack looked when its failure was last dealt with |
| ``LEFT`` | ``<application>#<stage>`` | the stacks that do not run what the stage runs |
| ``OPERATOR`` | ``<application>#<stage>#<incident>`` | an incident that left something to a person |
| ``STACKS`` | ``<account>/<region>/<stack name>`` | the stage that a stack belongs to |
| ``LOCK`` | ``<application>#<stage>`` | a stage's lock; ``...#WAITING#<attempt>`` a release in its queue |
| ``VAULT`` | ``<application>#<stage>#<snapshot>`` | a snapshot that is to be copied to a vault |
| ``PLAN`` | ``<application>#<stage>`` | a dry run of a release that is being made there |
| ``OPEN`` | ``UPLOAD#<attempt>`` / ``INCIDENT#...`` | what the sweep must see finished |
| ``UNHEALTHY`` | ``<incident>`` | an ended incident whose stacks are not stable yet |
| ``THREAD#<thread>`` | ``MESSAGES`` | the ordered keys of a thread's messages, and which were sent |
| ``THREAD#<thread>`` | ``MESSAGE#<number>`` | a message as it was sent |
| ``ASKED`` | ``<application>#<attempt>#<stage>`` | a pending approval, for reminders |
| ``PIPELINE`` | ``<application>#<stage>#<execution id>`` | an execution that the sweep must see finished |
| ``UNREADABLE`` | ``<parameter>`` | a registration that cannot be read, and since when |
| ``STACK#<stack id>`` | ``VALUES`` | what is known of the values that no call shows |
| ``UPLOADS`` | ``LOOK`` | how far the look for missed uploads has come |
| ``HELD`` | ``<time>#<key>#<version-id>`` | an upload that waits for the pause to end |
"""

from belay.aws.dynamodb import Table
from belay.ledger.approvals import ApprovalRecords
from belay.ledger.attempts import AttemptRecords
from belay.ledger.baselines import BaselineRecords
from belay.ledger.database_changes import DatabaseChangeRecords
from belay.ledger.decisions import DecisionRecords
from belay.ledger.dry_runs import DryRunRecords
from belay.ledger.findings import FindingRecords
from belay.ledger.holds import HoldRecords
from belay.ledger.incidents import IncidentRecords
from belay.ledger.locks import LockRecords
from belay.ledger.messages import MessageRecords
from belay.ledger.operations import OperationRecords
from belay.ledger.pipelines import PipelineRecords
from belay.ledger.registrations import RegistrationRecords
from belay.ledger.stack_claims import StackClaimRecords
from belay.ledger.stages import StageRecords
from belay.ledger.threads import ThreadRecords
from belay.ledger.uploads import UploadRecords
from belay.ledger.values import ValueRecords
from belay.ledger.vault_copies import VaultCopyRecords


class Ledger:
    """One table, one attribute for each kind of record.

    Times are ISO 8601 in UTC, leases epoch seconds.
    """

    def __init__(self, table: Table) -> None:
        self.uploads = UploadRecords(table)
        self.stages = StageRecords(table)
        self.incidents = IncidentRecords(table)
        self.attempts = AttemptRecords(table, self.stages, self.incidents)
        self.approvals = ApprovalRecords(table)
        self.holds = HoldRecords(table)
        self.locks = LockRecords(table)
        self.dry_runs = DryRunRecords(table)
        self.operations = OperationRecords(table)
        self.decisions = DecisionRecords(table)
        self.findings = FindingRecords(table)
        self.threads = ThreadRecords(table)
        self.messages = MessageRecords(table)
        self.pipelines = PipelineRecords(table)
        self.database_changes = DatabaseChangeRecords(table)
        self.baselines = BaselineRecords(table)
        self.registrations = RegistrationRecords(table)
        self.stack_claims = StackClaimRecords(table)
        self.values = ValueRecords(table)
        self.vault_copies = VaultCopyRecords(table)
