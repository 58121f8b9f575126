"""``belay plan``: a dry run of a release. Belay makes its change sets, shows what they would change, deletes them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from rich.console import Console

from belay.approval.elements import document
from belay.approval.stage_preview import PREVIEW, PREVIEW_PAGE, PlanOutcome, StagePreview
from belay.aws.s3 import ArtifactBucket
from belay.control.reasons import read_reason
from belay.documents import plain
from belay.errors import InvalidRelease
from belay.events.s3 import object_created
from belay.notify.told import in_words
from belay.release.manifest import Manifest
from belay.release.origin import PLANS
from belay.release.records import ReleaseReference, Upload
from cli.account import Account, Where, calls_aws
from cli.build import build_release, sha256_of
from cli.options import argument
from cli.output import reason_parts, tell
from cli.problems import REFUSED, Refused
from cli.push import put, read_release

_LOOK_EVERY_SECONDS: Final = 2.0
_DIGITS: Final = 12
_WORST_FIRST: Final = (PlanOutcome.REFUSED, PlanOutcome.NOT_PLANNED, PlanOutcome.BUSY)


@click.command()
@argument("path", type=click.Path(path_type=Path), help="directory with release.yaml and the files, or a built zip")
@click.option("--stage", "stages", multiple=True, metavar="STAGE", help="only this stage; once for each")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="write a page with all that would change")
@calls_aws
def command(*, path: Path, stages: tuple[str, ...], html: Path | None, where: Where, output: str) -> int:
    """Show what a release would change, without deploying it: in every lasting stage, or in those named.

    Belay checks it as it would check the release, makes its change sets, and deletes them again. Its version need not
    be free. Whoever deploys or recovers does not wait for a plan. The exit status is 1 unless all of it was planned.
    """
    with TemporaryDirectory() as folder:
        file = path if path.is_file() else _built(path, Path(folder) / "release.zip")
        manifest = read_release(file)
        belay, console = Account.of(where), Console(stderr=True, highlight=False)
        name = f"{manifest.application}-{manifest.version}-{sha256_of(file)[:_DIGITS]}.zip"
        upload = put(belay, file, manifest.application, f"{PLANS}{manifest.application}/{name}", console)
    execution = start(belay, upload, stages)
    ended = follow(belay, execution, f"planning {manifest.application} {manifest.version}", console)
    found = gather(belay.artifacts, manifest, execution, ended)
    if html is not None:
        html.write_text(page(belay.artifacts, found), encoding="utf-8")
    tell(output, found, render(found))
    return 0 if found["outcome"] == PlanOutcome.PLANNED else REFUSED


def _built(directory: Path, zip_file: Path) -> Path:
    try:
        return build_release(directory, zip_file).path
    except InvalidRelease as error:
        raise Refused("\n  ".join([f"{directory} is not a valid release:", *error.problems])) from error
    except OSError as error:
        raise Refused(f"{directory} could not be built: {error}") from error


def start(belay: Account, upload: Upload, stages: Sequence[str]) -> str:
    """Start the plan of an upload, which sends no event; return the execution's ARN."""
    machine = belay.machine("plan_release")
    region, account = machine.split(":")[3:5]
    event = object_created(upload, etag="", at=datetime.now(UTC), account=account, region=region)
    return belay.aws.executions.start_execution(machine, upload.attempt, {"upload": event, "stages": list(stages)})


def follow(belay: Account, execution: str, what: str, console: Console) -> Mapping[str, Any]:
    """Wait until a plan has ended; return what it says. Raises ``Refused`` if a fault ended it.

    An interruption ends the waiting, not the plan.
    """
    with console.status(what):
        try:
            while (ended := belay.aws.executions.ended(execution)) is None:
                time.sleep(_LOOK_EVERY_SECONDS)
        except KeyboardInterrupt:
            console.print("The plan continues, and deletes what it makes when it ends.")
            raise
    if ended.status != "SUCCEEDED":
        raise Refused(f"nothing was planned: {execution} ended {ended.status}: {ended.cause}")
    return ended.output


def gather(artifacts: ArtifactBucket, manifest: Manifest, execution: str, ended: Mapping[str, Any]) -> dict[str, Any]:
    """Gather what a plan found, stage by stage."""
    reference = ended.get("release")
    release = None if reference is None else ReleaseReference.from_dict(reference)
    stages = [] if release is None else [_stage(artifacts, release, each) for each in ended.get("stages", ())]
    outcomes = {PlanOutcome(ended["outcome"]), *(each.outcome for each in stages)}
    return {
        "release": f"{manifest.application}/{manifest.version}",
        "execution": execution,
        "outcome": next((each for each in _WORST_FIRST if each in outcomes), PlanOutcome.PLANNED),
        **reason_parts(read_reason(artifacts, ended.get("reason"))),
        "left": [each["stage"] for each in ended.get("stages", ()) if not each["gone"]],
        "stages": [plain(each) for each in stages],
    }


def _stage(artifacts: ArtifactBucket, release: ReleaseReference, ended: Mapping[str, Any]) -> StagePreview:
    """Return what was kept of a stage, or why nothing was, if nothing was looked at there."""
    kept = artifacts.get_json(release.stage_key(ended["stage"], PREVIEW))
    if kept is not None:
        return StagePreview.from_dict(kept)
    return StagePreview(
        ended["stage"], PlanOutcome(ended["outcome"]), in_words(read_reason(artifacts, ended["reason"]))
    )


def page(artifacts: ArtifactBucket, found: Mapping[str, Any]) -> str:
    """Return one page of what a plan found in all its stages; Belay made and escaped each part."""
    application, attempt = found["release"].partition("/")[0], found["execution"].rpartition(":")[2]
    keys = (f"{PLANS}{application}/{attempt}/{each['stage']}/{PREVIEW_PAGE}" for each in found["stages"])
    parts = [part.decode() for part in map(artifacts.get_bytes, keys) if part is not None]
    return document(f"Plan of {found['release']}", "".join(parts))


def render(found: Mapping[str, Any]) -> list[str]:
    """Show it as text: what changes in each stage, the riskiest first."""
    lines = [f"{found['release']}: {found['outcome']}", *(f"  {each}" for each in (found["reason"] or "").splitlines())]
    for each in found["stages"]:
        lines += ["", f"{each['stage']}: {each['outcome']}{', it ' + each['what'] if each['what'] else ''}"]
        lines += [f"  {line}" for line in each["why"].splitlines()]
        lines += [f"  {change['words']}" for change in each["changes"]]
        lines += [f"  {line}" for line in (*each["unplanned"], *each["parameters"])]
        lines += [f"  policies: {line}" for line in each["policies"]]
        lines += [f"  databases: {line}" for line in each["databases"]]
        lines += [f"  {line}" for line in (*each["forecast_lines"], *each["remarks"])]
    left = f"What was made in {', '.join(found['left'])} could not be deleted yet: the sweep will finish that."
    return [*lines, "", left if found["left"] else "Nothing was deployed, and what was made for the plan is deleted."]
