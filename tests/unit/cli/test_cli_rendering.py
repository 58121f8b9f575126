"""What commands print for people, line by line, from data alone; the expected texts are in ``golden/``."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import diff, history, incident_show, incidents, logs, rollback, show, status, unlock
from cli import list as listing
from cli.output import ago, duration, table, tell
from cli.progress import Execution, ProgressStep

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ARN = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-stage:0f1e-production"
UPLOAD = {"bucket": "releases", "key": "releases/orders/orders-1.3.0.zip", "version_id": "v1"}

ON_IT = {"decision": "acknowledge", "by": "user/ann", "at": "2026-03-02T08:00:00.000+00:00", "comment": "I look at it"}
LEFT: dict[str, Any] = {
    "incident": "shop-production-1b2c3d4e5f6a",
    "application": "shop",
    "stage": "production",
    "state": "LEFT TO A PERSON",
    "subject": "1.1.0",
    "cause": "web is UPDATE_ROLLBACK_FAILED: Topic could not be updated: it does not exist any more, somebody deleted",
    "opened_at": "2026-03-02T07:00:00.000+00:00",
    "ended_at": "2026-03-02T07:30:00.000+00:00",
    "outcome": "NEEDS_OPERATOR",
    "seconds": 1800,
    "steps": 2,
    "acknowledged": ON_IT,
    "closed": None,
}
ONE_LEFT: dict[str, Any] = {
    "subject": "web",
    "what": "bring it to a stable status",
    "why": "its rollback is stuck on Topic",
    "command": None,
    "look": "aws cloudformation describe-stack-events --stack-name shop-web",
    "choices": [
        {
            "what": "create the topic again, then continue the rollback",
            "loses": "nothing is lost",
            "command": "aws cloudformation continue-update-rollback --stack-name shop-web",
        },
        {"what": "leave it", "loses": "no release can update the stack until then", "command": None},
    ],
}

WORK: dict[str, Any] = {
    "paused": True,
    "left": [LEFT],
    "asks": [
        {
            "about": "payments/2.1.0 in production",
            "what": "approval",
            "since": "2026-03-02T08:30:00.000+00:00",
            "until": "2026-03-09T08:30:00.000+00:00",
            "answer": "belay approve payments/2.1.0 --stage production",
        }
    ],
    "uploads": [{"application": "orders", "upload": "releases/orders/orders-1.4.0.zip", "execution": ARN}],
    "releases": [
        {
            "release": "orders/1.3.0",
            "stage": "production",
            "state": "EXECUTING service",
            "since": "2026-03-02T09:25:00.000+00:00",
            "executions": ["arn:other", ARN],
        }
    ],
    "incidents": [
        {
            "application": "payments",
            "incident": "payments-production-0a1b2c3d4e5f",
            "stage": "production",
            "reason": "payments-service is UPDATE_ROLLBACK_COMPLETE: Service could not be updated: no capacity at all",
            "since": "2026-03-02T07:10:00.000+00:00",
            "steps": 2,
            "executions": [],
        }
    ],
    "locks": [
        {
            "application": "orders",
            "stage": "production",
            "version": "1.3.0",
            "incident": None,
            "since": "2026-03-02T09:26:00.000+00:00",
            "expires_at": 1_772_444_400,
        }
    ],
    "queue": [{"release": "orders/1.2.9", "stage": "production"}],
    "mixed": [
        {"stage": "shop/production", "runs": "1.0.0, but web (shop-web) was not brought back from 1.1.0", "left": []}
    ],
    "held": [{"upload": "releases/shop/shop-2.0.0.zip", "since": "2026-03-02T09:00:00.000+00:00"}],
    "arriving": [
        {"application": "orders", "upload": "releases/orders/orders-1.5.0.zip", "at": "2026-03-02T09:29:55.000+00:00"}
    ],
}
RUNNING = Execution(
    ARN,
    "deploy_stage",
    "production",
    NOW - timedelta(minutes=3),
    running=True,
    steps=(
        ProgressStep("deploy_stage", "production", "ExecuteWave", "Task", NOW - timedelta(seconds=9), NOW),
        ProgressStep("deploy_stage", "production", "WaitForStacks", "Wait", NOW),
        ProgressStep("deploy_stage", "production", "Executed?", "Choice", NOW),
    ),
)

TAKEN_BACK = {"at": "2026-03-02T11:00:00.000+00:00", "incident": "orders-production-ask0a1b2c3d4", "by": "user/ann"}
RELEASE: dict[str, Any] = {
    "application": "orders",
    "release": "orders/1.3.0",
    "version": "1.3.0",
    "description": "Payments are taken asynchronously.",
    "digest": "5" * 64,
    "attempt": "0f1e2d3c4b5a",
    "outcome": "ROLLED_BACK",
    "state": "ROLLED_BACK",
    "reason": "service is UPDATE_ROLLBACK_COMPLETE: no capacity",
    "upload": UPLOAD,
    "claimed_at": "2026-03-02T09:20:00.000+00:00",
    "ended_at": "2026-03-02T10:25:00.000+00:00",
    "number": 2,
    "attempts": [
        {
            "number": 1,
            "attempt": "a0b1c2d3e4f5",
            "state": "ABORTED",
            "claimed_at": "2026-03-01T09:20:00.000+00:00",
        },
        {
            "number": 2,
            "attempt": "0f1e2d3c4b5a",
            "state": "ROLLED_BACK",
            "claimed_at": "2026-03-02T09:20:00.000+00:00",
        },
    ],
    "deployments": [
        {"stage": "test", "at": "2026-03-02T09:21:00.000+00:00", "incident": None, "taken_back": TAKEN_BACK},
    ],
    "runs": {"production": "1.2.0, but service (orders-service) was not brought back from 1.3.0", "test": None},
    "mixed": ["production"],
    "left_to_do": [{"incident": "orders-production-0f1e2d3c4b5a", "stage": "production", **ONE_LEFT}],
    "timeline": [
        {"at": "2026-03-02T09:20:00.000+00:00", "stage": None, "state": "ACCEPTED", "detail": ""},
        {"at": "2026-03-02T09:20:07.500+00:00", "stage": "production", "state": "EXECUTING service", "detail": ""},
        {"at": "2026-03-02T10:25:00.000+00:00", "stage": "production", "state": "RECOVERING", "detail": "no\ncapacity"},
    ],
    "stages": [
        {
            "stage": "production",
            "changes": [
                "service (orders-service):",
                "  REPLACES Task (AWS::ECS::TaskDefinition): ContainerDefinitions",
            ],
            "findings": {
                "templates": {
                    "verdict": "PASS",
                    "findings": [
                        {
                            "verdict": "FAIL",
                            "policy": "ssh-open",
                            "path": "templates/network.yaml",
                            "line": 41,
                            "resource": "Bastion",
                            "message": "SSH is open.",
                            "blocking": True,
                            "waiver": "The VPN is being replaced",
                        },
                        {
                            "verdict": "FAIL",
                            "policy": "rule-description",
                            "path": "templates/network.yaml",
                            "line": 42,
                            "resource": "Bastion",
                            "message": "No description.",
                            "blocking": False,
                            "waiver": None,
                        },
                    ],
                },
                "live": {"verdict": "PASS", "findings": []},
            },
            "snapshots": ["orders-production-1-3-0-db"],
        }
    ],
    "approvals": [
        {
            "stage": "production",
            "requested_at": "2026-03-02T09:20:10.000+00:00",
            "expires_at": "2026-03-09T09:20:10.000+00:00",
            "answer": {"decision": "approve", "by": "user/ann", "at": "2026-03-02T09:22:00.000+00:00", "comment": "go"},
        },
        {"stage": "canary", "requested_at": "2026-03-02T09:20:10.000+00:00", "expires_at": None},
    ],
    "incidents": [
        {
            "incident": "orders-production-0f1e2d3c4b5a",
            "state": "LEFT TO A PERSON",
            "acknowledged": ON_IT,
            "stage": "production",
            "reason": "service is UPDATE_ROLLBACK_COMPLETE: no capacity",
            "opened_at": "2026-03-02T10:20:00.000+00:00",
            "outcome": "NEEDS_OPERATOR",
            "questions": [
                {"question": "restore", "text": "Restore the database?", "answer": "approved", "by": "user/ann"},
                {"question": "delete", "text": "Delete the stack?", "answer": None, "by": None},
            ],
            "steps": [{"at": "2026-03-02T10:21:00.000+00:00", "subject": "network", "why": "bring the stack back"}],
        }
    ],
}

LISTED: dict[str, Any] = {
    "applications": [
        {
            "application": "orders",
            "incidents": [],
            "stages": [
                {"stage": "production", "in_words": "1.2.0", "number": 1, "since": "2026-03-01T09:20:00.000+00:00"},
                {"stage": "test", "in_words": None, "number": None, "since": None},
            ],
            "attempts": [
                {
                    "version": f"1.{n}.0" if n > 2 else None,
                    "file": f"orders-1.{n}.0.zip",
                    "outcome": None if n == 11 else "DEPLOYED" if n > 2 else "REJECTED",
                    "state": "AWAITING APPROVAL",
                    "taken_back": TAKEN_BACK if n == 10 else None,
                    "claimed_at": "2026-03-02T09:20:00.000+00:00",
                    "ended_at": None if n == 11 else "2026-03-02T09:25:00.000+00:00",
                }
                for n in range(11, 1, -1)
            ],
        },
        {"application": "shop", "incidents": [LEFT], "stages": [], "attempts": []},
    ]
}

INCIDENT: dict[str, Any] = {
    **LEFT,
    "cause": [LEFT["cause"]],
    "look": "aws cloudformation describe-stack-events --stack-name shop-web",
    "runs": "1.0.0, but web (shop-web) was not brought back from 1.1.0",
    "questions": [
        {
            "question": "continue-web",
            "text": "may the rollback of the stack web be continued without Topic?",
            "answer": "denied",
            "by": "user/ben",
            "at": "2026-03-02T07:20:00.000+00:00",
            "comment": "not without it",
            "command": None,
        },
        {
            "question": "restore",
            "text": "may the database be restored?",
            "asked_at": "2026-03-02T07:10:00.000+00:00",
            "answer": None,
            "until": "2026-03-03T07:10:00.000+00:00",
            "command": "belay approve shop --incident shop-production-1b2c3d4e5f6a --question restore",
        },
    ],
    "left_to_do": [
        ONE_LEFT,
        {"subject": None, "what": "look at the queue", "why": None, "command": "aws sqs", "look": None},
    ],
    "credentials": ["account 111111111111: aws commands about resources there need its credentials"],
    "taken": [
        {
            "state": state,
            "subject": "web",
            "why": "continue the failed rollback",
            "at": f"2026-03-02T07:0{number}:00.000+00:00",
            "seconds": seconds,
        }
        for number, (state, seconds) in enumerate((("refused", None), ("done", 90), ("now", None)))
    ],
    "planned": [
        {
            "subject": "shop/api",
            "why": "replace its tasks",
            "call": "ecs.UpdateService",
            "risk": "none",
            "estimate_seconds": seconds,
        }
        for seconds in (None, 120)
    ],
    "evidence": {
        "stacks": [
            {
                "stack": "web",
                "name": "shop-web",
                "unseen": None,
                "resources": [
                    {
                        "name": "Topic",
                        "kind": "AWS::SNS::Topic",
                        "status": "UPDATE_FAILED",
                        "reason": "it does not exist",
                        "began": "2026-03-02T06:59:00.000+00:00",
                    },
                    {
                        "name": "Queue",
                        "kind": "AWS::SQS::Queue",
                        "status": "UPDATE_COMPLETE",
                        "reason": "",
                        "began": "2026-03-02T06:58:00.000+00:00",
                    },
                ],
            },
            {"stack": "data", "name": "shop-data", "unseen": "AccessDenied", "resources": []},
            {"stack": "network", "name": "shop-network", "unseen": None, "resources": []},
        ],
        "in_doubt": ["Topic (AWS::SNS::Topic): SKIPPED"],
        "not_rolled_back": {"shop-db": "its snapshot is gone"},
        "remarks": ["the queue keeps its messages"],
    },
    "next": [{"what": "close it, once all that is left is done", "command": "belay incident close i --why TEXT"}],
}
CLOSED: dict[str, Any] = {
    **LEFT,
    "incident": "orders-production-0a0a0a0a0a0a",
    "application": "orders",
    "state": "CLOSED",
    "outcome": "ROLLED_BACK",
    "acknowledged": None,
}
HISTORY: dict[str, Any] = {
    "application": "orders",
    "stage": "production",
    "history": [
        {
            "at": "2026-03-02T11:00:00.000+00:00",
            "what": "rollback",
            "version": "1.2.0",
            "attempt": "a" * 12,
            "by": "user/ann",
            "seconds": 300,
            "lead_seconds": None,
            "taken_back": None,
            "stands": True,
            "runs": True,
        },
        {
            "at": "2026-03-02T10:00:00.000+00:00",
            "what": "deployment",
            "version": "1.3.0",
            "attempt": "b" * 12,
            "by": "approved by user/ben",
            "seconds": 240,
            "lead_seconds": 400,
            "taken_back": TAKEN_BACK,
            "stands": False,
            "runs": False,
        },
        {
            "at": "2026-03-01T10:00:00.000+00:00",
            "what": "deployment",
            "version": "1.1.0",
            "attempt": "c" * 12,
            "by": None,
            "seconds": None,
            "lead_seconds": 400,
            "taken_back": None,
            "stands": True,
            "runs": False,
        },
    ],
}
DIFF: dict[str, Any] = {
    "application": "orders",
    "before": "1.2.0",
    "after": "1.3.0",
    "stacks": [
        {
            "stack": "service",
            "template": "service.yaml",
            "same": False,
            "unread": False,
            "lines": ["@@ -1 +1 @@", "-A: 1", "+A: 2"],
            "parameters": [
                {"name": "Size", "before": "small", "after": "large"},
                {"name": "Flag", "before": None, "after": "on"},
            ],
        },
        {"stack": "old", "template": "old.yaml", "same": False, "unread": True, "lines": [], "parameters": []},
        {"stack": "network", "template": "network.yaml", "same": True, "unread": False, "lines": [], "parameters": []},
    ],
    "database_changes": [
        {"file": "db/1.sql", "lines": ["@@ -0,0 +1 @@", "+create table t (id int);"], "unread": False}
    ],
    "files": [
        {"name": "code.zip", "before": "1", "after": "2"},
        {"name": "new.zip", "before": None, "after": "2"},
        {"name": "old.zip", "before": "1", "after": None},
    ],
    "more": [{"name": "description", "before": "One.", "after": "Two."}],
}

LOCK: dict[str, Any] = {
    "application": "orders",
    "stage": "production",
    "version": "1.3.0",
    "incident": "orders-production-0f1e2d3c4b5a",
    "since": "2026-03-02T09:26:00.000+00:00",
    "execution": ARN,
    "owner_runs": False,
}

TEXTS: dict[str, Iterable[str]] = {
    "status": status.render(status.with_doing(WORK, [RUNNING]), NOW),
    "list": listing.render(LISTED, in_full=False),
    "show": show.render(RELEASE),
    "show_upload": show.render(
        {
            **RELEASE,
            "release": None,
            "description": "",
            "digest": None,
            "attempts": [],
            "deployments": [],
            "runs": {},
            "mixed": [],
            "left_to_do": [],
            "timeline": [],
            "stages": [],
            "approvals": [],
            "incidents": [],
            "outcome": "REJECTED",
            "state": "REJECTED",
            "reason": "release.yaml: unknown key 'colour'\nrelease.yaml: no version",
            "claimed_at": "2026-03-02T09:20:00.000+00:00",
            "ended_at": "2026-03-02T09:20:03.000+00:00",
        }
    ),
    "incidents": incidents.render([LEFT, CLOSED], NOW, closed=True),
    "incident_show": incident_show.render(INCIDENT),
    "history": history.render(HISTORY),
    "diff": diff.render(DIFF),
    "unlock": unlock.render(LOCK, NOW),
    "rollback": rollback.render({"incident": "i", "execution": ARN, "lines": ["1. network: bring it back."]}, "orders"),
    "logs": logs.render(
        [
            logs.entry('{"level": "INFO", "message": "begins", "function": "PlanStage", "stage": "test"}', 0),
            logs.entry('{"level": "ERROR", "message": "failed", "exception": "Traceback\\nAccessDenied: no"}', 1500),
            logs.entry("no JSON at all\n", 2000),
        ]
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_people_read_this(name: str) -> None:
    assert "\n".join(TEXTS[name]) + "\n" == (GOLDEN / f"{name}.txt").read_text()


def test_there_is_a_text_for_each_and_no_other() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(TEXTS)


def test_nothing_is_said_so() -> None:
    nothing = {name: [] for name in WORK if name != "paused"} | {"paused": False}
    assert status.render(nothing, NOW) == ["Nothing is running, waiting or held."]
    assert listing.render({"applications": []}, in_full=False) == ["No applications are registered."]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-3, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (12_000, "3 h 20 min"), (200_000, "2 d")],
)
def test_spans_of_time(seconds: float, told: str) -> None:
    assert duration(timedelta(seconds=seconds)) == told
    assert ago(NOW - timedelta(seconds=seconds), NOW) == told


def test_a_table_is_as_wide_as_what_is_in_it() -> None:
    assert table(("a", "bb"), []) == []
    assert table(("a", "bb"), [("long", "x"), ("y", "")]) == ["A     BB", "long  x", "y"]


@pytest.mark.parametrize("output", ["text", "json"])
def test_nothing_that_is_told_can_play_with_the_terminal(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "PASS\x1b[2K\x1b]8;;https://evil.example\x07 \x9b31m \u202eevorppa \u2066 caf\u00e9"
    tell(output, {"description": hostile}, ["description", hostile])
    told = capsys.readouterr().out
    assert all(each.isprintable() or each == "\n" for each in told)
    assert "caf\u00e9" in told
    if output == "json":
        assert json.loads(told) == {"description": hostile}
