"""Operating the program: drain, reload, check, metrics, health, logs."""

import json
import pathlib
import signal
import socket
import subprocess
import time

import pytest
import yaml

from harness import messages as m
from harness import processes
from harness.cluster import CANARY, USERS
from harness.crowd import in_background, together
from harness.proxy import binary
from harness.waiting import repetitions, seconds, until
from harness.wire import EOF, LoginFailed

pytestmark = pytest.mark.own


def ended(proxy):
    return until(lambda: proxy.process.poll() is not None, "the process has ended", timeout=15)


def test_sigterm_lets_transactions_end_and_closes_idle_clients(start):
    proxy = start(max_size=3, changes={"timeouts": {"drain": "60s"}})
    idle, busy, running = proxy.wire(), proxy.wire(), proxy.wire()
    idle.query("select 1")
    busy.query("begin")
    running.send(m.Q("select pg_sleep(0.5), 'done'"))
    until(lambda: proxy.metric("pgweir_backends", user="app", state="borrowed") == 2, "both are under way")
    proxy.signal(signal.SIGTERM)
    answer = idle.until_eof()
    assert answer[0].kind == "E" and answer[0].sqlstate == "57P01"
    with pytest.raises((OSError, LoginFailed, EOFError)):
        proxy.wire()
    assert busy.value("select 'still here'") == "still here"
    assert busy.ask(m.Q("commit")) == "C(COMMIT) Z(I)"
    assert "D(,done)" in " ".join(str(x) for x in running.until_ready())
    for wire in (busy, running):
        answer = wire.until_eof()
        assert answer == [EOF] or answer[0].sqlstate == "57P01"
    ended(proxy)
    assert proxy.process.returncode == 0


def test_sigterm_has_a_hard_deadline(start):
    proxy = start(max_size=1, changes={"timeouts": {"drain": "500ms"}})
    with proxy.wire() as wire:
        wire.query("begin")
        begun = time.monotonic()
        proxy.signal(signal.SIGTERM)
        ended(proxy)
        assert 0.4 <= time.monotonic() - begun <= seconds(2.5)
        assert wire.until_eof()[-1] is EOF
    assert proxy.process.returncode == 0


def test_a_second_sigterm_ends_at_once(start):
    proxy = start(max_size=1, changes={"timeouts": {"drain": "30s"}})
    with proxy.wire() as wire:
        wire.query("begin")
        proxy.signal(signal.SIGTERM)
        until(lambda: proxy.http("/readyz")[0] != 200, "no longer ready")
        begun = time.monotonic()
        proxy.signal(signal.SIGTERM)
        ended(proxy)
        assert time.monotonic() - begun < seconds(2)
    proxy.expected_exit = proxy.process.returncode


def test_a_drain_under_load_fails_no_transaction(start):
    """T15: whoever began before the signal ends well."""
    proxy = start(max_size=4, changes={"timeouts": {"drain": "60s"}})
    begun, finished, broken = [], [], []

    def work(number):
        try:
            wire = proxy.wire()
        except (OSError, LoginFailed, EOFError):
            return
        for turn in range(100000):
            try:
                answer = wire.ask(m.Q("begin"))
                if answer != "C(BEGIN) Z(T)":
                    if "57P01" not in answer and "EOF" not in answer:
                        broken.append(answer)
                    return
            except OSError:
                return
            begun.append((number, turn))
            try:
                wire.query("select pg_sleep(0.01)")
                assert wire.ask(m.Q("commit")) == "C(COMMIT) Z(I)"
                finished.append((number, turn))
            except (AssertionError, OSError) as error:
                broken.append(repr(error))
                return

    crowd = in_background(together, work, range(20), 20)
    until(lambda: len(finished) > 50, "the load runs")
    proxy.signal(signal.SIGTERM)
    crowd.result(seconds(30))
    ended(proxy)
    assert not broken, broken[:3]
    assert sorted(begun) == sorted(finished)
    assert proxy.process.returncode == 0


def test_sighup_takes_a_valid_configuration(start):
    proxy = start(max_size=1)
    with proxy.wire() as first, proxy.wire() as second:
        first.query("begin")
        second.send(m.Q("select 'waited'"))
        proxy.reload({"pool": {"max_size": 2}, "users": {"app2": {"password": "changed"}}})
        assert "D(waited)" in " ".join(str(x) for x in second.until_ready(seconds(10)))
        first.query("commit")
        assert first.value("select 1") == "1"
        with pytest.raises(LoginFailed):
            proxy.wire("app2")


