#!/bin/sh
# AfterInstall: the configuration is read once for this deployment. Without every name that the application needs, the
# deployment ends here, before anything of it runs.
set -eu
id hello >/dev/null 2>&1 || useradd --system --no-create-home --shell /sbin/nologin hello
. /etc/hello/place
exec python3 /opt/hello/configuration.py --path "$CONFIGURATION_PATH" --region "$REGION" --owner hello
