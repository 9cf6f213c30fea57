"""A PostgreSQL of the tests' own."""
import os
import socket
import subprocess

from tower import ROOT


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Postgres:
    """tests/pg/server.sh, for as long as the tests run."""

    def __init__(self):
        for _ in range(3):
            self.port = free_port()
            self.process = subprocess.Popen([os.path.join(ROOT, 'tests', 'pg', 'server.sh'), str(self.port)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            line = self.process.stdout.readline()
            if line.startswith('ready '):
                self.folder = line.removeprefix('ready ').strip()
                return
        raise RuntimeError('PostgreSQL does not start')

    def stop(self):
        self.process.stdin.close()
        self.process.wait()

    def url(self, database, user='postgres'):
        return f'host={self.folder} port={self.port} dbname={database} user={user}'

    def psql(self, database, sql, user='postgres', password=None, check=True):
        """Runs statements; with a password over TCP, as a person at another machine would. What they print."""
        host = '127.0.0.1' if password else self.folder
        done = subprocess.run(['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1',
                               f'host={host} port={self.port} dbname={database} user={user}', '-c', sql],
                              env={**os.environ, 'PGPASSWORD': password or ''}, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f'{sql}: {done.stderr}')
        return done.stdout.strip() if check else done
