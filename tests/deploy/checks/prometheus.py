"""What Prometheus would say, had it scraped what pgweir has answered."""

import re
import subprocess
import time

import yaml

MINUTES = 40
SAMPLE = re.compile(r"([a-z0-9_]+)(?:\{(.*)\})? (\S+)")


def kinds_of(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


def samples_of(text):
    """{series with instance and job: value}"""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            more = 'instance="a:9127",job="pgweir"' + (f",{labels}" if labels else "")
            found[f"{name}{{{more}}}"] = float(value)
    return found


def grows(series, kinds):
    name = series.split("{")[0]
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return kinds.get(name, kinds.get(base)) in ("counter", "histogram")


def input_series(before, after):
    """As if what has happened between two scrapes happened anew in every minute."""
    kinds, first, last = kinds_of(after), samples_of(before), samples_of(after)
    for series, value in last.items():
        begin, step = (first.get(series, 0.0), value - first.get(series, 0.0)) if grows(series, kinds) else (value, 0)
        if "timestamp_seconds" in series:  # these tests of promtool begin in 1970
            begin -= time.time()
        yield {"series": series, "values": f"{begin!r}+{step!r}x{MINUTES}"}


def fires(rules_path, directory, alert, before, after):
    """Whether the alert fires when that goes on."""
    question = f'(count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > bool 0) or vector(0)'
    ask = {"expr": question, "eval_time": f"{MINUTES - 5}m", "exp_samples": [{"labels": "{}", "value": 1}]}
    path = directory / f"{alert}.test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(rules_path)], "evaluation_interval": "1m", "tests": [
        {"interval": "1m", "input_series": list(input_series(before, after)), "promql_expr_test": [ask]}]}))
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == 0 or "got:" in said and "exp:" in said, said
    return done.returncode == 0
