#!/usr/bin/env bash
# CodeDeploy goes back when this fails: the page is not served.
set -euo pipefail
curl --fail --silent --show-error --retry 5 --retry-connrefused --output /dev/null http://localhost/
