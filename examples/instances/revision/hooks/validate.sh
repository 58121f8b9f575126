#!/bin/sh
# ValidateService: no instance gets traffic that does not answer, or whose secrets others could read.
set -eu
mode=$(stat -c %a /run/hello/configuration.json)
[ "$mode" = 600 ] || { echo "/run/hello/configuration.json: expected the mode 600, found $mode" >&2; exit 1; }
exec curl --fail --silent --show-error --retry 10 --retry-connrefused --output /dev/null http://localhost:8080/health
