#!/usr/bin/env bash
# Extracts the program's strings: tests/xgettext.sh OUTPUT.pot; warns as xgettext does, fails where it fails.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
flags=()
for flag in _:1 N_:1 C_:1c,2 NC_:1c,2 ngettext:1,2 g_dngettext:2,3 g_dpgettext2:2c,3; do
  flags+=(--keyword="$flag")
done
for flag in _:1:pass-c-format N_:1:pass-c-format ngettext:1:pass-c-format ngettext:2:pass-c-format \
  ct_fail:3:c-format g_strdup_printf:1:c-format g_string_append_printf:2:c-format g_print:1:c-format; do
  flags+=(--flag="$flag")
done
xgettext --files-from=po/POTFILES --from-code=UTF-8 --add-comments=Translators --sort-by-file \
  --package-name=control-tower --copyright-holder="The Control Tower contributors" "${flags[@]}" -o "$1"
# a date would make every extraction a change; files without strings yield none at all
if [ -f "$1" ]; then sed -i '/^"POT-Creation-Date:/d; /^#, fuzzy$/d' "$1"; fi
