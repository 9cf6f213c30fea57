#!/usr/bin/env bash
# Lists every file that holds something to translate, as po/POTFILES has to.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
{
  git ls-files -co --exclude-standard 'src/*.c' 'src/*.h' |
    xargs -r grep -lE '\b(_|N_|C_|NC_|Q_|ngettext|g_dngettext|g_dpgettext2?) \(' || true
  git ls-files -co --exclude-standard '*.ui' | xargs -r grep -l 'translatable="\(yes\|true\)"' || true
  git ls-files -co --exclude-standard 'data/*.desktop.in' 'data/*.metainfo.xml.in'
} | LC_ALL=C sort -u
