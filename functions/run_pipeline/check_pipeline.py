"""Checks a release's pipeline, now and after its next event; starts CodePipeline's stage rollback if it failed."""

from collections.abc import Mapping
from typing import Any

from belay.control.pipeline_runs import PipelineRuns, RunSeen
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.control.topics import Topic
from belay.home import own_home
from belay.notify.deployment import Deployment
from belay.notify.incidents import person_needed
from belay.notify.message import Urgency
from belay.notify.publication import told_on
from belay.release.left_to_do import LeftToDo
from belay.release.place import Power
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Complete the task if something follows from the execution's progress; otherwise its next event does.

    Raises ``StackFailed`` if an incident must roll it back.
    """
    home, settings = own_home(), read(DefaultTopic)
    run = StageContext.enter(event, home.ledger, home.artifacts)
    runs = PipelineRuns.of(run, run.at(home.aws, Power.PIPELINE), StageFiles.kept_by(home.aws, run))
    # First, so that an event between the read and its end is not lost.
    runs.await_event(event["execution"], event["task_token"])
    seen = runs.look(event["execution"], rolling_back=event["rolling_back"])
    arn = told_on(run.accepted.application.topic, settings.notification_topic_arn)
    tell_waiting(run, seen, Topic(home.aws.notifications, arn, home.ledger))
    if seen.outcome is not None or seen.to_be_rolled_back or seen.execution != event["execution"]:
        home.aws.executions.send_task_success(event["task_token"], answer(run, seen, home.poll_seconds))
    return {}


def answer(run: StageContext, seen: RunSeen, poll_seconds: int) -> dict[str, Any]:
    """Return the updates to the state machine's data; without a ``reason`` an earlier one is kept."""
    why = {} if seen.reason is None else {"reason": run.reasons.keep(seen.reason)}
    return {
        "execution": seen.execution,
        "rolling_back": seen.rolling_back,
        "outcome": seen.outcome,
        "look_in": poll_seconds if seen.to_be_rolled_back else 0,
        **why,
    }


def tell_waiting(run: StageContext, seen: RunSeen, topic: Topic) -> None:
    """Announce once that the pipeline is waiting for its own approval; the thread remembers it."""
    if seen.waiting_approval is None:
        return
    release, pipeline, region = run.release, run.stage.required_pipeline().name, run.stage.region("")
    where = f" --region {region}" if region else ""
    message = person_needed(
        Deployment(release.application, release.version, run.stage.name, thread=release.thread),
        why=f"The pipeline {pipeline} is waiting for its approval {seen.waiting_approval}.",
        left_to_do=[
            LeftToDo(
                pipeline,
                f"approve or reject {seen.waiting_approval} of the execution {seen.execution}, in its console",
                look=f"aws codepipeline get-pipeline-state --name {pipeline}{where}",
            )
        ],
        urgency=Urgency.WARNING,
    )
    topic.publish(message, [run.stage.place])
