#!/bin/bash
# Says what is wrong with the machine whose root is given, a line each, and ends with 1 if anything is. After the rules
# that the CIS benchmarks have for sshd, accounts and permissions; not a substitute for them.
# `sealed` also looks for what an image must not carry, `booted` for what an instance must run.
set -euo pipefail
shopt -s nullglob
root="${1:?expected the root of the machine, such as /}"
root="${root%/}"
when="${2:?expected sealed or booted}"
failed=0

fail() {
  printf 'FAIL %s\n' "$*"
  failed=1
}

each() { # Fails once for every line that is read.
  local line
  while IFS= read -r line; do fail "$1: ${line#"$root"}"; done
}

# -- sshd --------------------------------------------------------------------------------------------------------------

configuration=("$root"/etc/ssh/sshd_config.d/*.conf "$root"/etc/ssh/sshd_config)

directives() { sed -e 's/#.*//' -e 's/=/ /' "$@" | awk 'NF'; }

used() { # The first value counts, and what stands in a Match block counts for some connections only.
  directives "${configuration[@]}" |
    awk -v name="$1" 'tolower($1) == "match" { over = 1 } !over && !found && tolower($1) == name { found = 1; print tolower($2) }'
}

while read -r name value; do
  found="$(used "$name")"
  [ "$found" = "$value" ] || fail "sshd: $name is ${found:-not set}, not $value"
done << 'END'
banner /etc/issue.net
permitrootlogin no
passwordauthentication no
kbdinteractiveauthentication no
permitemptypasswords no
permituserenvironment no
x11forwarding no
maxauthtries 4
logingracetime 60
clientaliveinterval 300
clientalivecountmax 3
END
first="$(directives "$root/etc/ssh/sshd_config" | awk 'NR == 1 { print tolower($1), $2 }')"
[ "$first" = "include /etc/ssh/sshd_config.d/*.conf" ] || fail "sshd: sshd_config begins with $first, not with Include"

# -- banner, accounts, permissions -------------------------------------------------------------------------------------

for file in /etc/issue /etc/issue.net; do
  [ -s "$root$file" ] || fail "banner: $file is empty or missing"
  # They would tell which system this is.
  ! grep -q '\\[mrsv]' "$root$file" 2> /dev/null || fail "banner: $file names the system"
done

each "no password" < <(awk -F: '$2 == "" { print $1 }' "$root/etc/shadow")
each "another root" < <(awk -F: '$3 == 0 && $1 != "root" { print $1 }' "$root/etc/passwd")
each "root can log in with a password" < <(awk -F: '$1 == "root" && $2 !~ /^[!*]/ { print $1 }' "$root/etc/shadow")

while read -r file beyond; do
  if [ ! -e "$root$file" ]; then
    fail "permissions: there is no $file"
  else
    each "permissions" < <(find "$root$file" -perm "/$beyond" -printf '%p has %#m\n')
  fi
done << 'END'
/etc/passwd 0133
/etc/group 0133
/etc/shadow 0177
/etc/gshadow 0177
/etc/ssh/sshd_config 0177
END
places=()
for place in bin boot etc home lib lib64 opt root sbin srv tmp usr var; do
  [ ! -d "$root/$place" ] || places+=("$root/$place")
done
each "everybody can write" < <(find "${places[@]}" -xdev -type f -perm -0002)
each "everybody can write, and delete what is another's" < <(find "${places[@]}" -xdev -type d -perm -0002 ! -perm -1000)

# -- what an image must not carry, and what an instance must run -------------------------------------------------------

case "$when" in
  sealed)
    homes=("$root"/root "$root"/home/*)
    each "key of a host" < <(find "$root/etc/ssh" -name 'ssh_host_*')
    each "key of a person" < <(find "${homes[@]}" -path '*/.ssh/*' -type f -size +0)
    each "history" < <(find "${homes[@]}" -name '.*_history' -size +0)
    each "secret" < <(grep -rlEs 'PRIVATE KEY-----|(AKIA|ASIA)[0-9A-Z]{16}' "${homes[@]}" "$root/etc/ssh" "$root/tmp" "$root/var/log" "$root/var/tmp" || true)
    each "of one instance" < <(find "$root/var/lib/cloud" -mindepth 1 -maxdepth 1)
    [ ! -s "$root/etc/machine-id" ] || fail "of one instance: /etc/machine-id"
    ;;
  booted)
    for service in sshd chronyd auditd; do
      systemctl is-active --quiet "$service" || fail "service: $service does not run"
    done
    sshd -t || fail "sshd: cannot read its configuration"
    ;;
  *) fail "expected sealed or booted, found $when" ;;
esac
exit "$failed"