def test_sighup_refuses_an_invalid_configuration_whole(start):
    proxy = start(max_size=1)
    with proxy.wire() as wire:
        before = len(proxy.log_text())
        proxy.reload({"pool": {"max_size": 5, "min_size": 9, "no_such_key": 1},
                      "timeouts": {"query": "1 parsec"}})
        until(lambda: "no_such_key" in proxy.log_text()[before:] and "parsec" in proxy.log_text()[before:],
              "every problem is listed")
        assert wire.value("select 1") == "1"
        with proxy.wire() as other:
            other.query("begin")
            wire.send(m.Q("select 'later'"))
            until(lambda: proxy.waiters() == 1, "still one backend")
            other.query("commit")
            wire.until_ready()


def without_app_and_with_it_again(proxy):
    for number, users in enumerate((["app2"], list(USERS))):
        proxy.reload({"databases": {"app": {"users": users}}})
        until(lambda: len([e for e in proxy.log_events() if e["event"] == "reloaded"]) == number + 1, "it is reloaded")


def test_a_pool_that_comes_back_has_one_series_with_that_of_its_last_clients(start):
    proxy = start(max_size=2)
    pool = {"database": "app", "user": "app"}
    with proxy.wire() as old:
        old.query("select 1")
        without_app_and_with_it_again(proxy)
        with proxy.wire() as new:
            new.query("select 1")
            series = [line.rsplit(" ", 1)[0] for line in proxy.http("/metrics")[1].splitlines() if line[0] != "#"]
            assert len(series) == len(set(series))
            assert proxy.metric("pgweir_pool_up", **pool) == 1
            assert proxy.metric("pgweir_pool_limit", limit="max_size", **pool) == 2
            until(lambda: proxy.metric("pgweir_pool_clients", state="idle", **pool) == 2, "both are idle")
            assert proxy.metric("pgweir_queries_total", **pool) == 2
    until(lambda: proxy.metric("pgweir_pool_clients", **pool) == 0, "both have left")
    assert proxy.metric("pgweir_queries_total", **pool) == 2


def test_each_query_of_a_pipeline_counts_also_where_their_answers_come_together(start):
    proxy = start(max_size=1)
    pool = {"database": "app", "user": "app"}
    with proxy.wire() as wire:
        wire.send(m.Q("select 1") * 20)
        for _ in range(20):
            wire.until_ready()
        assert proxy.metric("pgweir_queries_total", **pool) == 20
        assert proxy.metric("pgweir_transactions_total", **pool) == 20
        assert proxy.metric("pgweir_query_seconds_count", **pool) == 20


def test_a_client_whose_user_a_reload_removes_is_told_so(start):
    proxy = start(max_size=2)
    with proxy.wire() as wire:
        wire.query("select 1")
        without_app_and_with_it_again(proxy)
        wire.send(m.Q("select 2"))
        answer = wire.until_eof()
    assert answer[0].sqlstate == "42501" and "no longer configured" in answer[0].text, answer
    until(lambda: proxy.metric("pgweir_clients_ended_total", reason="not_allowed") == 1, "it is counted")
    closed = next(e for e in proxy.log_events() if e["event"] == "client_closed")
    assert closed["reason"] == "not_allowed" and closed["message"] == answer[0].text


def test_many_reloads_leak_nothing_and_drop_nobody(start):
    proxy = start(max_size=2)
    with proxy.wire() as wire:
        wire.query("select 1")
        before = proxy.descriptors()
        for number in range(repetitions(50, least=10)):
            proxy.reload({"pool": {"borrow_timeout": f"{number + 10}s"}})
            assert wire.value("select 1") == "1"
        until(lambda: proxy.descriptors() <= before, "all descriptors are back")


def run(*arguments):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=seconds(30), stdin=subprocess.DEVNULL)


