"""A database of an application, and a simulated executor: a Lambda function whose database is a document."""

import io
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import played_executor
from deployed_belay import Application, until

from local.engine import ACCOUNT
from local.spokes import EmbeddedSpoke

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
HANDLER = """
import json
import boto3
import played_executor

s3 = boto3.client("s3")

def handler(event, context):
    database = json.load(s3.get_object(Bucket={bucket!r}, Key={key!r})["Body"])
    answer = played_executor.answered(event, database, changes)
    s3.put_object(Bucket={bucket!r}, Key={key!r}, Body=json.dumps(database).encode())
    return answer

def changes(stored):
    return json.load(s3.get_object(Bucket=stored["bucket"], Key=stored["key"], VersionId=stored["version_id"])["Body"])
"""


class PlayedExecutor:
    """A registered executor for a database of an application, by default an instance, whether it exists in RDS or not.

    If stages are elsewhere it is in their account, and may read what Belay copies there for its application.
    """

    def __init__(self, app: Application, name: str, *, kind: str = "instance") -> None:
        self.app = app
        self.name = name
        self._kind = kind
        self.aws, spoke = app.belay.there, app.belay.spoke
        self._s3, self._bucket = self.aws("s3"), app.belay.outputs["ArtifactBucketName"]
        self._key = f"played/{self.name}.json"
        self.role = f"arn:aws:iam::{ACCOUNT}:role/executor"
        if spoke is not None:
            self._bucket = f"{self.name}-{spoke.account}"
            self._s3.create_bucket(Bucket=self._bucket, CreateBucketConfiguration={"LocationConstraint": spoke.region})
            self.role = self._make_role(spoke)
        self.be(played_executor.empty())
        self.function = self._make_function()

    def _make_role(self, spoke: EmbeddedSpoke) -> str:
        """Create a role with the permissions of an executor's template (``packs/postgresql/template.yaml``)."""
        own = f"arn:aws:s3:::{spoke.files}/spokes/{spoke.account}"
        statements = [
            {
                "Effect": "Allow",
                "Action": "s3:GetObjectVersion",
                "Resource": [f"{own}/{each}/{self.app.name}/*" for each in ("attempts", "releases")],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::{self._bucket}/*",
            },
        ]
        trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = self.aws("iam").create_role(RoleName=f"executor-{self.name}", AssumeRolePolicyDocument=policy(trusted))
        self.aws("iam").put_role_policy(
            RoleName=f"executor-{self.name}", PolicyName="reads", PolicyDocument=policy(*statements)
        )
        return str(role["Role"]["Arn"])

    def _make_function(self) -> str:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archived:
            archived.writestr("index.py", HANDLER.format(bucket=self._bucket, key=self._key))
            archived.write(Path(played_executor.__file__), "played_executor.py")
        made = self.aws("lambda").create_function(
            FunctionName=f"executor-{self.name}",
            Runtime=RUNTIME,
            Role=self.role,
            Handler="index.handler",
            Code={"ZipFile": buffer.getvalue()},
        )
        return str(made["FunctionArn"])

    @property
    def registered(self) -> dict[str, str]:
        """Its entry in a stage's registration."""
        return {self._kind: self.name, "executor": self.function, "database": "orders"}

    def now(self) -> dict[str, Any]:
        """The current database."""
        return dict(json.load(self._s3.get_object(Bucket=self._bucket, Key=self._key)["Body"]))

    def be(self, database: Mapping[str, Any]) -> None:
        """Set the database to what a test needs."""
        self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=json.dumps(database).encode())

    @property
    def recorded(self) -> list[str]:
        """``0001-make APPLIED`` for every change that the database records, in order."""
        return [f"{each['id']} {each['outcome']}" for each in self.now()["recorded"]]

    @property
    def asked(self) -> list[str]:
        """The operations that changed the database, in order: ``apply``, ``undo``."""
        return [each for each in self.now()["asked"] if each != "profile"]


def policy(*statements: Mapping[str, Any]) -> str:
    """A policy's document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def played_database(app: Application, name: str = "") -> PlayedExecutor:
    """Create an instance of RDS that an executor changes."""
    played, rds = PlayedExecutor(app, name or f"{app.name}-db"), app.belay.there("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=played.name,
        DBInstanceClass="db.t3.micro",
        Engine="mysql",
        AllocatedStorage=20,
        MasterUsername="orders",
        MasterUserPassword="not-a-secret",
    )
    until(
        lambda: rds.describe_db_instances(DBInstanceIdentifier=played.name)["DBInstances"][0],
        lambda found: found["DBInstanceStatus"] == "available",
    )
    return played
