"""Golden messages: what differs between runs is replaced, and nothing else."""

import pytest

from local.golden_messages import files, normalised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("could not be updated at 09:23:11 UTC: no", "could not be updated at <time>: no"),
        ("until 2026-03-02 12:00 UTC.", "until <time>."),
        ("protected until 2026-12-05: nothing", "protected until <date>: nothing"),
        ("renamed orders-db-belay-replaced-ecc30e15", "renamed orders-db-belay-replaced-<id>"),
        (
            "secretsmanager:eu-west-1:123456789012:secret:db/x-AbC123",
            "secretsmanager:eu-west-1:<digits>:secret:db/x-<id>",
        ),
        ("a restore loses 3 minutes of writes", "a restore loses <duration> of writes"),
        ("at 2026-03-02T12:00:00.123+00:00", "at <time>"),
        (
            "stack/orders-service-production/6a7e8fe0-1111-2222-3333-444455556666",
            "stack/orders-service-production/<uuid>",
        ),
        ("the thread orders-0f1e2d3c4b5a, closes 1", "the thread orders-<digits>, closes 1"),
        ("sg-0c2f5d6e7a8b9c0d1 opens TCP 22", "sg-<id> opens TCP 22"),
        ("s3://belay-demo-releasebucket-74a6e3d7608ce/releases", "s3://belay-demo-releasebucket-<id>/releases"),
        ("content 2fda58e47a463a5391be206ec861833a51cfa578eefef6ea7922b6d503ac7709", "content <digits>"),
        ("orders-test-network-1-0-0-e67f7f733470", "orders-test-network-1-0-0-<digits>"),
        ("service (orders-service) is UPDATE_ROLLBACK_IN_PROGRESS: no", "orders-service is <rolling back>: no"),
        ("orders-service is UPDATE_ROLLBACK_COMPLETE: no", "orders-service is <rolling back>: no"),
        ("http://127.0.0.1:42263/x", "<endpoint>/x"),
    ],
)
def test_what_is_volatile_is_replaced(text: str, expected: str) -> None:
    assert normalised(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "orders 1.3.0 in production: ROLLED_BACK",
        "TCP 22 from 0.0.0.0/0",
        "templates/network.yaml:41 BastionGroup",
        "MAY REPLACE Task (AWS::ECS::TaskDefinition): ContainerDefinitions",
        "arn:aws:states:us-east-1:000000000000:execution:belay-demo-deploy-release:",
        "added and decided, a deface facade",
    ],
)
def test_what_is_said_stays(text: str) -> None:
    assert normalised(text) == text.replace("000000000000", "<digits>")


def test_normalising_twice_changes_nothing_more() -> None:
    text = "at 09:23:11 UTC sg-0c2f5d6e7a8b9c0d1 orders-0f1e2d3c4b5a 2026-03-02T12:00:00Z"
    assert normalised(normalised(text)) == normalised(text)


def test_a_scenario_has_a_directory_and_each_message_a_number_and_its_kind() -> None:
    message = {
        "subject": "DEPLOYED: orders 1.0.0",
        "text": "Nothing to do.\n",
        "attributes": {"kind": "release-ended", "severity": "info", "thread": "orders-0f1e2d3c4b5a"},
    }
    alarm = {"subject": "ALARM", "text": "{}", "attributes": {}}
    assert files([{"scenario": "good", "messages": [message, alarm]}]) == {
        "good/01-release-ended.txt": "Subject: DEPLOYED: orders 1.0.0\nAttributes: kind=release-ended severity=info\n\n"
        "Nothing to do.\n",
        "good/02-alarm.txt": "Subject: ALARM\nAttributes: \n\n{}",
    }
