"""Gap: a nested stack's template is not transformed, so ``AWS::Serverless::*`` resources in it fail.

It can go when ministack's provisioner of ``AWS::CloudFormation::Stack`` applies transforms.
"""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import engine


def install() -> None:
    """Apply the transforms a nested stack's template declares.

    The provisioner of nested stacks looks the parser up in this module at call time; everybody else imported it before
    and transforms by itself.
    """
    parse = engine._parse_template

    def parse_and_transform(body: Any) -> Any:
        template = parse(body)
        return engine._apply_transforms(template) if engine.declared_transforms(template) else template

    engine._parse_template = parse_and_transform
