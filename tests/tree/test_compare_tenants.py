"""bench/compare's tenant cases: what they send, for whom, and how their aims are told."""

import copy
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))

from compare import cases, crowd, estimate, options, report_html, report_markdown, systems  # noqa: E402
from compare import tenants, trials, view, wire  # noqa: E402
from compare.statistics import Spread  # noqa: E402

PROTOCOLS = ("simple", "prepared")
NAMES = {case.name for case in cases.TENANTS}
SCRIPTS = {
    **{f"local {protocol} {names}": tenants.local(protocol, names) for protocol in PROTOCOLS for names in (1, 3)},
    **{f"session {protocol} {whose}": tenants.session(protocol, whose) for protocol in PROTOCOLS
       for whose in tenants.VALUES},
    **{f"function {language} {scope}": tenants.function(language, scope) for language in tenants.LANGUAGES
       for scope in tenants.SCOPES},
    "search path": tenants.search_path(), "policy": tenants.policy(), "orm": tenants.orm(),
    "unknown": tenants.unknown(),
}


def sql(script):
    return [line for line in script.splitlines() if not line.startswith("\\")]


def test_every_kind_of_transaction_is_a_case_with_one_client_and_with_many():
    kinds = {re.sub(r"-\d+$", "", name) for name in NAMES}
    assert {f"tenant-local-{names}-{protocol}" for names in ("one", "three") for protocol in PROTOCOLS} <= kinds
    assert {f"tenant-session-{whose}-{protocol}" for whose in ("same", "own") for protocol in PROTOCOLS} <= kinds
    assert {f"tenant-function-{language}-{scope}" for language in ("sql", "plpgsql")
            for scope in ("local", "session")} <= kinds
    assert {"tenant-search-path", "tenant-search-path-parsed", "tenant-policy", "tenant-unknown", "orm-mix-simple",
            "orm-mix-prepared"} <= kinds
    alone = {kind for kind in kinds if f"{kind}-1" not in NAMES}
    assert alone == {"tenant-session-own-simple", "tenant-session-own-prepared"}, "one client has but one value"
    assert all(f"{kind}-32" in NAMES for kind in kinds)


def test_they_are_part_of_the_whole_run_and_chosen_by_their_beginning():
    assert NAMES <= {case.name for case in cases.ALL}
    assert {case.name for case in cases.chosen(["tenant", "orm-mix"])} == NAMES
    assert {case.name for case in cases.chosen(["tenant-local-one"])} == {
        f"tenant-local-one-{protocol}-{clients}" for protocol in PROTOCOLS for clients in (1, 32)}


def test_they_are_short_and_the_estimate_knows_it():
    usual = [systems.MODELS[key] for key in options.USUAL]
    for case in cases.TENANTS:
        assert case.longest == cases.TENANT_SECONDS
        long = estimate.case_seconds(case, usual, options.parse(["--seconds", "60"]))
        assert long == estimate.case_seconds(case, usual, options.parse(["--seconds", "2"]))
        assert estimate.case_seconds(case, usual, options.parse(["--seconds", "1"])) < long, "nor longer than asked for"


def test_a_trial_is_as_long_as_its_case_says(monkeypatch):
    lasted = []
    monkeypatch.setattr(trials.pgbench, "timed", lambda place, system, load, seconds: lasted.append(seconds) or {})

    class Place:
        options = None
    for arguments in (["--seconds", "60"], ["--seconds", "1"]):
        Place.options = options.parse(arguments)
        next(case for case in cases.ALL if case.name == "orm-mix-simple-1").trial(Place, None)
        next(case for case in cases.ALL if case.name == "select-simple-1").trial(Place, None)
    assert lasted == [cases.TENANT_SECONDS, 60, 1, 1]


def test_a_system_that_copies_bytes_takes_no_part():
    assert all(not systems.takes_part(systems.MODELS["haproxy"], case) for case in cases.TENANTS)
    assert all(systems.takes_part(systems.MODELS[key], case) for key in ("direct", "pgbouncer", "pgweir")
               for case in cases.TENANTS)
    assert systems.takes_part(systems.MODELS["haproxy"], cases.ALL[0])


def test_an_aim_for_all_but_what_cannot_be_known():
    for case in cases.TENANTS:
        aim = None if case.name.startswith("tenant-unknown") else 1.10
        assert case.aims == {"cpu_us": aim, "p50_us": aim}, case.name
        assert set(case.aims) <= set(case.shown)
    assert not any(case.aims for case in cases.ALL if case.name not in NAMES)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_transaction_that_is_begun_ends(name):
    lines = sql(SCRIPTS[name])
    assert ("BEGIN;" in lines) == ("COMMIT;" in lines)
    if "BEGIN;" in lines:
        assert (lines[0], lines[-1]) == ("BEGIN;", "COMMIT;")
    assert any(line.startswith("SELECT") and "FROM" in line for line in lines), "and it has a query"
    assert len(re.findall(r"^\\if", SCRIPTS[name], re.M)) == len(re.findall(r"^\\endif", SCRIPTS[name], re.M))


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_variable_has_a_value(name):
    given = {"scale", "client_id", *(part.split("=", 1)[0] for part in tenants.variables()[1::2])}
    given |= set(re.findall(r"\\set (\w+)", SCRIPTS[name]))
    assert set(re.findall(r":(\w+)", SCRIPTS[name])) <= given