def test_check_reports_all_problems_at_once(tmp_path):
    config = tmp_path / "bad.yaml"
    config.write_text("listen: {port: 70000}\ndatabases:\n  app: {host: localhost, prot: 5432}\n"
                      "users:\n  app: {password: x}\npool: {min_size: 5, max_size: 2, borrow_timeout: 5}\n")
    done = run("check", str(config))
    assert done.returncode == 1
    text = done.stdout + done.stderr
    for word in ("bad.yaml:1", "listen.port", "bad.yaml:3", "databases.app.prot", "bad.yaml:6", "min_size",
                 "borrow_timeout"):
        assert word in text, text


def test_check_accepts_a_good_configuration(start):
    proxy = start(max_size=2)
    assert run("check", str(proxy.config_path)).returncode == 0


def test_serve_refuses_an_invalid_configuration(tmp_path):
    config = tmp_path / "bad.yaml"
    config.write_text("listen: {prot: 1}\n")
    done = run("serve", str(config))
    assert done.returncode != 0 and "prot" in done.stdout + done.stderr


def test_serve_says_which_port_is_taken(start, tmp_path):
    proxy = start(max_size=1)
    done = run("serve", str(proxy.config_path))
    assert done.returncode != 0 and str(proxy.port) in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1 and "set another listen.port" in done.stderr


@pytest.mark.parametrize("section, address, advice", [
    ("listen", {"host": "192.0.2.1"}, "set listen.host"),
    ("admin", {"host": "192.0.2.1"}, "set admin.host"),
    ("admin", {"port": None}, "set another admin.port")])
def test_serve_says_what_to_do_about_an_address(start, tmp_path, section, address, advice):
    proxy = start(max_size=1)
    other = {key: {**proxy.config[key], "port": processes.free_port()} for key in ("listen", "admin")}
    other[section].update({key: value or proxy.admin_port for key, value in address.items()})
    config = tmp_path / "other.yaml"
    config.write_text(yaml.safe_dump({**proxy.config, **other}))
    done = run("serve", str(config))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and advice in done.stderr, done.stderr


def test_a_reload_that_goes_back_to_the_port_in_use_needs_no_restart(start):
    proxy = start(max_size=1)
    for number, port in enumerate((processes.free_port(), proxy.port)):
        proxy.reload({"listen": {"port": port}})
        until(lambda: len([e for e in proxy.log_events() if e["event"] == "reloaded"]) == number + 1, "it is reloaded")
    changes = [e["change"] for e in proxy.log_events() if e["event"] == "setting_changed"]
    assert ["needs a restart" in each for each in changes] == [True, False], changes


def test_version():
    done = run("version")
    assert done.returncode == 0 and "pgweir" in done.stdout
    as_option = run("--version")
    assert as_option.returncode == 0 and as_option.stdout == done.stdout and not as_option.stderr


def test_healthcheck(start):
    proxy = start(max_size=1)
    assert run("healthcheck", str(proxy.config_path)).returncode == 0
    proxy.signal(signal.SIGTERM)
    ended(proxy)
    assert run("healthcheck", str(proxy.config_path)).returncode != 0


def test_healthcheck_says_that_nothing_answers(tmp_path):
    config = tmp_path / "pgweir.yaml"
    port = processes.free_port()
    config.write_text(f"admin: {{host: 0.0.0.0, port: {port}}}\ndatabases: {{app: {{host: db}}}}\n"
                      "users: {app: {password_env: NO_SUCH_VARIABLE}}\n")
    done = run("healthcheck", str(config))
    assert done.returncode == 1
    assert done.stderr == f"pgweir: nothing answers on 127.0.0.1:{port} (admin.port): is pgweir running?\n"


def test_healthcheck_needs_no_password(start, tmp_path):
    """A supervisor or a person asks from another environment than that of the process."""
    proxy = start(max_size=1)
    config = tmp_path / "other.yaml"
    config.write_text(yaml.safe_dump({**proxy.config, "users": {"app": {"password_env": "NO_SUCH_VARIABLE"}}}))
    assert run("check", str(config)).returncode == 1
    done = run("healthcheck", str(config))
    assert done.returncode == 0, done.stdout + done.stderr


