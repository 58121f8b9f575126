#!/bin/sh
# ApplicationStart: the service, and the timer that sees rotated values.
set -eu
systemctl daemon-reload
systemctl enable hello.service
systemctl restart hello.service
systemctl enable --now hello-configuration.timer