def test_literals_by_the_simple_protocol_and_parameters_by_the_other():
    assert sql(tenants.local("simple", 1))[1] == "SELECT set_config('app.tenant', 't:tenant', true);"
    assert sql(tenants.local("prepared", 1))[1] == "SELECT set_config(:name0, :tenant, true);"
    assert sql(tenants.local("simple", 3))[1].count("set_config('") == 3
    assert "'" not in "".join(sql(tenants.local("prepared", 3)))
    assert sql(tenants.session("simple", "same"))[0] == "SELECT set_config('app.tenant', 't7', false);"
    assert sql(tenants.session("prepared", "own"))[0] == "SELECT set_config(:name0, :client_id, false);"


def test_pgbench_is_told_the_names_that_are_bound():
    told = dict(part.split("=", 1) for part in tenants.variables()[1::2])
    assert set(tenants.variables()[::2]) == {"-D"}
    assert [told[f"name{number}"] for number in range(3)] == [name for name, _, _ in tenants.SETTINGS]


def test_functions_are_what_their_names_say():
    for language in tenants.LANGUAGES:
        for scope, local in (("local", "true"), ("session", "false")):
            name = tenants.function_name(language, scope)
            source = re.search(rf"CREATE FUNCTION {name}\(.*?\$\$(.*?)\$\$", tenants.DEFINITIONS, re.S)
            assert f"LANGUAGE {language} " in source.group(0) and f"tenant, {local})" in source.group(1)
            script = tenants.function(language, scope)
            assert f"SELECT {name}(" in script and ("BEGIN;" in script) == (scope == "local")
    unknown = re.search(r"FUNCTION set_tenant_dynamically.*?END \$\$", tenants.DEFINITIONS, re.S).group(0)
    assert "EXECUTE format(" in unknown


def test_each_schema_has_its_own_search_path_and_the_same_queries():
    lines = sql(tenants.search_path())
    paths = [line for line in lines if line.startswith("SET LOCAL")]
    assert len(set(paths)) == len(paths) == tenants.TENANTS
    assert [line for line in lines if line.startswith("SELECT")] == \
        [query.format(":id") + ";" for query in tenants.SHOP_QUERIES]


def test_all_get_the_same_limit_of_prepared_statements(tmp_path):
    from compare import configurations
    written = {}

    class Cluster:
        directory, port, password, admin_password, certificate, key = tmp_path, 1, "p", "q", "c", "k"

        def private_file(self, name, text):
            written[name] = text
            return name

        def verifier(self):
            return "v"

    class Place:
        cluster, pool = Cluster(), 20

    for kind in ("pgbouncer", "pgweir"):
        system = systems.System(kind, systems.MODELS[kind])
        system.address = ("127.0.0.1", 2)
        getattr(configurations, kind)(Place, system, False)
    limit = configurations.PREPARED_STATEMENTS
    assert f"max_prepared_statements = {limit}\n" in written["pgbouncer.ini"]
    assert f"max_prepared_statements: {limit}" in written["pgweir.yaml"]
    assert limit >= tenants.TENANTS * (len(tenants.SHOP_QUERIES) + 1) + 2, "each schema's queries and its SET LOCAL"


class Client:
    """Writes down what it is asked."""
    made = []

    def __init__(self, *arguments, **more):
        self.asked = []
        Client.made.append(self)

    def query(self, text):
        self.asked.append(text)

    def ask(self, *messages):
        self.asked.append(b"".join(message[:1] for message in messages))
        return [["1"]]


def test_a_shopper_prepares_once_and_behind_its_first_search_path(monkeypatch):
    monkeypatch.setattr(wire, "Client", Client)
    monkeypatch.setattr(Client, "made", [])

    class Place:
        cluster = None

    class System:
        address = ("127.0.0.1", 1)
    visit = crowd.shopper(Place, System)
    for number in range(2 * tenants.TENANTS):
        visit(3, number)
    (client,) = Client.made
    assert client.asked[:5] == ["BEGIN", tenants.set_shop(4), b"PBS", b"PBS", "COMMIT"]
    assert client.asked[5:10] == ["BEGIN", tenants.set_shop(11), b"BS", b"BS", "COMMIT"]
    assert client.asked.count(b"PBS") == 2
    assert len({asked for asked in client.asked if str(asked).startswith("SET LOCAL")}) == tenants.TENANTS


def test_a_shop_without_its_row_is_no_load(monkeypatch):
    monkeypatch.setattr(wire, "Client", Client)
    monkeypatch.setattr(Client, "ask", lambda self, *messages: [])

    class Thing:
        cluster = address = None
    with pytest.raises(wire.Refused, match="0 rows"):
        crowd.shopper(Thing, Thing)(0, 0)


