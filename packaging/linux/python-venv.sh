#!/bin/sh
# SPDX-License-Identifier: MIT
# Make the virtual environment $2 with the Python $1. A bare Debian or Ubuntu ships python3 without its venv module and,
# in minimal images, without the certificates that pip needs; install those when run as root.
set -eu
python=$1
target=$2

if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
    echo "Latent Explorer needs Python 3.11, 3.12 or 3.13; $python is $("$python" -V 2>&1)." >&2
    echo "Name another one: make PYTHON=python3.12" >&2
    exit 1
fi

needed=""
"$python" -c 'import ensurepip, venv' 2>/dev/null || needed="python3-venv"
# pip has its own certificates, but only the system may know those of a mirror.
if command -v dpkg-query >/dev/null 2>&1 && [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then
    needed="$needed ca-certificates"
fi
if [ -n "$needed" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq
        # shellcheck disable=SC2086  # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $needed >/dev/null
    else
        echo "Something is missing to make $target. Run: sudo apt-get install -y $needed" >&2
        exit 1
    fi
fi
# Keep a working environment; replace the half-made one of an interrupted run.
if ! "$target/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$target"
    "$python" -m venv "$target"
fi
