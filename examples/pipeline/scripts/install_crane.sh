#!/usr/bin/env bash
# Installs crane (https://github.com/google/go-containerregistry) into the directory that is named, if it is the very
# file that was looked at when this version was chosen.
set -euo pipefail

version=v0.20.6
checksum=c1d593d01551f2c9a3df5ca0a0be4385a839bd9b86d4a76e18d7b17d16559127
url=https://github.com/google/go-containerregistry/releases/download/$version/go-containerregistry_Linux_x86_64.tar.gz

archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
curl --fail --silent --show-error --location --retry 3 --output "$archive" "$url"
echo "$checksum  $archive" | sha256sum --check --quiet
tar --extract --gzip --file "$archive" --directory "$1" crane
