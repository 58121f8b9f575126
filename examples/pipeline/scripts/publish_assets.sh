#!/usr/bin/env bash
# Publishes the release's files and templates under a prefix of their own, where running stacks go on finding them.
set -euo pipefail

for directory in assets templates; do
  aws s3 cp --recursive --only-show-errors "$directory" "s3://$ASSET_BUCKET/$ASSET_PREFIX/$directory"
done
echo "published to s3://$ASSET_BUCKET/$ASSET_PREFIX"
