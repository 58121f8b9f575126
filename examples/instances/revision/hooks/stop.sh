#!/bin/sh
# ApplicationStop of the revision before; on a new instance there is none, and nothing runs.
set -eu
systemctl disable --now hello-configuration.timer hello.service
