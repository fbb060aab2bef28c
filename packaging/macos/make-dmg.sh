#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sign the app, try it, and wrap it in a disk image: make-dmg.sh APP TARGET. wrap.py calls it.
#
# Without these variables the app is signed for this machine only (ad hoc), and macOS warns whoever downloads it:
#   CODESIGN_IDENTITY                          "Developer ID Application: ...", in the keychain
#   NOTARY_KEY, NOTARY_KEY_ID, NOTARY_ISSUER   App Store Connect key: path of its .p8 file, its id, its issuer
set -euo pipefail

app=$1
target=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
identity=${CODESIGN_IDENTITY:--}
macos=$app/Contents/MacOS

# The command line is the same program under another name; see latent_explorer.spec.
ln -sfn latent-explorer "$macos/latent-explorer-cli"

# PyInstaller has copied the folder into the app before bundled.py wrote the licence texts into it.
resources=latent_explorer/_resources
ditto "$root/dist/latent-explorer/_internal/$resources/licences" "$app/Contents/Resources/$resources/licences"

# Inside out: first each library, then the app, whose signature covers them. The hardened runtime would refuse libraries
# that are signed ad hoc.
options=(--force --sign "$identity")
if [ "$identity" != - ]; then
    options+=(--timestamp --options runtime)
fi
find "$app/Contents" -type f \( -name '*.dylib' -o -name '*.so' -o -perm -100 \) -print0 |
    while IFS= read -r -d '' file; do
        if file -b "$file" | grep -q '^Mach-O'; then
            printf '%s\0' "$file"
        fi
    done | xargs -0 -n 50 codesign "${options[@]}"
codesign "${options[@]}" --entitlements "$here/entitlements.plist" "$app"
codesign --verify --strict --deep "$app"

# The signed program, for it is the signature that may forbid it something.
networks=()
if [ -d "$root/build/networks" ]; then
    networks=(--networks "$root/build/networks")
fi
python3 "$root/packaging/trial.py" "$macos/latent-explorer-cli" ${networks[@]+"${networks[@]}"}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
ditto "$app" "$stage/$(basename "$app")"
ln -s /Applications "$stage/Applications"
rm -f "$target"
# The indexer of Spotlight may hold the new volume for a moment ("Resource busy").
for attempt in 1 2 3 4 5; do
    if hdiutil create -volname "Latent Explorer" -srcfolder "$stage" -fs HFS+ -format ULFO -ov "$target"; then
        break
    elif [ "$attempt" = 5 ]; then
        exit 1
    fi
    sleep 10
done
hdiutil verify "$target"

if [ "$identity" = - ]; then
    echo "Signed for this machine only: CODESIGN_IDENTITY is not set."
    exit 0
fi
codesign --force --timestamp --sign "$identity" "$target"
if [ -z "${NOTARY_KEY:-}" ]; then
    echo "Not notarised: NOTARY_KEY is not set."
    exit 0
fi
xcrun notarytool submit "$target" --wait --timeout 1h \
    --key "$NOTARY_KEY" --key-id "$NOTARY_KEY_ID" --issuer "$NOTARY_ISSUER"
xcrun stapler staple "$target"
spctl --assess --type open --context context:primary-signature --verbose "$target"
