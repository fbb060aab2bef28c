#!/bin/sh
# SPDX-License-Identifier: MIT
# Install Qt's system libraries, which a bare Debian or Ubuntu lacks, when run as root on an apt system; otherwise print
# the command that does. Never fails: an offscreen run may work without some of them.
set -eu

offscreen="libgl1 libegl1 libxkbcommon0 libfontconfig1 libdbus-1-3"
window="libxcb-cursor0 libxkbcommon-x11-0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"

[ "$(uname -s)" = Linux ] || exit 0
if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "Qt needs the libraries that Debian calls: $offscreen libglib2.0-0 $window"
    exit 0
fi

installed() { dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q 'ok installed'; }

missing=""
for package in $offscreen $window; do
    installed "$package" || missing="$missing $package"
done
# Ubuntu 24.04 renamed this one with the 64-bit time_t.
installed libglib2.0-0 || installed libglib2.0-0t64 || missing="$missing libglib2.0-0"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    echo "Installed Qt's system libraries:$missing"
else
    echo "Qt needs system libraries. Run: sudo apt-get install -y$missing"
fi