def test_healthcheck_of_something_that_does_not_answer(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = tmp_path / "pgweir.yaml"
        config.write_text(f"admin: {{port: {silent.getsockname()[1]}}}\n")
        done = run("healthcheck", str(config))
    assert done.returncode == 1 and "has not answered within 4 s" in done.stderr, done.stderr


def test_a_misspelt_command_is_named():
    done = run("chekc", "pgweir.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("pgweir: unknown subcommand 'chekc'; did you mean check?\n"), done.stderr
    missing = run("check")
    assert missing.returncode == 2 and "CONFIG is required" in missing.stderr
    assert run().returncode == 2 and run("--help").returncode == 0


@pytest.mark.parametrize("arguments", [["--bogus"], ["serve", "--bogus"], ["serve", "pgweir.yaml", "--bogus"]])
def test_an_unknown_option_is_named(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and "--bogus" in done.stderr and not done.stdout, done.stderr


def test_a_certificate_that_is_not_used_is_told_of_at_start(start, certificates):
    pair = {"cert_file": str(certificates.server.cert), "key_file": str(certificates.server.key)}
    proxy = start(max_size=1, changes={"listen": {"tls": pair}})
    warning = "listen.tls.cert_file: warning: is not used while listen.tls.mode is disable"
    assert warning in proxy.log_text()
    done = run("check", str(proxy.config_path))
    assert done.returncode == 0 and warning in done.stderr


TURNED_AWAY = {
    "authentication_failed": ("app", "app", "wrong password", "28P01"),
    "no_such_database": ("app", "missing", None, "3D000"),
    "not_allowed": ("app2", "other", None, "42501"),
}


@pytest.mark.parametrize("reason", TURNED_AWAY)
def test_who_is_turned_away_is_logged(start, reason):
    user, database, password, sqlstate = TURNED_AWAY[reason]
    proxy = start(max_size=1)
    with pytest.raises(LoginFailed) as refused:
        proxy.wire(user, database, password, params=[("application_name", "report")])
    assert refused.value.answer.sqlstate == sqlstate
    until(lambda: any(line["event"] == "client_closed" for line in proxy.log_events()), "it is logged")
    [line] = [line for line in proxy.log_events() if line["event"] == "client_closed"]
    assert (line["reason"], line["user"], line["database"], line["application_name"]) == (reason, user, database, "report")
    assert line["peer"] and "wrong password" not in proxy.log_text() and USERS[user] not in proxy.log_text()


def test_a_client_that_is_closed_later_is_logged_with_its_name(start):
    proxy = start(max_size=1, changes={"timeouts": {"client_idle": "300ms"}})
    with proxy.wire(params=[("application_name", "report")]) as wire:
        assert wire.receive().sqlstate == "57P05"
    [line] = [line for line in proxy.log_events() if line["event"] == "client_closed"]
    assert (line["reason"], line["application_name"]) == ("idle_timeout", "report")


def test_health_and_ready(start):
    proxy = start(max_size=1)
    assert proxy.http("/healthz")[0] == 200
    assert proxy.http("/readyz")[0] == 200
    assert proxy.http("/nothing")[0] == 404


def test_metrics_follow_what_happens(start):
    proxy = start(max_size=2, min_size=1)
    with proxy.wire() as first, proxy.wire() as second, proxy.wire() as third:
        for wire in (first, second, third):
            wire.query("select 1")
        first.query("begin")
        second.query("begin")
        third.send(m.Q("select 1"))
        until(lambda: proxy.waiters() == 1, "one waiter")
        pool = {"database": "app", "user": "app"}
        assert proxy.metric("pgweir_clients") == 3
        assert proxy.metric("pgweir_pool_clients", state="active", **pool) == 2
        assert proxy.metric("pgweir_backends", state="borrowed", **pool) == 2
        assert proxy.metric("pgweir_pool_limit", limit="max_size", **pool) == 2
        first.query("commit")
        third.until_ready()
        second.query("commit")
        until(lambda: proxy.metric("pgweir_backends", state="idle", **pool) == 2, "both are idle")
        assert proxy.metric("pgweir_pool_clients", state="idle", **pool) == 3
        assert proxy.metric("pgweir_queries_total", **pool) == 8
        assert proxy.metric("pgweir_transactions_total", **pool) == 6
        assert proxy.metric("pgweir_borrow_wait_seconds_count", **pool) == 6
        assert proxy.metric("pgweir_query_seconds_count", **pool) == 8
        assert proxy.metric("pgweir_logins_total") == 3
        assert proxy.metric("pgweir_client_bytes_received_total", **pool) > 8 * len(m.Q("begin"))
        assert proxy.metric("pgweir_build_info") == 1
    with pytest.raises(LoginFailed):
        proxy.wire(password="wrong")
    ended = {series: value for series, value in proxy.metrics().items() if series.startswith("pgweir_clients_ended")}
    assert any("auth" in series and value == 1 for series, value in ended.items()), ended
    assert not any("pg_sleep" in series or "select" in series for series in proxy.metrics())


def closes(proxy, reason):
    """How many server connections were closed for this reason; all others are as open as ever."""
    others = sum(value for series, value in proxy.metrics().items()
                 if series.startswith("pgweir_backend_closes_total") and f'reason="{reason}"' not in series)
    assert others == 0
    return proxy.metric("pgweir_backend_closes_total", database="app", user="app", reason=reason)


def two_backends(proxy):
    with proxy.wire() as first, proxy.wire() as second:
        for wire in (first, second):
            wire.query("begin")
        for wire in (first, second):
            wire.query("commit")
    until(lambda: proxy.metric("pgweir_backends", user="app", state="idle") == 2, "two are idle")


def lose_one(proxy, cluster):
    two_backends(proxy)
    cluster.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' limit 1")


def leave_one_surplus(proxy, cluster):
    two_backends(proxy)
    proxy.reload({"pool": {"max_size": 1}})


def outdate_one(proxy, cluster):
    with proxy.wire() as wire:
        wire.query("alter role app reset work_mem")


def leave_a_seed_behind(proxy, cluster):
    """No statement takes back what setseed() has done."""
    with proxy.wire() as wire:
        wire.query("select setseed(0.5)")


def refuse_settings(proxy, cluster):
    """temp_buffers cannot be changed any more where there were temporary tables."""
    with proxy.wire() as picky, proxy.wire() as other:
        picky.query("set temp_buffers = '16MB'")
        other.query("create temp table t on commit drop as select 1")
        assert picky.value("show temp_buffers") == "16MB"


CLOSES = {
    "lost": (lose_one, {"max_size": 2, "min_size": 0}, 1),
    "idle_timeout": (lambda proxy, _: two_backends(proxy), {"max_size": 2, "min_size": 1, "idle_timeout": "300ms"}, 1),
    "max_lifetime": (lambda proxy, _: None, {"max_size": 1, "min_size": 1, "max_lifetime": "300ms"}, 2),
    "surplus": (leave_one_surplus, {"max_size": 2, "min_size": 0}, 1),
    "outdated": (outdate_one, {"max_size": 1, "min_size": 0}, 1),
    "not_clean": (leave_a_seed_behind, {"max_size": 1, "min_size": 0}, 1),
    "settings_refused": (refuse_settings, {"max_size": 1, "min_size": 0}, 1),
}


@pytest.mark.parametrize("reason", CLOSES)
def test_closes_of_server_connections_are_counted_by_reason(start, cluster, reason):
    provoke, pool, times = CLOSES[reason]
    proxy = start(**pool, changes={"users": {"app2": None, "md5app": None}, "databases": {
        "other": None, "app": {"users": ["app"]}}})
    provoke(proxy, cluster)
    until(lambda: closes(proxy, reason) >= times, f"{reason} is counted")


def test_logins_to_the_server_are_counted_by_result(start, cluster):
    changes = {"users": {"app2": {"password": "wrong"}}, "databases": {
        "nowhere": {"host": cluster.host, "port": processes.free_port(), "users": ["app"]}}}
    proxy = start(min_size=1, max_size=1, wait_ready=False, changes=changes)
    until(lambda: proxy.http("/metrics")[0] == 200, "metrics are served")

    def logins(database, user, result):
        return proxy.metric("pgweir_backend_logins_total", database=database, user=user, result=result)

    until(lambda: logins("app", "app", "ok") == 1, "app is in")
    until(lambda: logins("app", "app2", "refused") >= 1, "app2 is refused")
    until(lambda: logins("nowhere", "app", "unreachable") >= 2, "nobody listens there")
    assert logins("app", "app2", "ok") == logins("nowhere", "app", "ok") == 0
    assert proxy.metric("pgweir_backend_logins_total", result="timed_out") == 0
    assert proxy.metric("pgweir_backend_logins_total", result="lost") == 0


def test_labels_never_carry_what_clients_make_up(start):
    proxy = start(max_size=1)
    for name in ("made-up-user", "x\"}\n"):
        with pytest.raises((LoginFailed, AssertionError)):
            proxy.wire(name, password="x")
        with pytest.raises((LoginFailed, AssertionError)):
            proxy.wire("app", name)
    with proxy.wire(params=[("application_name", "made-up-application")]) as wire:
        wire.query("select 1")
        assert "made-up" not in proxy.http("/metrics")[1]


HOSTILE = "x\n{\"level\":\"error\"}\r\x1b[31m\x00"[:-1]


@pytest.mark.parametrize("log", ["json", "text"])
def test_log_injection(start, log):
    """P3: a client cannot write lines, control characters or broken JSON into the log."""
    proxy = start(max_size=1, changes={"log": {"format": log, "level": "debug"}})
    lines = []
    for user, database in ((HOSTILE, "app"), ("app", HOSTILE), (HOSTILE * 50, HOSTILE * 50)):
        with pytest.raises((LoginFailed, AssertionError)):
            proxy.wire(user, database, password="x")
    with proxy.wire(params=[("application_name", HOSTILE)]) as wire:
        wire.ask(m.Q(f"select '{HOSTILE}' bad syntax {HOSTILE}"))
        wire.ask(m.P(HOSTILE, "select 1") + m.B("", HOSTILE + "y") + m.S)
    with proxy.socket() as garbage:
        garbage.send(b"\x7f" * 100)
        garbage.until_eof()
    proxy.stop()
    text = proxy.log_path.read_bytes()
    assert not [byte for byte in text if byte < 32 and byte not in b"\n\t"], "control characters"
    lines = text.decode().splitlines()
    if log == "json":
        assert all(json.loads(line) for line in lines if line.strip())
    assert not [line for line in lines if line.startswith('{"level":"error"}')]
    assert max(map(len, lines)) < 4000


def test_no_secret_reaches_log_metrics_or_process_list(start):
    """P4: every password carries a mark; nobody may find it anywhere."""
    proxy = start(max_size=2, changes={"log": {"level": "trace"}})
    for user in USERS:
        with proxy.wire(user) as wire:
            wire.ask(m.P("s", "select $1::text") + m.B("", "s", (f"{CANARY}-value",)) + m.E() + m.S)
            wire.ask(m.Q(f"select '{CANARY}' / 0"))
        with pytest.raises(LoginFailed):
            proxy.wire(user, password=f"{CANARY}-wrong")
    proxy.reload({"pool": {"no_such_key": f"{CANARY}"}, "users": {"app": {"pasword": f"{CANARY}-typo"}}})
    until(lambda: "no_such_key" in proxy.log_text(), "the refusal is logged")
    for page in ("/metrics", "/healthz", "/readyz"):
        assert CANARY not in proxy.http(page)[1]
    for name in ("cmdline", "environ"):
        assert CANARY.encode() not in pathlib.Path(f"/proc/{proxy.process.pid}/{name}").read_bytes()
    proxy.stop()
    found = [line for line in proxy.log_text().splitlines() if CANARY in line]
    assert not found, found[0]


def test_every_line_of_the_json_log_has_its_fields(start):
    proxy = start(max_size=1)
    with proxy.wire() as wire:
        wire.query("select 1")
    with pytest.raises(LoginFailed):
        proxy.wire(password="wrong")
    proxy.stop()
    events = proxy.log_events()
    assert events and all("level" in event for event in events)


def test_the_warning_about_descriptors(start):
    proxy = start(max_size=2, limits=["prlimit", "--nofile=1000:1000"], changes={"listen": {"max_clients": 5000}})
    assert "descriptor" in proxy.log_text().lower() or "nofile" in proxy.log_text().lower()


def test_the_soft_limit_is_raised_to_the_hard_one(start):
    proxy = start(max_size=2, limits=["prlimit", "--nofile=256:3000"], changes={"listen": {"max_clients": 500}})
    limits = pathlib.Path(f"/proc/{proxy.process.pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    assert line.split()[3:5] == ["3000", "3000"]
