"""Stages in other accounts and regions: what they need there, and what Belay needs to hear of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from belay.control.spokes import FORWARD, FORWARD_PIPELINES, SeenThere, needs
from belay.release.place import Power
from belay.release.registration import Stage
from cli.account import Account
from cli.examinations.examined import Examined, named, ok, problem, unknown
from cli.problems import Refused
from cli.spoke_template import account_command, region_command


def elsewhere(belay: Account) -> Iterator[Examined]:
    """Look at each account and region that has stages, and at those stages."""
    registered = belay.registrations.read().stages
    places: dict[tuple[str, str], list[Stage]] = {}
    for stage in registered:
        if place := belay.aws.elsewhere(stage.place):
            places.setdefault((place.account, place.region), []).append(stage)
    if not places:
        return
    accounts = belay.given.get("SpokeAccounts", "").split(",")
    looked = seen(belay)
    for (account, region), stages in places.items():
        where = f"account {account}, region {region}"
        found = {each.application: each for each in looked if (each.account, each.region) == (account, region)}
        yield _events(where, account, accounts)
        yield from _forwarded(belay, where, [*found.values()], region_command(account, region, stages))
        yield _files(belay, where, account, region)
        for stage in stages:
            yield from _reached(stage, found[stage.application], account_command(account, registered))


def seen(belay: Account) -> list[SeenThere]:
    """Return what Belay sees where stages elsewhere are; only its functions may look there. Raises ``Refused``."""
    done = belay.aws.sweep_function(belay.output("SweepFunctionName")).examine()
    if "spokes" not in done:
        raise Refused(f"Belay could not look at the stages elsewhere: {done.get('errorMessage', done)}")
    return [SeenThere(**each) for each in done["spokes"]]


def _events(where: str, account: str, accounts: list[str]) -> Examined:
    what = f"events of {where}"
    if account in accounts:
        return ok(what, "Belay's bus takes what the account forwards")
    do = f"deploy Belay with SpokeAccounts={','.join([*filter(None, accounts), account])}"
    return problem(what, f"Belay's parameter SpokeAccounts does not name {account}", do)


def _forwarded(belay: Account, where: str, found: Sequence[SeenThere], prints: str) -> Iterator[Examined]:
    """Look whether a region's rules send its events to Belay's bus; ``prints`` is the command that prints them."""
    what = f"rule of {where}"
    arn = belay.aws.here.arn("events", f"event-bus/{belay.stack}-spokes")
    looked = [each for each in found if not each.fault]
    if not looked:
        yield unknown(what, "Belay cannot look there", "see what prevents it, below")
        return
    do = f"{prints}, and deploy it in that region of the account, as its first line says (docs/accounts.md, step 4)"
    pipelines = [each.pipelines_to for each in looked if each.pipelines_to is not None]
    missing = [
        f"no rule {rule} sends {events} to {arn}: {otherwise}"
        for rule, events, otherwise, targets in (
            (FORWARD, "failed stacks", "only the sweep finds what fails", looked[0].forwards_to),
            (FORWARD_PIPELINES, "pipeline events", "Belay follows no pipeline there", next(iter(pipelines), [arn])),
        )
        if arn not in targets
    ]
    yield from (problem(what, each, do) for each in missing)
    if not missing:
        yield ok(what, f"it forwards to {arn}")


def _files(belay: Account, where: str, account: str, region: str) -> Examined:
    bucket, what = f"{belay.stack}-files-{belay.aws.account}-{region}", f"files for {where}"
    do = f"deploy accounts/hub_region.yaml to {region} of this account, with {account} in SpokeAccounts"
    policy = belay.aws.in_region(region).buckets.policy(bucket)
    if policy is None:
        return problem(what, f"there is no bucket {bucket} that anybody may read", do)
    if account not in policy:
        return problem(what, f"{account} may not read from the bucket {bucket}", do)
    return ok(what, f"{account} may read its files in {bucket}")


def _reached(stage: Stage, found: SeenThere, prints: str) -> Iterator[Examined]:
    """Look whether Belay can work in a stage; ``prints`` is the command that prints what its account needs."""
    what = named(stage)
    account = f"{prints}, and deploy it there, as its first line says (docs/accounts.md, step 3)"
    if found.fault:
        enable = f"aws account enable-region --region-name {found.region}, in that account; if it is enabled: {account}"
        yield problem(what, found.fault, enable if "is not enabled in the account" in found.fault else account)
        return
    needed = {power: lacks for power, lacks in found.roles.items() if needs(stage, Power(power))}
    lacking = {power: "; ".join(lacks) for power, lacks in needed.items() if lacks}
    yield from (problem(what, f"belay-{power}: {lacks}", account) for power, lacks in lacking.items())
    if not lacking:
        yield ok(what, f"the roles for {', '.join(needed)} of {stage.place} trust Belay for {stage.application}")
