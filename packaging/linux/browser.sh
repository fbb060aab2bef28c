#!/bin/sh
# SPDX-License-Identifier: MIT
# Install Chromium, in which the slow tests take a study as a participant does, when run as root on an apt system;
# otherwise say that those tests will be skipped. Never fails.
set -eu

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq || true
    if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; then
        echo "Installed Chromium for the browser tests."
        exit 0
    fi
fi
echo "There is no Chromium, so the browser tests are skipped. On Debian: sudo apt-get install -y chromium"
