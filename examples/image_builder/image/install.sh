#!/bin/bash
# Patches the machine and installs what every instance has. Runs as root on the machine that becomes the image.
set -euo pipefail

# Without a release version, Amazon Linux 2023 stays at the packages of its own image
# (https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades.html).
dnf --assumeyes --releasever=latest upgrade
dnf --assumeyes --releasever=latest install amazon-cloudwatch-agent audit chrony jq
systemctl enable auditd chronyd
# An instance can be held against the same rules later.
install -D --mode=0755 /var/tmp/check.sh /usr/local/lib/image/check.sh
rm /var/tmp/check.sh
