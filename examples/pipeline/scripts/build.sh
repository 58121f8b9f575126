#!/usr/bin/env bash
# Makes build/, the artifact that every later stage works with: the templates, what their stacks are given, the revision
# that CodeDeploy brings onto instances, and what the later stages run.
set -euo pipefail

rm -rf build
mkdir -p build/configuration
cp -R application assets buildspecs scripts templates images.json build/
mv build/application/appspec.yml build/appspec.yml

version=$(sed -n 's/^version: *//p' release.yaml)
[[ $version =~ ^[0-9A-Za-z.+-]+$ ]] || { echo "release.yaml: expected a version, found '$version'" >&2; exit 1; }

configuration() {
  jq --null-input --sort-keys "$@" '{Parameters: $ARGS.named}'
}

shared=(
  --arg ReleaseVersion "$version"
  --arg S3PrefixListId "$S3_PREFIX_LIST_ID"
  --arg AssetBucket "$ASSET_BUCKET"
  --arg AssetPrefix "$ASSET_PREFIX"
)
# What differs where production is in another account.
test=(
  --arg VpcId "$VPC_ID"
  --arg SubnetIds "$SUBNET_IDS"
  --arg ServiceNetwork "$SERVICE_NETWORK"
  --arg PermissionsBoundaryArn "$PERMISSIONS_BOUNDARY_ARN"
)
production=(
  --arg VpcId "$PRODUCTION_VPC_ID"
  --arg SubnetIds "$PRODUCTION_SUBNET_IDS"
  --arg ServiceNetwork "$PRODUCTION_SERVICE_NETWORK"
  --arg PermissionsBoundaryArn "$PRODUCTION_PERMISSIONS_BOUNDARY_ARN"
)
case $PLATFORM in
  ecs)
    digest=$(jq --exit-status --raw-output '.images[] | select(.name == "web") | .digest' images.json)
    shared+=(--arg Image "$REPOSITORY_URI@$digest" --arg Strategy "$STRATEGY")
    test+=(--arg BakeMinutes 0)
    ;;
  ec2)
    shared+=(--arg ArtifactBucket "$ARTIFACT_BUCKET" --arg ArtifactKeyArn "$ARTIFACT_KEY_ARN")
    test+=(--arg Instances 1)
    ;;
  *)
    echo "PLATFORM: expected ecs or ec2, found '$PLATFORM'" >&2
    exit 1
    ;;
esac
configuration "${shared[@]}" "${test[@]}" > build/configuration/test.json
configuration "${shared[@]}" "${production[@]}" > build/configuration/production.json
