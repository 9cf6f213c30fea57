#!/usr/bin/python3
"""House rules that no compiler checks: layers, sizes, a README per folder, nothing left for later.

check_sources.py LIST: a file that names the files to look at, one a line, relative to the source root. Prints one
line per finding, "file:line: what", and exits 1 if there is any. The layers are read from the table in
src/meson.build, which the build uses as well.
"""
import os
import re
import subprocess
import sys

FILE_LINES = 800
FUNCTION_LINES = 100

# A foreign header that one layer alone may include, by the start of its name.
OWNED_HEADERS = {
    'sqlite3': 'store',
    'gtk/': 'gui',
    'gdk/': 'gui',
    'gsk/': 'gui',
    'adwaita': 'gui',
    'libpq': 'central',
    'postgres': 'central',
    'libsoup/': 'net',
    'libsecret/': 'net',
}
PROGRAMS = {'daemon': ['workspace'], 'cli': ['workspace']}
LEFT_OVER = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

findings = []


def find(path, line, what):
    findings.append(f'{path}:{line}: {what}')


def read_layers():
    """The table of src/meson.build: layer -> every layer it may use, itself and what those use included."""
    text = open('src/meson.build', encoding='utf-8').read()
    rows = re.findall(r"^\s*\['(\w+)', \[([^\]]*)\], \[", text, re.M)
    direct = {name: re.findall(r"'(\w+)'", uses) for name, uses in rows}
    direct.update(PROGRAMS)
    allowed = {}

    def closure(name):
        if name not in allowed:
            allowed[name] = {name}.union(*[closure(used) for used in direct[name]])
        return allowed[name]

    for name in direct:
        closure(name)
    return allowed


def layer_of(path):
    parts = path.split('/')
    return parts[1] if len(parts) > 2 and parts[0] == 'src' else None


def check_include(path, number, mark, header, allowed, owners):
    layer = layer_of(path)
    if layer not in allowed:
        return
    if mark == '<':
        for start, owner in OWNED_HEADERS.items():
            if header.startswith(start) and layer != owner:
                find(path, number, f'<{header}>: only {owner}/ knows it')
        return
    for owner in owners.get(os.path.basename(header), []):
        if owner not in allowed[layer]:
            find(path, number, f'"{header}" is of {owner}/, which {layer}/ may not use')


def check_text(path, lines, allowed, owners):
    is_c = path.endswith(('.c', '.h'))
    if path.endswith(('.c', '.h', '.py', '.sh')) and len(lines) > FILE_LINES:
        find(path, FILE_LINES, f'{len(lines)} lines; split it by concern, {FILE_LINES} is the limit')
    for number, line in enumerate(lines, 1):
        left = LEFT_OVER.search(line)
        if left and not path.endswith('check_sources.py'):
            find(path, number, f'{left.group(1)}: finish it or leave it out')
        include = INCLUDE.match(line) if is_c else None
        if include:
            check_include(path, number, include.group(1), include.group(2), allowed, owners)


def table_lines(lines):
    """How many of a function's lines are static tables: data, which may be as long as it is."""
    count, indent = 0, None
    for line in lines:
        start = re.match(r'(\s+)static const ', line)
        if start and indent is None:
            indent = start.group(1)
        if indent is None:
            continue
        count += 1
        if line.endswith(';') and re.match(indent + r'\S', line):
            indent = None
    return count


def check_functions(paths):
    """Function lengths as ctags sees them, from the name's line to the closing brace, without static tables."""
    out = subprocess.run(['ctags', '--languages=C', '--langmap=C:.c', '--kinds-C=f', '--fields=ne', '--sort=no',
                          '-f', '-', '-L', '-'],
                         input='\n'.join(paths), capture_output=True, text=True, check=True).stdout
    for row in out.splitlines():
        fields = row.split('\t')
        place = dict(field.split(':', 1) for field in fields[3:] if ':' in field)
        if 'line' in place and 'end' in place:
            first, last = int(place['line']), int(place['end'])
            length = last - first + 1
            if length > FUNCTION_LINES:
                length -= table_lines(open(fields[1], encoding='utf-8').read().splitlines()[first - 1:last])
            if length > FUNCTION_LINES:
                find(fields[1], place['line'], f'{fields[0]} () has {length} lines; {FUNCTION_LINES} is the limit')


def check_folders(paths):
    for folder in sorted({path.split('/')[1] for path in paths if path.endswith('.c') and layer_of(path)}):
        if not os.path.exists(f'src/{folder}/README.md'):
            find(f'src/{folder}', 1, 'has no README.md: what it owns, who may link it')


def main():
    paths = [path for path in open(sys.argv[1], encoding='utf-8').read().splitlines() if os.path.isfile(path)]
    allowed = read_layers()
    owners = {}
    for path in paths:
        if path.endswith('.h') and layer_of(path):
            owners.setdefault(os.path.basename(path), []).append(layer_of(path))
    for header, layers in owners.items():
        if len(layers) > 1:
            find(f'src/{layers[0]}/{header}', 1, 'the same file name in ' + ' and '.join(sorted(layers)))
    for path in paths:
        try:
            lines = open(path, encoding='utf-8').read().splitlines()
        except UnicodeDecodeError:
            continue  # test data in foreign encodings
        check_text(path, lines, allowed, owners)
    check_functions([path for path in paths if path.endswith('.c')])
    check_folders(paths)
    print('\n'.join(findings))
    sys.exit(1 if findings else 0)


main()
