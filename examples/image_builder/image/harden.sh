#!/bin/bash
# Writes the banner and what sshd and the kernel are to do, below the root that is given.
set -euo pipefail
root="${1:?expected the root of the machine, such as /}"
root="${root%/}"

tee "$root/etc/issue" "$root/etc/issue.net" > /dev/null << 'END'
This system is for authorized use only. What is done here is recorded.
END

install -d --mode=0700 "$root/etc/ssh/sshd_config.d"
# sshd takes the first value that it reads: this file is read before all others.
cat > "$root/etc/ssh/sshd_config.d/00-image.conf" << 'END'
Banner /etc/issue.net
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
PermitUserEnvironment no
X11Forwarding no
MaxAuthTries 4
LoginGraceTime 60
ClientAliveInterval 300
ClientAliveCountMax 3
END
chmod 0600 "$root/etc/ssh/sshd_config.d/00-image.conf" "$root/etc/ssh/sshd_config"

install -d --mode=0755 "$root/etc/sysctl.d"
cat > "$root/etc/sysctl.d/60-image.conf" << 'END'
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.all.accept_source_route = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.tcp_syncookies = 1
net.ipv6.conf.all.accept_redirects = 0
kernel.kptr_restrict = 1
END

chmod 0644 "$root/etc/issue" "$root/etc/issue.net" "$root/etc/passwd" "$root/etc/group" "$root/etc/sysctl.d/60-image.conf"
chmod 0000 "$root/etc/shadow" "$root/etc/gshadow"
