#!/bin/bash
# Removes what belongs to the machine and not to the image, below the root that is given: each instance makes its own.
set -euo pipefail
shopt -s nullglob dotglob
root="${1:?expected the root of the machine, such as /}"
root="${root%/}"

rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
for home in "$root"/root "$root"/home/*; do
  rm -rf "$home"/.ssh/* "$home"/.*_history "$home"/.lesshst "$home"/.viminfo "$home"/.aws "$home"/.cache
done
rm -rf "$root"/var/lib/cloud/* "$root"/var/cache/dnf/* "$root"/var/lib/systemd/random-seed
rm -rf "$root"/tmp/* "$root"/var/tmp/* "$root"/var/log/journal/*
find "$root/var/log" -type f -exec truncate --size=0 {} +
# Empty, and there: systemd writes a new one when the instance starts.
truncate --size=0 "$root/etc/machine-id"
