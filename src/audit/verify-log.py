#!/usr/bin/python3
"""A second opinion on an exported audit log, with nothing but Python's own library and none of the program's code.

verify-log.py DIRECTORY [VKEY]: checks a tlog-tiles directory (C2SP): the signature on the checkpoint, every hash tile,
every entry that is shown (an empty one stands for a leaf that was not for whoever wrote this), and disclosures.jsonl where
it is there. Without VKEY the directory's own log.vkey is believed, which shows
only that the log agrees with itself. Prints size and root; exits 1 with the reason where something does not hold.
"""
import base64
import hashlib
import json
import os
import sys


def sha256(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


# Ed25519 as RFC 8032 section 6 writes it down: slow, short, without dependencies.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_of(data):
    y = int.from_bytes(data, 'little')
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_of(int.to_bytes(4 * pow(5, P - 2, P) % P, 32, 'little'))


def signed_by(key, message, signature):
    a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], 'little')
    if len(signature) != 64 or not a or not r or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), 'little') % Q
    return same(multiply(s, BASE), add(r, multiply(h, a)))


class Wrong(Exception):
    pass


def demand(condition, reason):
    if not condition:
        raise Wrong(reason)


class Log:
    def __init__(self, directory, vkey=None):
        self.directory = directory
        self.vkey = vkey or self.read('log.vkey').decode().strip()

    def read(self, path):
        with open(os.path.join(self.directory, path), 'rb') as file:
            return file.read()

    def tile(self, level, index, width):
        name = f'{index % 1000:03}'
        while index >= 1000:
            index //= 1000
            name = f'x{index % 1000:03}/{name}'
        path = f'tile/{level}/{name}'
        partial = f'{path}.p/{width}'
        if width < 256 and os.path.exists(os.path.join(self.directory, partial)):
            path = partial
        return path, self.read(path)

    def hashes(self, level, index, width):
        path, data = self.tile(level, index, width)
        demand(len(data) in (width * 32, 8192), f'{path}: {len(data)} bytes')
        return [data[i:i + 32] for i in range(0, width * 32, 32)]

    def entries(self, index, width):
        path, data = self.tile('entries', index, width)
        found = []
        while data:
            length = int.from_bytes(data[:2], 'big')
            demand(len(data) >= 2 + length, f'{path}: cut off')
            found.append(data[2:2 + length])
            data = data[2 + length:]
        demand(len(found) in (width, 256), f'{path}: {len(found)} entries')
        return found[:width]

    def checkpoint(self):
        name, key_id, key = self.vkey.split('+', 2)
        key = base64.b64decode(key, validate=True)
        demand(sha256(name.encode(), b'\n', key)[:4].hex() == key_id and key[0] == 1, 'not an Ed25519 verifier key')
        text, _, lines = self.read('checkpoint').decode().rpartition('\n\n')
        text += '\n'
        good = False
        for line in lines.splitlines():
            _, signer, signature = line.split(' ')
            signature = base64.b64decode(signature, validate=True)
            if signer == name and signature[:4].hex() == key_id:
                good = signed_by(key[1:], text.encode(), signature[4:])
                demand(good, 'checkpoint: wrong signature')
        demand(good, f'checkpoint: not signed by {name}')
        self.origin, size, root = text.split('\n')[:3]
        return int(size), base64.b64decode(root, validate=True)

    def check_tree(self, size):
        """Level by level from the leaves; gives the root."""
        level, count, has_entries = 0, size, os.path.isdir(os.path.join(self.directory, 'tile/entries'))
        peaks = []
        below = None
        while count:
            row, rest = [], []
            for index in range((count + 255) // 256):
                width = min(256, count - index * 256)
                tile = self.hashes(level, index, width)
                if level == 0 and has_entries:
                    for i, entry in enumerate(self.entries(index, width)):
                        if not entry and sha256(b'\0') != tile[i]:
                            self.n_hidden += 1
                            continue
                        demand(sha256(b'\0', entry) == tile[i], f'leaf {index * 256 + i}: another hash than its tile')
                        self.check_disclosures(index * 256 + i, entry)
                if below is not None:
                    demand(tile == below[index * 256:index * 256 + width], f'level {level}: not the hashes of the tiles below')
                while len(tile) > 1 and width == 256:
                    tile = [sha256(b'\1', tile[i], tile[i + 1]) for i in range(0, len(tile), 2)]
                if width == 256:
                    row.append(tile[0])
                else:
                    rest = tile
            # the perfect subtrees of the unfinished tile, largest first, are the smallest ones so far
            mine = []
            while rest:
                take = 1 << len(rest).bit_length() - 1
                part, rest = rest[:take], rest[take:]
                while len(part) > 1:
                    part = [sha256(b'\1', part[i], part[i + 1]) for i in range(0, len(part), 2)]
                mine.append(part[0])
            peaks = mine + peaks
            below, level, count = row, level + 1, len(row)
        if not peaks:
            return sha256()
        root = peaks.pop()
        while peaks:
            root = sha256(b'\1', peaks.pop(), root)
        return root

    def load_disclosures(self):
        self.disclosures, self.n_disclosures, self.n_hidden = {}, 0, 0
        try:
            lines = self.read('disclosures.jsonl').decode().split('\n')
        except FileNotFoundError:
            return
        for line in lines:
            if line:
                item = json.loads(line)
                self.disclosures.setdefault(item['index'], []).append(item)

    def check_disclosures(self, index, entry):
        for item in self.disclosures.pop(index, []):
            hashed = sha256(b'ct-disclosure-v1\0', item['field'].encode(), b'\0', bytes.fromhex(item['salt']),
                            item['value'].encode())
            demand(json.loads(entry)['commit'].get(item['field']) == hashed.hex(),
                   f'leaf {index}: it commits to another “{item["field"]}”')
            self.n_disclosures += 1

    def verify(self):
        size, signed = self.checkpoint()
        self.load_disclosures()
        root = self.check_tree(size)
        demand(root == signed, f'the leaves have the root {root.hex()}, the checkpoint signs {signed.hex()}')
        demand(not self.disclosures, 'disclosures of leaves that are not there')
        return size, root


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        log = Log(*sys.argv[1:])
        size, root = log.verify()
    except (Wrong, OSError, ValueError, KeyError) as problem:
        sys.exit(f'{sys.argv[1]}: {problem}')
    hidden = f', {log.n_hidden} leaves by their hash alone' if log.n_hidden else ''
    print(f'{log.origin}: {size} leaves, root {root.hex()}, {log.n_disclosures} disclosures{hidden}')


if __name__ == '__main__':
    main()
