#!/usr/bin/env bash
# Every check of ./dev lint: tests/lint.sh BUILD. One line a check, its output where it fails.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# check NAME COMMAND…: runs it quietly, prints ok or FAILED, with the output in the second case
check () {
  local name=$1
  shift
  if "$@" >"$scratch/output" 2>&1; then
    printf '%-26s ok\n' "$name"
    passed=$((passed + 1))
  else
    printf '%-26s FAILED\n' "$name"
    sed 's/^/  /' "$scratch/output"
    failed=$((failed + 1))
  fi
}

# files PATTERN…: what git tracks or would track, so that a forgotten file is checked as well
files () {
  git ls-files -co --exclude-standard -- "$@" | while read -r file; do
    if [ -e "$file" ]; then printf '%s\n' "$file"; fi
  done
}

git ls-files --error-unmatch dev >/dev/null || {
  echo 'lint: the checks ask git which files there are; run them in a clone' >&2
  exit 1
}

formatting () {
  files '*.c' '*.h' | xargs -r clang-format --dry-run --Werror
}

# Headers of the system stay out: what GLib and GTK declare, cppcheck knows from its gtk library.
analysis () {
  local includes=() folder
  for folder in $(files 'src/*.h' | xargs -r -n1 dirname | sort -u); do includes+=("-I$folder"); done
  mkdir -p "$build/cppcheck"
  files 'src/*.c' 'tests/*.c' >"$scratch/sources"
  cppcheck --file-list="$scratch/sources" --cppcheck-build-dir="$build/cppcheck" -j 2 --quiet --std=c11 --language=c \
    --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --library=gtk --library=posix \
    --library=sqlite3 --suppressions-list=tests/cppcheck.txt --max-configs=1 \
    -DG_GNUC_PRINTF\(a,b\)= -DG_BEGIN_DECLS= -DG_END_DECLS= -DCT_VERSION=\"\" -DCT_DATADIR=\"\" -DCT_SOURCE_ROOT=\"\" \
    -DCT_BUILD_ROOT=\"\" -DCT_LOCALEDIR=\"\" -DGETTEXT_PACKAGE=\"control-tower\" "${includes[@]}"
}

sources () {
  files 'src/*' 'tests/*' 'schema/*' 'dev' '.ci/run' >"$scratch/all"
  /usr/bin/python3 tests/check_sources.py "$scratch/all"
}

potfiles () {
  tests/potfiles.sh | diff -u po/POTFILES - || {
    echo 'po/POTFILES is not what the sources say: run ./dev po'
    return 1
  }
}

# Everything extracted has a translation that is neither fuzzy nor of the wrong format.
translations () {
  local language
  tests/xgettext.sh "$scratch/all.pot" || return 1
  while read -r language; do
    msgfmt --check --output-file=/dev/null "po/$language.po" || return 1
    # the messages themselves; msgcmp would name their lines in a file of its own
    msgmerge --quiet --no-fuzzy-matching "po/$language.po" "$scratch/all.pot" |
      msgattrib --untranslated --no-obsolete --no-wrap >"$scratch/missing.po"
    msgcmp "po/$language.po" "$scratch/all.pot" 2>"$scratch/msgcmp" || {
      sed -n '/^$/,$p' "$scratch/missing.po" | grep -E '^(#:|msgid)'
      echo "po/$language.po is not complete: run ./dev po and translate what it names"
      return 1
    }
  done <po/LINGUAS
}

desktop_file () {
  desktop-file-validate "$build/data/org.controltower.ControlTower.desktop"
}

# A homepage that cannot be asked for is no reason to fail; everything else is.
metainfo () {
  appstreamcli validate --no-net "$build/data/org.controltower.ControlTower.metainfo.xml"
}

settings_schema () {
  glib-compile-schemas --strict --dry-run data
}

json () {
  local file bad=0
  for file in $(files 'schema/*.json' 'seeds/*.json'); do
    /usr/bin/python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' "$file" ||
      { echo "$file: not valid JSON"; bad=1; }
  done
  return $bad
}

scripts () {
  local file bad=0
  for file in dev .ci/run $(files '*.sh'); do bash -n "$file" || bad=1; done
  for file in $(files '*.py'); do
    /usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1])' "$file" || bad=1
  done
  return $bad
}

# a template that GTK cannot read fails only when its page opens; find it here
interface_files () {
  local file bad=0
  for file in $(files '*.ui'); do xmllint --noout "$file" || bad=1; done
  return $bad
}

manifest () {
  /usr/bin/python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))' flatpak/org.controltower.ControlTower.yml
}

check 'formatting' formatting
check 'static analysis' analysis
check 'layers and house rules' sources
check 'translatable files' potfiles
check 'translations' translations
check 'desktop file' desktop_file
check 'metainfo' metainfo
check 'settings schema' settings_schema
check 'interface files' interface_files
check 'json' json
check 'scripts' scripts
check 'flatpak manifest' manifest
printf 'lint: %d ok, %d failed\n' $passed $failed
[ $failed = 0 ]
