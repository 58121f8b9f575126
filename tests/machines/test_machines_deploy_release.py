"""``deploy_release``: from an upload to exactly one outcome."""

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from deployed_belay import Application, until
from small_releases import Release, archive, reading, security_group, setting

Applications = Callable[..., Application]


def untouched(app: Application) -> bool:
    """Whether no stack, no lock and no stage was touched."""
    return (
        not app.belay.stacks(app.name)
        and not app.belay.lock(app.name)
        and not app.belay.executions(app.name, "deploy_stage")
    )


class TestDeployed:
    def test_a_good_release(self, application: Applications) -> None:
        app = application()

        record = app.run(app.release())

        assert record["outcome"] == "DEPLOYED"
        assert app.belay.release(app.name)["outcome"] == "DEPLOYED"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert app.belay.last_known_good(app.name) == "1.0.0"
        assert app.belay.lock(app.name)["held"] is False
        assert app.belay.states(app.name, "deploy_release")[-1] == "Deployed"
        assert app.belay.states(app.name, "deploy_stage")[-1] == "Deployed"
        app.told("deployment-started", "DEPLOYED")

    def test_through_every_stage_in_order(self, application: Applications) -> None:
        app = application({"test": {"ephemeral": True}, "production": {}})

        record = app.run(app.release())

        assert record["outcome"] == "DEPLOYED"
        assert [each.stage for each in app.belay.executions(app.name, "deploy_stage")] == ["test", "production"]
        assert app.belay.stacks(app.name) == {app.stack("first"): "CREATE_COMPLETE"}
        assert app.belay.last_known_good(app.name, "test") is None
        app.told("deployment-started", "DEPLOYED")

    def test_the_next_release_updates(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")

        app.deploy("1.1.0")

        assert app.belay.status(app.stack("first")) == "UPDATE_COMPLETE"
        assert app.belay.setting(app.stack("first")) == "1.1.0"
        assert app.belay.last_known_good(app.name) == "1.1.0"

    def test_the_same_content_again_changes_nothing(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")

        again = app.belay.ended(app.belay.upload(app.release("1.0.0"), key=f"releases/{app.name}/again.zip"))

        assert again["outcome"] == "DEPLOYED"
        assert app.belay.status(app.stack("first")) == "CREATE_COMPLETE"
        app.told("deployment-started", "DEPLOYED", "deployment-started", "DEPLOYED")

    def test_an_upload_that_no_event_told_of(self, application: Applications) -> None:
        app = application()
        s3, bucket = app.belay.aws("s3"), app.belay.outputs["ReleaseBucketName"]
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        upload = app.belay.upload(app.release())
        told = {"EventBridgeConfiguration": {}}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
        assert not app.belay.uploaded(upload)

        app.belay.invoke("SweepFunction", {})

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
        assert len(app.belay.executions(app.name, "deploy_release")) == 1
        app.told("deployment-started", "DEPLOYED")

    def test_a_deliberate_downgrade(self, application: Applications) -> None:
        app = application()
        app.deploy("1.1.0")

        app.deploy("1.0.0", manifest={"downgrade": True})

        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert app.belay.last_known_good(app.name) == "1.0.0"


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archived:
        archived.writestr(name, data)
    return buffer.getvalue()


HOSTILE: Mapping[str, tuple[Callable[[bytes], bytes], str]] = {
    "no zip": (lambda _: b"PK is not enough", "zip"),
    "path upwards": (lambda _: zipped("../release.yaml", b"x"), "../release.yaml"),
    "bomb": (lambda _: zipped("zeros", bytes(64 * 1024 * 1024)), "zeros"),
    "no manifest": (lambda _: archive({"readme.txt": b"x"}), "release.yaml"),
}
"""One of each refused kind; the rest is for the unit tests of archives and manifests."""


class TestRejected:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_an_archive_that_is_none(self, application: Applications, name: str) -> None:
        app = application()
        spoil, told = HOSTILE[name]

        record = app.belay.ended(app.belay.upload(spoil(app.release().archive()), app.name))

        assert record["outcome"] == "REJECTED"
        assert told in record["reason"]
        assert untouched(app)
        assert app.belay.states(app.name, "deploy_release")[-1] == "Rejected"
        (message,) = app.told("REJECTED")
        assert "REJECTED" in message.subject
        assert app.name in message.subject

    def test_a_manifest_with_several_problems_names_them_all(self, application: Applications) -> None:
        app = application()
        manifest = {"version": "one", "downgrade": "maybe", "colour": "red"}

        record = app.run(app.release(manifest=manifest))

        assert record["outcome"] == "REJECTED"
        assert all(each in record["reason"] for each in ("version", "downgrade", "colour"))
        assert untouched(app)

    REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
        "another application": ({"manifest": {"application": "other"}}, "other"),
        "no template": ({"stacks": {"first": {"Resources": "none"}}}, "first.json"),
        "no resources": ({"stacks": {"first": {"Description": "nothing"}}}, "first.json"),
        "macro": ({"stacks": {"first": {**setting("1"), "Transform": "Sneaky"}}}, "Sneaky"),
        "template is not what its digest says": ({"tampered": {"first.json": b"{}"}}, "first.json"),
        "member is not what its digest says": (
            {"more": {"site/index.html": b"hello"}, "tampered": {"site/index.html": b"HELLO"}},
            "site/index.html",
        ),
        "reading somebody's SSM parameter": (
            {"stacks": {"first": reading("/belay/applications/other")}},
            "'/belay/applications/other' is a parameter of Belay's own",
        ),
        "open to the world": ({"stacks": {"first": security_group(cidr="0.0.0.0/0")}}, "Group"),
    }

    @pytest.mark.parametrize("name", REFUSED)
    def test_a_release_that_may_not_be_deployed(self, application: Applications, name: str) -> None:
        app = application()
        changed, told = self.REFUSED[name]

        record = app.run(app.release(**changed))

        assert record["outcome"] == "REJECTED"
        assert told in record["reason"]
        assert untouched(app)
        app.told("REJECTED")

    def test_an_application_that_nobody_registered(self, application: Applications) -> None:
        app = application()
        app.unregister()

        record = app.run(app.release())

        assert record["outcome"] == "REJECTED"
        assert "not registered" in record["reason"]
        app.told("REJECTED")

    def test_a_registration_that_cannot_be_used(self, application: Applications) -> None:
        app = application(service_role="nobody", colour="red")

        record = app.run(app.release())

        assert record["outcome"] == "REJECTED"
        assert all(each in record["reason"] for each in ("service_role", "colour"))
        assert untouched(app)
        app.told("REJECTED")

    def test_other_content_under_a_version_that_was_deployed(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")

        record = app.run(app.release("1.0.0", value="other"))

        assert record["outcome"] == "REJECTED"
        assert "other content" in record["reason"]
        assert app.belay.release(app.name)["outcome"] == "DEPLOYED"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        app.told("deployment-started", "DEPLOYED", "REJECTED")

    def test_other_content_under_a_version_that_was_refused_is_another_try(self, application: Applications) -> None:
        app = application()
        refused = app.run(app.release(stacks={"first": security_group(cidr="0.0.0.0/0")}))

        record = app.run(app.release(stacks={"first": security_group()}))

        assert (refused["outcome"], record["outcome"]) == ("REJECTED", "DEPLOYED")

    def test_an_older_version_after_a_newer_one(self, application: Applications) -> None:
        app = application()
        app.deploy("1.1.0")

        record = app.run(app.release("1.0.0"))

        assert record["outcome"] == "REJECTED"
        assert "downgrade: true" in record["reason"]
        assert app.belay.setting(app.stack("first")) == "1.1.0"


class TestIgnored:
    def test_what_is_no_release_starts_nothing(self, application: Applications) -> None:
        app = application()
        for key in (f"other/{app.name}/1.zip", f"releases/{app.name}/notes.txt", f"releases/{app.name}"):
            app.belay.upload(b"hello", app.name, key)

        app.deploy("1.0.0")

        assert len(app.belay.executions(app.name)) == 2
        app.told("deployment-started", "DEPLOYED")

    def test_a_name_that_no_application_can_have(self, application: Applications) -> None:
        app = application()
        app.belay.upload(b"hello", f"{app.name}!")

        (execution,) = app.belay.at_rest(f"{app.name}!")

        assert execution.states[-1] == "Ignored"
        assert app.belay.items(f"APPLICATION#{app.name}!") == []

    def test_an_event_delivered_twice_deploys_once(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        event = app.belay.input_of(app.belay.executions(app.name, "deploy_release")[0])

        app.belay.deliver("aws.s3", "Object Created", event["detail"])
        until(lambda: len(app.belay.executions(app.name, "deploy_release")) == 2)
        app.belay.at_rest(app.name)

        assert app.belay.executions(app.name, "deploy_release")[1].states[-1] == "Ignored"
        assert len(app.belay.executions(app.name, "deploy_stage")) == 1
        app.told("deployment-started", "DEPLOYED")


class TestHeld:
    def test_until_the_pause_ends(self, application: Applications) -> None:
        app = application()
        app.belay.pause(paused=True)
        try:
            upload = app.belay.upload(app.release())
            (held,) = app.belay.at_rest(app.name)
            app.belay.invoke("SweepFunction", {})
        finally:
            app.belay.pause(paused=False)
        assert held.states[-1] == "Held"
        assert untouched(app)

        app.belay.invoke("SweepFunction", {})

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
        assert app.belay.items("HELD") == []
        held_told, started, deployed = app.told("release-held", "deployment-started", "DEPLOYED")
        assert held_told.text.startswith("Nothing to do: it continues by itself when `belay resume` ends the pause.\n")
        assert started.text.endswith(
            f"Message 2 of the thread {app.name}-{app.belay.release(app.name)['attempt']}, closes 1\n"
        )
        assert "closes 1, 2\n" in deployed.text

    def test_paused_again_before_it_was_opened(self, application: Applications) -> None:
        app = application()
        app.belay.pause(paused=True)
        try:
            upload = app.belay.upload(app.release())
            app.belay.at_rest(app.name)
            app.belay.pause(paused=False)
            with app.belay.held("OpenRelease") as call:
                app.belay.invoke("SweepFunction", {})
                call.reached()
                app.belay.pause(paused=True)
            until(lambda: len(app.belay.at_rest(app.name)) == 2)
        finally:
            app.belay.pause(paused=False)
        assert app.belay.states(app.name, "deploy_release").count("Held") == 2

        app.belay.invoke("SweepFunction", {})

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
        app.told("release-held", "deployment-started", "DEPLOYED")


class TestClaimed:
    def test_a_stack_of_another_application_is_refused(self, application: Applications) -> None:
        owner, other = application(), application()
        owner.deploy()
        other.register({"production": {"stacks": {"first": {"name": owner.stack("first")}}}})

        record = other.run(other.release())

        assert record["outcome"] == "REJECTED"
        assert f"the stack '{owner.stack('first')}' has belonged to {owner.name}/production since" in record["reason"]
        assert owner.belay.setting(owner.stack("first")) == "1.0.0"


class TestAborted:
    def test_superseded_by_a_newer_one_in_the_queue(self, application: Applications) -> None:
        app = application()
        with app.belay.held("ExecuteWave") as call:
            first = app.belay.upload(app.release("1.0.0"))
            call.reached()
            second = app.belay.upload(app.release("1.1.0"))
            app.belay.entered(app.name, "1.1.0", "WaitForLock")
            third = app.belay.upload(app.release("1.2.0"))
            until(lambda: app.belay.uploaded(second).get("announced"))

        outcomes = [app.belay.ended(each)["outcome"] for each in (first, second, third)]

        assert outcomes == ["DEPLOYED", "ABORTED", "DEPLOYED"]
        assert "1.2.0" in app.belay.uploaded(second)["reason"]
        assert app.belay.last_known_good(app.name) == "1.2.0"
        assert app.belay.change_sets(app.stack("first")) == []
        aborted = next(e for e in app.belay.executions(app.name, "deploy_stage") if e.version == "1.1.0")
        assert aborted.states[-1] == "Aborted"

    def test_overtaken_while_it_waited_for_the_lock(self, application: Applications) -> None:
        app = application()
        with app.belay.held("ExecuteWave") as call:
            newer = app.belay.upload(app.release("1.1.0"))
            call.reached()
            older = app.belay.upload(app.release("1.0.0"))
            app.belay.entered(app.name, "1.0.0", "WaitForLock")

        outcomes = [app.belay.ended(each)["outcome"] for each in (newer, older)]

        assert outcomes == ["DEPLOYED", "ABORTED"]
        assert app.belay.setting(app.stack("first")) == "1.1.0"
        assert app.belay.lock(app.name)["held"] is False
        assert app.belay.change_sets(app.stack("first")) == []

    def test_the_same_version_is_on_its_way_already(self, application: Applications) -> None:
        app = application()
        with app.belay.held("ExecuteWave") as call:
            first = app.belay.upload(app.release())
            call.reached()
            second = app.belay.upload(app.release(), key=f"releases/{app.name}/copy.zip")
            until(lambda: app.belay.uploaded(second).get("announced"))

        outcomes = [app.belay.ended(each)["outcome"] for each in (first, second)]

        assert outcomes == ["DEPLOYED", "ABORTED"]
        assert app.belay.release(app.name)["outcome"] == "DEPLOYED"
        assert len(app.belay.executions(app.name, "deploy_stage")) == 1
        assert len(app.told("deployment-started", "ABORTED", "DEPLOYED")) == 3


class TestNeedsOperator:
    def test_aws_refuses_before_anything_changed(self, application: Applications) -> None:
        app = application()
        app.belay.engine.inject(
            "ssm", "GetParameter", "AccessDeniedException", only_if={"Name": f"/belay/applications/{app.name}"}
        )

        record = app.run(app.release())

        assert record["outcome"] == "NEEDS_OPERATOR"
        assert "AccessDenied" in record["reason"]
        assert "SSM.GetParameter" in record["reason"]
        assert untouched(app)
        app.told("NEEDS_OPERATOR")

    def test_the_same_release_can_be_uploaded_again(self, application: Applications) -> None:
        app = application()
        app.belay.engine.inject(
            "ssm", "GetParameter", "AccessDeniedException", only_if={"Name": f"/belay/applications/{app.name}"}
        )
        app.run(app.release())

        assert app.run(app.release())["outcome"] == "DEPLOYED"


class TestUnrecorded:
    def closed_in_vain(self, app: Application, release: Release | bytes) -> dict[str, Any]:
        """Upload a release whose outcome the ledger refuses to write once; return the upload's record."""
        with app.belay.held("CloseRelease") as call:
            upload = app.belay.upload(release, app.name)
            call.reached()
            app.belay.engine.inject("dynamodb", "TransactWriteItems", "AccessDeniedException")
        return app.belay.ended(upload)

    def test_an_outcome_that_cannot_be_written_is_written_later(self, application: Applications) -> None:
        app = application()

        record = self.closed_in_vain(app, app.release())

        assert record["outcome"] == "DEPLOYED"
        assert app.belay.states(app.name, "deploy_release")[-1] == "Unrecorded"
        app.told("deployment-started", "DEPLOYED")

    def test_of_an_upload_that_is_no_release(self, application: Applications) -> None:
        app = application()

        record = self.closed_in_vain(app, b"hello")

        assert record["outcome"] == "NEEDS_OPERATOR"
        assert app.belay.states(app.name, "deploy_release")[-1] == "Unrecorded"
        app.told("NEEDS_OPERATOR")

    def test_an_outcome_that_cannot_be_told_is_told_later(self, application: Applications) -> None:
        app = application()
        with app.belay.held("CloseRelease") as call:
            upload = app.belay.upload(app.release())
            call.reached()
            app.belay.engine.inject("sns", "Publish", "AuthorizationError")

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"

        app.told("deployment-started", "DEPLOYED")


class TestStopped:
    def test_before_it_became_a_release(self, application: Applications) -> None:
        app = application()
        with app.belay.held("OpenRelease", after=True) as call:
            upload = app.belay.upload(app.release())
            call.reached()
            (execution,) = app.belay.executions(app.name)
            app.belay.stop(execution)

        record = app.belay.ended(upload)
        assert record["outcome"] == "NEEDS_OPERATOR"
        assert untouched(app)
        app.told("NEEDS_OPERATOR")
