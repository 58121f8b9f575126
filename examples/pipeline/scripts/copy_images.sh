#!/usr/bin/env bash
# Copies every image of images.json to this account's repository, by digest, and looks afterwards whether it is the one.
set -euo pipefail

aws ecr get-login-password | crane auth login "${REPOSITORY_URI%%/*}" --username AWS --password-stdin

jq --exit-status --raw-output '.images[] | [.source, .digest] | @tsv' images.json | while IFS=$'\t' read -r source digest; do
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "images.json: expected a digest, found '$digest'" >&2; exit 1; }
  # Tags of the repository never change, so a copy that is there is left alone.
  copy=$REPOSITORY_URI:${digest/:/-}
  found=$(crane digest "$copy" 2> /dev/null || true)
  if [[ -z $found ]]; then
    crane copy "$source@$digest" "$copy"
    found=$(crane digest "$copy")
  fi
  [[ $found == "$digest" ]] || { echo "$copy: expected $digest, found $found" >&2; exit 1; }
  echo "$source@$digest is $copy"
done
