"""Dynamic references whose value may change are found however a template assembles them, with their value's
location.
"""

import pytest

from belay.template.dynamic_references import ReferencedValue, changing, place_of
from belay.template.loader import load

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf"


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("ssm:/orders/a", ReferencedValue("ssm", "/orders/a")),
        ("ssm:/orders/a:3", None),
        ("ssm-secure:/orders/a", ReferencedValue("ssm", "/orders/a")),
        ("ssm-secure:/orders/a:3", None),
        ("secretsmanager:orders", ReferencedValue("secretsmanager", "orders", "AWSCURRENT")),
        ("secretsmanager:orders:SecretString:pin", ReferencedValue("secretsmanager", "orders", "AWSCURRENT")),
        ("secretsmanager:orders:SecretString:pin::", ReferencedValue("secretsmanager", "orders", "AWSCURRENT")),
        (
            "secretsmanager:orders:SecretString:pin:AWSPREVIOUS",
            ReferencedValue("secretsmanager", "orders", "AWSPREVIOUS"),
        ),
        ("secretsmanager:orders:SecretString:pin::1b2c", None),
        (f"secretsmanager:{ARN}:SecretString:pin", ReferencedValue("secretsmanager", ARN, "AWSCURRENT")),
        (f"secretsmanager:{ARN}", ReferencedValue("secretsmanager", ARN, "AWSCURRENT")),
        (f"secretsmanager:{ARN}:SecretString:pin:A:1b2c", None),
    ],
)
def test_a_reference_says_where_its_value_is(key: str, place: ReferencedValue | None) -> None:
    assert place_of(f"{{{{resolve:{key}}}}}") == place


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("'{{resolve:ssm:/a}}'", ["{{resolve:ssm:/a}}"]),
        ("'{{resolve:ssm:/a:1}}'", []),
        ("'x{{resolve:ssm:/a}}y{{resolve:ssm:/b}}'", ["{{resolve:ssm:/a}}", "{{resolve:ssm:/b}}"]),
        (
            "!Sub '{{resolve:secretsmanager:${Db}:SecretString:pin}}'",
            [f"{{{{resolve:secretsmanager:{ARN}:SecretString:pin}}}}"],
        ),
        (
            "!Join ['', ['{{resolve:secretsmanager:', !Ref Db, ':SecretString:pin::}}']]",
            [f"{{{{resolve:secretsmanager:{ARN}:SecretString:pin::}}}}"],
        ),
        ("!Sub ['{{resolve:ssm:/${X}}}', {X: !Ref Name}]", ["{{resolve:ssm:/given}}"]),
        ("!Sub '{{resolve:ssm:/${Name}:${Version}}}'", []),
        ("!Join ['', ['{{resolve:ssm:', !GetAtt A.B, '}}']]", ["{{resolve:ssm:${}}}"]),
        ("{Deep: [{Deeper: '{{resolve:ssm:/a}}'}]}", ["{{resolve:ssm:/a}}"]),
        ("plain", []),
    ],
)
def test_a_reference_is_found_however_it_is_assembled(value: str, found: list[str]) -> None:
    document = load(f"Resources: {{A: {{Type: 'Custom::A', Properties: {{P: {value}}}}}}}".encode(), "t")
    assert [*changing(document, {"Db": ARN, "Name": "given", "Version": "4"})] == found
