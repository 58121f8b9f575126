"""``belay retry RELEASE``: deploy a release again, by copying the object that was uploaded onto itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import click

from belay.aws.clock import timestamp
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt
from belay.release.records import Outcome, Upload
from cli.account import Account, Where, calls_aws
from cli.follow import Wait, finish, waits
from cli.naming import ReleaseName, find_attempts, release_argument
from cli.problems import Refused
from cli.registration_files import APPLICATION_FILE, checked
from cli.views.followed import Follower


@dataclass(frozen=True)
class UploadedAgain:
    """A version of an object, and the newer one that has the same content."""

    before: Upload
    now: Upload

    @property
    def url(self) -> str:
        """The object."""
        return f"s3://{self.now.bucket}/{self.now.key}"


@click.command()
@release_argument
@waits([Outcome.DEPLOYED])
@calls_aws
def command(release: ReleaseName, wait: Wait, where: Where, output: str) -> int:
    """Deploy a release again, by copying the uploaded object onto itself.

    It was not deployed, or was rolled back, or a stage of it was registered in another account or region since.
    """
    belay = Account.of(where)
    again = upload_again(belay, release)
    found = {"upload": again.url, "of": again.before.version_id, "version_id": again.now.version_id}
    told = [
        f"{again.url} was uploaded again as version {again.now.version_id}",
        f"follow it:  belay status {release.application} --watch",
    ]
    look = partial(Follower(belay).upload, again.now, timestamp())
    return finish(look, str(release), found, told, wait=wait, output=output, good=[Outcome.DEPLOYED])


def upload_again(belay: Account, name: ReleaseName) -> UploadedAgain:
    """Make a release's version of its object the newest again, and return both. Raises ``Refused``."""
    upload = to_retry(belay, name)
    version_id = belay.aws.uploads(upload.bucket).put_again(upload.key, upload.version_id)
    if version_id is None:
        raise Refused(f"s3://{upload.bucket}/{upload.key}: this version is gone; push the zip again")
    return UploadedAgain(upload, replace(upload, version_id=version_id))


def to_retry(belay: Account, name: ReleaseName) -> Upload:
    """Return the upload to retry. Raises ``Refused`` if it has not ended, or is deployed where it is registered."""
    attempt = find_attempts(belay.ledger, name)[-1]
    if attempt.outcome is None:
        raise Refused(f"{name} has not ended yet; see `belay status {name.application}`")
    if attempt.outcome is Outcome.DEPLOYED and not (_was_taken_back(belay.ledger, attempt) or _moved(belay, attempt)):
        raise Refused(f"{name} is deployed, so it cannot be retried")
    return attempt.upload


def _was_taken_back(ledger: Ledger, attempt: Attempt) -> bool:
    """Whether a stage that an attempt was deployed to has left it again."""
    history = [each for one in attempt.stages for each in ledger.stages.history(attempt.application, one.stage)]
    return any(each.release.attempt == attempt.id and each.taken_back is not None for each in history)


def _moved(belay: Account, attempt: Attempt) -> bool:
    """Whether a stage is registered in another account or region than the one that an attempt was deployed to."""
    document = None if attempt.release is None else belay.artifacts.get_json(attempt.release.document_key)
    if document is None:
        return False
    deployed = AcceptedRelease.from_dict(document).stages
    texts = belay.registrations.texts(attempt.application)
    registered = checked(attempt.application, {APPLICATION_FILE: texts[0], **texts[1]}).stages
    elsewhere = belay.aws.elsewhere
    return any(elsewhere(each.place) != elsewhere(deployed.get(each.name, each).place) for each in registered)