@pytest.mark.parametrize("ratio, aim, repeats, said", [
    (Spread(1.05, 1.0, 1.1), 1.1, 3, "met"),
    (Spread(1.3, 1.11, 1.5), 1.1, 3, "missed"),
    (Spread(1.05, 1.0, 1.2), 1.1, 3, "not certain, median within"),
    (Spread(1.15, 1.0, 1.2), 1.1, 3, "not certain, median above"),
    (Spread(1.0, 1.0, 1.0), 1.1, 1, "not certain, median within"),
    (Spread(9.0, 9.0, 9.0), 1.1, 1, "not certain, median above"),
    (Spread(9.0, 8.0, 9.5), None, 3, "no aim")])
def test_a_verdict_is_certain_only_where_all_repeats_agree(ratio, aim, repeats, said):
    assert view.verdict(ratio, aim, repeats) == said


RESULTS = {
    "about": {"date": "2026-01-02 03:04 UTC", "machine": "2 CPUs", "postgresql": "15.1",
              "options": {"seconds": 5, "repeats": 2, "pool": 20, "scale": 10, "idle_clients": 5000,
                          "burst_clients": 10000, "copy_mib": 1024, "quick": False}},
    "systems": [{"key": "pgbouncer", "title": "PgBouncer 1.25.2", "workers": 1},
                {"key": "pgweir", "title": "pgweir 0.1.0", "workers": 1}],
    "cases": [{
        "name": "tenant-x-1", "title": "x", "each": "transaction", "shown": ["tps", "cpu_us", "p50_us"], "seconds": 2,
        "aims": {"cpu_us": 1.1, "p50_us": 1.1},
        "results": {"pgbouncer": {"samples": [{"tps": 9, "cpu_us": 20, "p50_us": 100}] * 2},
                    "pgweir": {"samples": [{"tps": 9, "cpu_us": 21, "p50_us": 150}, {"tps": 9, "cpu_us": 22,
                                                                                    "p50_us": 155}]}}}],
}


def test_the_report_tells_the_aims():
    text = report_markdown.render(RESULTS)
    assert "### Aims: pgweir 0.1.0 against PgBouncer 1.25.2" in text
    assert "| tenant-x-1 | CPU per transaction, us | at most 1.10 | 20.0 | 21.5 | 1.08 (1.05..1.10) | met |" in text
    assert "| tenant-x-1 | latency p50, us | at most 1.10 | 100 | 152 | 1.52 (1.50..1.55) | missed |" in text
    assert "- Trials of 2 s at most." in text and "5 s each (fewer where a case says so)" in text
    page = report_html.render(RESULTS)
    assert '<td class="good">met</td>' in page and '<td class="bad">missed</td>' in page


def test_a_busy_machine_is_told_with_every_verdict():
    results = copy.deepcopy(RESULTS)
    results["cases"][0]["busy_before"] = 90
    assert "| 1.08 (1.05..1.10) | met, machine busy |" in report_markdown.render(results)
    assert 'class="good">met' not in report_html.render(results), "and not coloured as if it were certain"


def test_a_price_without_an_aim_is_told_too():
    results = copy.deepcopy(RESULTS)
    results["cases"][0]["aims"] = {"cpu_us": None}
    assert "| tenant-x-1 | CPU per transaction, us | - | 20.0 | 21.5 | 1.08 (1.05..1.10) | no aim |" \
        in report_markdown.render(results)


def test_a_pgbouncer_without_prepared_statements_is_said_and_nothing_fails():
    results = copy.deepcopy(RESULTS)
    results["cases"][0]["results"]["pgbouncer"] = {"not_run": systems.MISSING["prepared"]}
    text = report_markdown.render(results)
    told = f"not measured; {systems.MISSING['prepared']}"
    assert f"| tenant-x-1 | CPU per transaction, us | at most 1.10 | - | 21.5 | - | {told} |" in text
    assert told in report_html.render(results)
    del results["cases"][0]["results"]["pgbouncer"]
    assert "| - | not measured; no pgbouncer in this run |" in report_markdown.render(results)


def test_which_cases_need_prepared_statements():
    old = systems.System("pgbouncer", systems.MODELS["pgbouncer"])
    old.capabilities.discard("prepared")
    refused = {case.name for case in cases.TENANTS if systems.refusal(old, case.needs)}
    assert refused == {name for name in NAMES if "-simple-" not in name}


def test_reports_of_earlier_runs_have_no_aims():
    results = copy.deepcopy(RESULTS)
    for case in results["cases"]:
        del case["aims"], case["seconds"]
    text = report_markdown.render(results)
    assert "Aims" not in text and "at most" not in text and "fewer" not in text
    assert "Aims" not in report_html.render(results)


def test_a_run_without_the_others_says_nothing_about_aims():
    results = copy.deepcopy(RESULTS)
    del results["cases"][0]["results"]["pgweir"]
    assert "Aims" not in report_markdown.render(results)
