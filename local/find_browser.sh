#!/bin/sh
# Prints the path of a Chromium and, on a second line, where it came from: one on PATH, else the
# one that Playwright fetches into the folder, else Debian's if this is root's machine. Prints
# nothing but the reason if there is none.
# Usage: find_browser.sh path/to/playwright folder
set -u

for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if found=$(command -v "$name"); then
    printf '%s\n%s\n' "$found" "found on PATH"
    exit
  fi
done

if PLAYWRIGHT_BROWSERS_PATH="$2" timeout 300 "$1" install --only-shell chromium >/dev/null 2>&1; then
  found=$(find "$2" -type f \( -name 'chrome-headless-shell' -o -name 'headless_shell' \) | head -n 1)
  if [ -n "$found" ]; then
    printf '%s\n%s\n' "$found" "fetched by Playwright"
    exit
  fi
fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq >/dev/null 2>&1
  if DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium >/dev/null 2>&1; then
    printf '%s\n%s\n' "$(command -v chromium)" "installed by apt-get"
    exit
  fi
fi

printf '\n%s\n' "none is on PATH, and none could be fetched"
