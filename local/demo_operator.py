"""What an operator does once, before the first release: a stack of their own, the registration, a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from examples.releases import EXAMPLES, registration
from local.engine import Engine


def own_stack(engine: Engine, application: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Deploy an example application's ``bootstrap.yaml`` and return its outputs."""
    name = f"{application}-operator"
    cloudformation: Any = engine.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(EXAMPLES / application / "bootstrap.yaml").read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        OnFailure="DO_NOTHING",
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def register(engine: Engine, application: str, outputs: Mapping[str, str]) -> list[str]:
    """Store an example application's registration and return the names of its parameters."""
    ssm: Any = engine.client("ssm")
    documents = registration(application, outputs)
    for name, document in documents.items():
        ssm.put_parameter(Name=name, Value=document, Type="String", Overwrite=True)
    return list(documents)
