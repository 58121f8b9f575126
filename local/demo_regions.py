"""The regions of the example application catalogue in the demo: its vault, an article in eu's database, and a loss.

``make demo ONLY=lost-region`` runs the commands of ``docs/lost-region.md``, with this application's names.
"""

import json
import re
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from examples.releases import EXAMPLES
from local.deployment import sam_environment
from local.engine import ACCOUNT, REGION, ROOT, EmbeddedEngine
from local.postgres import Address, connect
from local.spokes import EmbeddedSpoke, create

APPLICATION: Final = "catalogue"
DATABASE: Final = "catalogue-eu"
VAULT_ACCOUNT: Final = "222222222222"
VAULT_REGION: Final = "eu-west-1"
GUIDE: Final = ROOT / "docs" / "lost-region.md"

_EXAMPLE: Final = EXAMPLES / APPLICATION
_COPIED_AFTER: Final = 5
"""How often the function that copies to vaults is invoked: once to start copies, and then to poll."""
_LINES_SHOWN: Final = 20
_NAMED: Final = (
    ("./belay", f"{ROOT}/belay"),
    ("accounts/hub_region.yaml", f"{ROOT}/accounts/hub_region.yaml"),
    ("orders production", f"{APPLICATION} eu"),
    ("orders-production", DATABASE),
    ("production.yaml", "eu.yaml"),
    ("orders", APPLICATION),
    ("1.1.0", "1.2.0"),
    ("SpokeAccounts=111111111111", "SpokeAccounts=111111111111 HubStackName=belay-demo"),
)
"""The guide's names, and their values here."""


