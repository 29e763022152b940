"""Watches pg_stat_activity from outside and keeps the highest number of backends of one pool, or of several."""

import threading

from .waiting import seconds

BACKENDS = """
select usename, pid, state, left(query, 60) from pg_catalog.pg_stat_activity
where backend_type = 'client backend' and usename = any(%s) and datname = any(%s)
"""


class Watcher:
    """A context manager. `maximum` is the most backends of these users and databases ever seen at once."""

    def __init__(self, cluster, users=("app",), databases=("app",), interval=0.003):
        self.users, self.databases, self.interval = list(users), list(databases), interval
        self.connection = cluster.connect()
        self.lock = threading.Lock()
        self.maximum, self.samples, self.worst = 0, 0, []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def now(self):
        with self.lock, self.connection.cursor() as cursor:
            cursor.execute(BACKENDS, (self.users, self.databases))
            rows = cursor.fetchall()
        if len(rows) > self.maximum:
            self.maximum, self.worst = len(rows), rows
        self.samples += 1
        return rows

    def count(self):
        return len(self.now())

    def pids(self):
        return sorted(row[1] for row in self.now())

    def running(self, text):
        return [row for row in self.now() if row[2] == "active" and text in row[3]]

    def run(self):
        while not self.stopping.wait(self.interval):
            try:
                self.now()
            except Exception:  # the server went away: the test that stopped it watches otherwise
                return

    def __enter__(self):
        self.now()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(seconds(10))
        self.connection.close()
