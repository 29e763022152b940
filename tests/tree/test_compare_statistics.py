"""What bench/compare reports is what was measured."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))

from compare import pgbench, statistics, syscalls  # noqa: E402
from compare.processes import Trouble  # noqa: E402
from compare.statistics import Spread  # noqa: E402


@pytest.mark.parametrize("values, expected", [([3], 3), ([5, 1, 3], 3), ([4, 1, 3, 2], 2.5)])
def test_median(values, expected):
    assert statistics.median(values) == expected


@pytest.mark.parametrize("percent, expected", [(50, 50), (99, 99), (100, 100), (1, 1)])
def test_percentile_is_a_value_that_occurred(percent, expected):
    assert statistics.percentile(list(range(100, 0, -1)), percent) == expected


def test_percentile_of_one_value():
    assert statistics.percentile([7], 50) == statistics.percentile([7], 99) == 7


def test_a_summary_leaves_out_what_was_not_measured():
    samples = [{"tps": 10}, None, {"tps": 30}, {"cpu_us": 1}]
    assert statistics.summary(samples, "tps") == Spread(20, 10, 30)
    assert statistics.summary(samples, "pss_kib") is None


def test_ratios_are_taken_repeat_by_repeat():
    ours, theirs = [{"tps": 100}, {"tps": 50}, {"tps": 30}], [{"tps": 50}, {"tps": 50}, {"tps": 10}]
    assert statistics.ratio(ours, theirs, "tps") == Spread(2, 1, 3)


def test_a_repeat_that_one_of_them_missed_has_no_ratio():
    assert statistics.ratio([None, {"tps": 8}], [{"tps": 1}, {"tps": 4}], "tps") == Spread(2, 2, 2)
    assert statistics.ratio([{"tps": 8}], [None], "tps") is None
    assert statistics.ratio([{"tps": 8}], [], "tps") is None


@pytest.mark.parametrize("mine, other", [(-5, 10), (5, -10), (5, 0)])
def test_no_ratio_with_a_latency_below_the_direct_one(mine, other):
    assert statistics.ratio([{"added_p50_us": mine}], [{"added_p50_us": other}], "added_p50_us") is None


def test_added_latency_is_the_distance_from_direct_in_the_same_repeat():
    samples = [{"p50_us": 120, "p99_us": 300}, {"p50_us": 90}, None]
    direct = [{"p50_us": 100, "p99_us": 250}, {"p50_us": 100, "p99_us": 1}, {"p50_us": 1}]
    added = statistics.with_added_latency(samples, direct)
    assert added[0] == {"p50_us": 120, "p99_us": 300, "added_p50_us": 20, "added_p99_us": 50}
    assert added[1] == {"p50_us": 90, "added_p50_us": -10}
    assert added[2] is None


STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000600           3       200           sendto
 20.00    0.000200           1       250        50 recvfrom
 10.00    0.000100           1        40           epoll_wait
  5.00    0.000050           1         7           sendmsg
  5.00    0.000050           1         3         1 futex
------ ----------- ----------- --------- --------- ----------------
100.00    0.001000           2       500        51 total
"""


def test_strace_table():
    calls = syscalls.parse(STRACE)
    assert calls == {"sendto": 200, "recvfrom": 250, "epoll_wait": 40, "sendmsg": 7, "futex": 3}
    assert syscalls.by_kind(calls) == {"sends": 207, "receives": 250, "waits": 40, "other_calls": 3}


def test_strace_saw_nothing():
    assert syscalls.by_kind(syscalls.parse("")) == {"sends": 0, "receives": 0, "waits": 0, "other_calls": 0}


def test_logins_cancel_out_of_the_calls_per_transaction(monkeypatch):
    done = []

    def watch(place, pid, work):
        work()
        return {"sends": 1000 + 2 * done[-1]}
    monkeypatch.setattr(syscalls, "watch", watch)
    assert syscalls.per_unit(None, 1, done.append, 5, 65, 60) == {"sends": 2}


@pytest.mark.parametrize("line, expected", [
    ("progress: 1.0 s, 13142.1 tps, lat 1.5 ms stddev 0.4, 0 failed\n", (1.0, 13142.1)),
    ("pgbench (15.18)\n", None), ("", None)])
def test_progress_of_pgbench(line, expected):
    assert pgbench.read_progress(line) == expected


def test_the_rate_leaves_out_what_came_before_the_first_line():
    assert pgbench.rate([(1.0, 9999.0), (2.0, 100.0), (4.0, 400.0)]) == pytest.approx(300)


def test_a_load_that_stands_still_is_no_figure():
    with pytest.raises(Trouble):
        pgbench.rate([(1.0, 10.0), (2.0, 0.0)])


def test_latencies_of_the_warm_up_are_left_out():
    log = "0 1 900 0 100 500000\n3 1 250 0 101 200000\n3 2 260 0 101 900000\nrubbish\n"
    assert pgbench.latencies([log, ""], warm_up=0.5) == [250, 260]


def test_failed_transactions_are_no_figure():
    pgbench.check(0, "number of failed transactions: 0 (0.000%)\n", "")
    with pytest.raises(Trouble, match="3 transactions failed"):
        pgbench.check(0, "number of failed transactions: 3 (0.100%)\n", "")
    with pytest.raises(Trouble, match="no server"):
        pgbench.check(1, "", "pgbench: error: no server\n")