class Regions:
    """Where the catalogue is deployed, and the vault of eu's database."""

    def __init__(self, engine: EmbeddedEngine, spoke: EmbeddedSpoke, scratch: Path) -> None:
        """Create the vault, and the operator's resources in each region; the guide is run in a folder of
        ``scratch``.
        """
        self._engine, self._spoke, self._scratch = engine, spoke, scratch
        self._master: Mapping[str, str] = {}
        self._failed: str | None = None
        create(
            engine.client("cloudformation", account=VAULT_ACCOUNT, region=VAULT_REGION),
            "belay-vault",
            ROOT / "accounts" / "vault.yaml",
            {
                "HubAccountId": ACCOUNT,
                "HubStackName": spoke.hub,
                "Applications": APPLICATION,
                "RestoringAccounts": spoke.account,
            },
        )
        for stage, account, region in (
            ("us", ACCOUNT, REGION),
            ("eu", spoke.account, spoke.region),
            ("eu", spoke.account, VAULT_REGION),
        ):
            create(
                engine.client("cloudformation", account=account, region=region),
                f"{APPLICATION}-region",
                _EXAMPLE / "region.yaml",
                {"Stage": stage, "VaultAccountId": VAULT_ACCOUNT},
            )

    def add_article(self) -> str:
        """Write a row into eu's database, and report it."""
        rds, secrets = self._spoke.client("rds"), self._spoke.client("secretsmanager")
        shown = rds.describe_db_instances(DBInstanceIdentifier=DATABASE)["DBInstances"][0]
        secret = secrets.get_secret_value(SecretId=shown["MasterUserSecret"]["SecretArn"])["SecretString"]
        self._master = json.loads(secret)
        self._run(self._spoke.region, "CREATE TABLE IF NOT EXISTS articles (name text PRIMARY KEY)")
        self._run(self._spoke.region, "INSERT INTO articles VALUES ('lamp') ON CONFLICT DO NOTHING")
        return f"eu's database in {self._spoke.region} has an article: lamp"

    def lose(self) -> Iterator[str]:
        """Wait for the copies in the vault, lose eu's region, and restore eu by the guide; yield what is done.

        ``problem`` says afterwards whether that worked.
        """
        yield f"the vault in {VAULT_REGION} of {VAULT_ACCOUNT} has {', '.join(self._in_vault())}"
        self._delete_database()
        yield f"{self._spoke.region} is lost, with eu's database and its snapshots; {GUIDE.relative_to(ROOT)} says:"
        yield from self._follow_guide()

    def problem(self) -> str | None:
        """What went wrong, or is wrong with eu's new database; None if the article is in it."""
        if self._failed is not None:
            return self._failed
        found = self._run(VAULT_REGION, "SELECT name FROM articles")
        return None if found == [["lamp"]] else f"expected the article lamp in {VAULT_REGION}, found {found}"

    def _in_vault(self) -> list[str]:
        rds = self._engine.client("rds", account=VAULT_ACCOUNT, region=VAULT_REGION)
        for _ in range(_COPIED_AFTER):
            self._engine.client("lambda").invoke(FunctionName=self._function("CopyToVaultFunction"), Payload=b"{}")
        copies = rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        return [each["DBSnapshotIdentifier"] for each in copies if each["Status"] == "available"]

    def _function(self, logical_id: str) -> str:
        """The name of a function of the stack that Belay's stack nests for databases."""
        cloudformation, stack = self._engine.client("cloudformation"), self._spoke.hub
        for each in ("DatabaseChanges", logical_id):
            shown = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=each)
            stack = str(shown["StackResourceDetail"]["PhysicalResourceId"])
        return stack

    def _delete_database(self) -> None:
        """Delete what could be called in the lost region."""
        rds = self._spoke.client("rds")
        rds.modify_db_instance(DBInstanceIdentifier=DATABASE, DeletionProtection=False)
        rds.delete_db_instance(DBInstanceIdentifier=DATABASE, SkipFinalSnapshot=True)
        for each in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]:
            rds.delete_db_snapshot(DBSnapshotIdentifier=each["DBSnapshotIdentifier"])

    def _follow_guide(self) -> Iterator[str]:
        """Run the guide's commands in one terminal, and yield each of its steps with its commands before it is run."""
        folder = self._scratch / "lost-region"
        (folder / "registration").mkdir(parents=True, exist_ok=True)
        for file in (_EXAMPLE / "registration").iterdir():
            (folder / "registration" / file.name).write_text(file.read_text())
        accounts = {
            "production": self._spoke.account,
            "on-call": self._spoke.account,
            "on-call-vault": VAULT_ACCOUNT,
        }
        keys = (
            f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = test\n" for name, key in accounts.items()
        )
        (folder / "credentials").write_text("".join(keys))
        (folder / "config").write_text("".join(f"[profile {name}]\nregion = {VAULT_REGION}\n" for name in accounts))
        environment = {
            **sam_environment(self._engine),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_CONFIG_FILE": str(folder / "config"),
            "BELAY_STACK": self._spoke.hub,
        }
        script = [
            "exec 3>&1 >log 2>&1",
            *(_announced(step) for step in steps(named(GUIDE.read_text(encoding="utf-8")))),
        ]
        with subprocess.Popen(
            ["bash", "-ec", "\n".join(script)], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        ) as shell:
            assert shell.stdout is not None
            yield from (line.rstrip() for line in shell.stdout)
        if shell.returncode:
            told = (folder / "log").read_text(encoding="utf-8").splitlines()
            self._failed = "\n".join([f"a command of {GUIDE.name} failed:", *told[-_LINES_SHOWN:]])

    def _run(self, region: str, statement: str) -> Any:
        rds = self._engine.client("rds", account=self._spoke.account, region=region)
        shown = rds.describe_db_instances(DBInstanceIdentifier=DATABASE)["DBInstances"][0]
        with closing(connect(Address.of_instance(shown, self._master))) as connection:
            return connection.run(statement)


def named(guide: str) -> str:
    """Return the guide with its names replaced by those of the demo's application."""
    for theirs, ours in _NAMED:
        guide = guide.replace(theirs, ours)
    return guide


def _announced(step: tuple[str, str]) -> str:
    """The commands of a step, after writing them and their heading to the script's reader."""
    heading, commands = step
    shown = textwrap.indent(commands.replace(f"{ROOT}/", "./"), "  ")
    return f"cat >&3 <<'STEP'\n{heading}\n{shown}\nSTEP\n{commands}"


def steps(guide: str) -> Iterator[tuple[str, str]]:
    """Yield the guide's steps with commands: the heading and the commands, ready to paste."""
    for section in re.split(r"^## ", guide, flags=re.MULTILINE):
        heading = section.partition("\n")[0]
        commands = "\n".join(textwrap.dedent(each) for each in re.findall(r"(?:^    .+\n)+", section, re.MULTILINE))
        if commands:
            yield heading, commands
