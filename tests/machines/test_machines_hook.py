"""Belay's records of its operations on the engine are enough for the Hook to let them continue."""

from collections.abc import Callable
from datetime import date

import pytest
from deployed_belay import Application
from small_releases import setting

from belay.aws.cloudformation import Stacks
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.control.registrations import Registrations
from packs.hook.checking import TemplateRules
from packs.hook.invocation import STACK, Invocation
from packs.hook.judging import OWN, Judge

Applications = Callable[..., Application]
pytestmark = pytest.mark.at_home("the Hook is where Belay is")


def said(app: Application, stack_id: str, change_set_id: str | None, template: str) -> str:
    """The Hook's result for an operation on a stack."""
    aws = app.belay.aws
    artifacts = ArtifactBucket(aws("s3"), app.belay.outputs["ArtifactBucketName"])
    judge = Judge(
        app.belay.ledger.operations,
        Registrations(ParameterStore(aws("ssm")), artifacts),
        Stacks(aws("cloudformation")),
        TemplateRules(artifacts),
        lambda url: template,
        every_stack=False,
        undecided_holds=False,
    )
    asked = Invocation("token", STACK, False, stack_id, change_set_id, "https://s3.amazonaws.com/payload")
    return judge.answer(asked, date(2026, 1, 1)).message


def test_a_deployment_and_its_recovery_are_belay_s_own_and_nobody_else_s(application: Applications) -> None:
    app, order = application(), {"second": ["first"]}
    app.deploy("1.0.0", stacks={"first": setting("1.0.0"), "second": setting("1.0.0")}, depends_on=order)
    stacks, operations = Stacks(app.belay.aws("cloudformation")), app.belay.ledger.operations
    ids = {name: str((stacks.describe_stack(app.stack(name)) or {})["StackId"]) for name in ("first", "second")}
    deployed = {name: operations.submitted(stack_id) for name, stack_id in ids.items()}
    before = stacks.get_template(ids["first"]).decode()
    app.belay.engine.fail_resource("Setting", "update", stack=app.stack("second"))
    app.run(app.release("1.1.0", stacks={"first": setting("1.1.0"), "second": setting("1.1.0")}, depends_on=order))

    recovered = operations.submitted(ids["first"])

    assert recovered is not None
    assert deployed["first"] is not None
    assert recovered.change_set_id != deployed["first"].change_set_id
    assert recovered.templates == deployed["first"].templates, "back to the template of 1.0.0"
    assert OWN in said(app, ids["first"], recovered.change_set_id, "anything")
    assert OWN in said(app, ids["first"], None, before)
    assert "policies are kept" in said(app, ids["first"], None, before + "\n")
    assert "policies are kept" in said(app, ids["first"], deployed["first"].change_set_id, before)
