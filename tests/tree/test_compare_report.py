"""The reports of bench/compare: complete, honest about what is missing, and self-contained."""

import copy
import html.parser
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))

from compare import cases, charts, metrics, options, report_html, report_markdown, view  # noqa: E402
from compare.statistics import Spread  # noqa: E402

RESULTS = {
    "about": {"date": "2026-01-02 03:04 UTC", "machine": "2 CPUs", "postgresql": "15.1",
              "options": {"seconds": 5, "repeats": 2, "pool": 20, "scale": 10, "idle_clients": 5000,
                          "burst_clients": 10000, "copy_mib": 1024, "quick": False}},
    "systems": [{"key": "direct", "title": "direct", "workers": 1},
                {"key": "pgbouncer", "title": "PgBouncer 1.25.2", "workers": 1},
                {"key": "pgweir", "title": "pgweir 0.1.0", "workers": 1}],
    "cases": [{
        "name": "select-simple-1", "title": "pgbench -S <simple>", "each": "transaction",
        "shown": ["tps", "cpu_us", "sends", "added_p50_us", "p50_us", "idle_kib"],
        "results": {
            "direct": {"samples": [{"tps": 2000, "p50_us": 100}, {"tps": 2200, "p50_us": 110}], "notes": []},
            "pgbouncer": {"samples": [{"tps": 1000, "p50_us": 200, "cpu_us": 20}, {"tps": 1100, "p50_us": 210,
                                                                                   "cpu_us": 22}],
                          "notes": [], "counted": {"sends": 3.0}},
            "pgweir": {"samples": [{"tps": 1500, "p50_us": 150, "cpu_us": 10}, None], "counted": {"sends": 2.0},
                       "notes": ["repeat 2 of 2: 3 transactions failed"]},
            "pgcat": {"not_run": "no program given (--pgcat PATH)"}}}, {
        "name": "connect-tls", "title": "connect", "each": "connection", "shown": ["connections_s"],
        "results": {"pgweir": {"not_run": "not supported: no TLS for clients"}}}],
}


@pytest.fixture
def results():
    return copy.deepcopy(RESULTS)


@pytest.fixture
def case(results):
    return view.views(results)[0]


def test_only_what_was_measured_becomes_a_column(case):
    assert case.metrics == ["tps", "cpu_us", "sends", "added_p50_us", "p50_us"]
    assert case.measured() == ["direct", "pgbouncer", "pgweir"]


def test_cells(case):
    assert case.cell("pgbouncer", "tps").value == Spread(1050, 1000, 1100)
    assert case.cell("pgbouncer", "tps").ratio is None, "the baseline is not compared with itself"
    assert case.cell("pgweir", "tps").ratio == Spread(1.5, 1.5, 1.5), "only the repeat that both have"
    assert case.cell("pgweir", "added_p50_us").ratio == Spread(0.5, 0.5, 0.5)
    assert case.cell("pgweir", "sends").value == Spread(2, 2, 2)
    assert case.cell("direct", "cpu_us") is None and case.cell("pgcat", "tps") is None


def test_overview_begins_with_what_the_case_is_about(case):
    assert [metric for metric, _ in view.overview(case)] == ["tps", "cpu_us", "added_p50_us"]


def test_a_metric_without_a_baseline_has_no_ratio(results):
    del results["cases"][0]["results"]["pgbouncer"]
    case = view.views(results)[0]
    assert case.cell("pgweir", "tps").ratio is None
    assert view.overview(case) == []
    assert "1,500 |" in report_markdown.render(results)


def test_markdown(results):
    text = report_markdown.render(results)
    assert "| direct | 2,100 [2.00] | - |" in text
    assert "| pgweir 0.1.0 | 1,500 [1.50] | 10.0 [0.50] | 2.00 [0.67] |" in text
    assert "- pgcat: not run: no program given (--pgcat PATH)" in text
    assert "- pgweir 0.1.0: repeat 2 of 2: 3 transactions failed" in text
    assert "- pgweir 0.1.0: not run: not supported: no TLS for clients" in text


def test_markdown_tables_have_as_many_cells_as_heads(results):
    for table in re.findall(r"(?:^\|.*\n)+", report_markdown.render(results), re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_a_busy_machine_is_told(results):
    assert "busy" not in report_markdown.render(results)
    results["cases"][0]["busy_before"] = 85
    sentence = "The machine was 85 % busy with other things when this case began."
    assert "- " + sentence in report_markdown.render(results)
    assert sentence in report_html.render(results)


def test_a_spread_is_told_when_there_is_one():
    assert report_markdown.ratio_text(Spread(1, 0.9, 1.25)) == "1.00 (0.90..1.25)"
    assert report_markdown.ratio_text(Spread(1, 1, 1)) == "1.00"


class Balance(html.parser.HTMLParser):
    """Every element that is opened is closed, in order."""
    empty = {"meta", "br", "rect", "path"}

    def __init__(self):
        super().__init__()
        self.open, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("href", "src")]
        if tag not in self.empty:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in self.empty

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_well_formed_and_needs_nothing_from_elsewhere(results):
    text = report_html.render(results)
    page = Balance()
    page.feed(text)
    assert page.open == []
    assert page.links and all(link.startswith("#") for link in page.links)
    assert "http" not in text and "url(" not in text and "<script" not in text
    assert "pgbench -S &lt;simple&gt;" in text, "text is escaped"
    assert "not supported: no TLS for clients" in text


def test_bars_fill_the_width_and_stay_inside():
    text = charts.bars("tps", [("direct", "direct", Spread(50, 40, 100), "50"),
                               ("pgweir", "pgweir", Spread(-5, -9, -1), "-5")])
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', text)]
    assert widths == [charts.BAR / 2, 1.0]
    assert f"H{charts.LABEL + charts.BAR:.1f}" in text, "the whisker reaches the largest value"


def test_bars_of_nothing_but_zero():
    assert "<rect" in charts.bars("failed", [("pgweir", "pgweir", Spread(0, 0, 0), "0")])


def test_all_cases_show_metrics_that_exist_and_ask_for_what_is_declared():
    from compare.systems import CAPABILITIES, MISSING
    for case in cases.ALL:
        assert set(case.shown) <= set(metrics.METRICS), case.name
        assert case.needs <= set(MISSING), case.name
    assert set().union(*CAPABILITIES.values()) <= set(MISSING)
    assert len({case.name for case in cases.ALL}) == len(cases.ALL)


def test_cases_are_chosen_by_name_or_beginning():
    assert [case.name for case in cases.chosen(["copy-in", "idle"])] == ["idle-plain", "idle-tls", "copy-in"]
    assert len(cases.chosen(["select-prepared"])) == 3
    assert cases.chosen(["sel"]) == []
    assert cases.chosen(None) == list(cases.ALL)


def test_quick_is_a_default_and_not_a_limit():
    assert options.parse(["--quick"]).seconds == options.QUICK["seconds"]
    assert options.parse(["--quick", "--seconds", "9"]).seconds == 9
    assert options.parse([]).burst_clients == 10000


@pytest.mark.parametrize("arguments", [["--cases", "nonsense"], ["--systems", "mysql"], ["--seconds", "0"],
                                       ["--bogus"]])
def test_wrong_arguments_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        options.parse(arguments)
    assert ended.value.code == 2
