"""Every statement carries a value of its own and every row echoes it: each client gets its rows, all, once.

PGWEIR_TEST_NONCE=seconds makes it a long run; the counts are printed at the end.
"""

import asyncio
import os
import random
import time

import pytest

from harness.waiting import repetitions, seconds
from proof.nonce_clients import Cancelling, Client, Slow, Tally, Vanishing
from proof.nonce_judge import Foreign, judge
from proof.nonce_shapes import SETUP, record
from proof.seeds import new_seed

DURATION = float(os.environ.get("PGWEIR_TEST_NONCE", repetitions(15, least=6)))
STUCK = seconds(30)  # until an answer counts as lost
WANTED = ("statements cancelled", "vanished", "backends killed")  # without these a run proves less than it says

CROWD = {Client: 130, Cancelling: 30, Vanishing: 36, Slow: 4}

KILL = """
select pg_terminate_backend(pid) from (
  select pid from pg_stat_activity where usename = 'app' and datname = 'app' and backend_type = 'client backend'
  order by random() limit 1) as victim
"""


@pytest.fixture
def templates(cluster, direct):
    cluster.execute(SETUP, "app")
    recorded = record(direct)
    cluster.execute("truncate nonce_rows", "app")
    yield recorded
    cluster.execute("drop table nonce_rows", "app")


async def kill_backends(admin, tally, chance, stopping):
    """Terminates one backend of the pool now and then; PostgreSQL says how many it found."""
    def kill():
        with admin.cursor() as cursor:
            cursor.execute(KILL)
            return len(cursor.fetchall())

    while not stopping.is_set():
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        tally.counts["backends killed"] += await asyncio.get_running_loop().run_in_executor(None, kill)


async def keep_time(clients, tally, stopping):
    """Ends the run, and fails it when somebody's answer does not come."""
    end = time.monotonic() + DURATION
    # On a busy machine it takes longer to hit all that the run is to prove something about.
    latest = end + 8 * DURATION
    while time.monotonic() < end or any(not client.successes for client in clients) or (
            time.monotonic() < latest and not all(tally.counts[what] for what in WANTED)):
        await asyncio.sleep(0.2)
        for client in clients:
            waits = time.monotonic() - (client.busy_since or time.monotonic())
            assert waits < STUCK, f"client {client.tag} waits for an answer since {waits:.0f} s"
    stopping.set()


async def run(clients, admin, tally, seed):
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(client.live(stopping))
        tasks.create_task(kill_backends(admin, tally, random.Random(seed), stopping))
        tasks.create_task(keep_time(clients, tally, stopping))


def check_table(admin, tally):
    """Each acknowledged insert is there once, whole; none that failed is; of the others each is there whole or not."""
    with admin.cursor() as cursor:
        cursor.execute("select nonce, count(*), count(distinct number) from nonce_rows group by nonce")
        found = {nonce: counts for nonce, *counts in cursor.fetchall()}
    assert all(counts == [10, 10] for counts in found.values()), "an insert was done twice, or in part"
    assert not tally.done - found.keys(), "an acknowledged insert is lost"
    assert not found.keys() & tally.undone, "an insert that failed, or was cut short, was done"
    assert not found.keys() - tally.done - tally.unknown, "nobody knows of an insert that was done"


@pytest.mark.pooled
def test_each_client_gets_its_own_rows_all_of_them_once(start, templates, admin, capsys):
    """200 clients on three backends: some are cancelled, some vanish, some read slowly, and backends are killed."""
    seed = new_seed()
    proxy, tally = start(max_size=3, changes={"workers": 2}), Tally()
    kinds = [kind for kind, count in CROWD.items() for _ in range(count)]
    clients = [kind(number, proxy, templates, tally, seed) for number, kind in enumerate(kinds)]
    try:
        asyncio.run(run(clients, admin, tally, seed))
    except ExceptionGroup as failures:
        raise failures.exceptions[0]
    finally:
        with capsys.disabled():
            print(f"\n[{DURATION:.0f} s, {len(clients)} clients, 3 backends: {tally}]", flush=True)
    counts = tally.counts
    assert counts["statements that lost their backend"] <= counts["backends killed"]
    for what in WANTED:
        assert counts[what], f"no {what}: the run proves less than it says"
    check_table(admin, tally)


def changed(answer, kind, what):
    """The answer with its first message of that kind lost, sent twice, or with another's value in it."""
    at = 0
    while answer[at] != ord(kind):
        at += 1 + int.from_bytes(answer[at + 1:at + 5], "big")
    end = at + 1 + int.from_bytes(answer[at + 1:at + 5], "big")
    row = answer[at:end]
    instead = {"lost": b"", "doubled": row + row, "foreign": row.replace(b"0001", b"0002")}[what]
    return answer[:at] + instead + answer[end:]


@pytest.mark.parametrize("what", ["lost", "doubled", "foreign"])
@pytest.mark.parametrize("shape", ["simple", "pipeline", "copy out", "error"])
def test_the_judge_finds_a_wrong_row(templates, shape, what):
    expected = templates[shape].fill("0001", "0001" + "0" * 12)[1]
    kind = {"copy out": "d", "error": "E"}.get(shape, "D")
    wrong = changed(expected, kind, what)
    assert wrong != expected
    with pytest.raises(Foreign):
        if judge(expected, wrong, ended=False) != {"57014"}:
            raise Foreign("an error that nothing explains")
