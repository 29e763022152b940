"""Which series an expression of Prometheus asks for, as far as pgweir's own are concerned."""

import re

SELECTOR = re.compile(r"\b(pgweir_[a-z0-9_]+)\s*(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
# Given by Prometheus or chosen in the dashboard.
FOREIGN_LABELS = {"instance", "job"}


def series_of(text):
    """{name: [{label: value}]} of what /metrics answers."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels = re.match(r"([a-z0-9_]+)(?:\{(.*)\})? ", line).groups()
            found.setdefault(name, []).append(dict(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', labels or "")))
    return found


def selectors(expression):
    """(name, [(label, operator, value)]) of each."""
    return [(name, MATCHER.findall(labels)) for name, labels in SELECTOR.findall(expression)]


def values_of(operator, value):
    """What a matcher demands by name; a dashboard's variable demands nothing."""
    if "$" in value or operator in ("!=", "!~"):
        return []
    return value.split("|") if operator == "=~" else [value]


def problems(expression, exported):
    for name, matchers in selectors(expression):
        if name not in exported:
            yield f"no metric {name}"
            continue
        for label, operator, value in matchers:
            if label in FOREIGN_LABELS:
                continue
            there = {labels[label] for labels in exported[name] if label in labels}
            if not there:
                yield f"{name} has no label {label}"
            for wanted in values_of(operator, value):
                if there and wanted not in there:
                    yield f'{name} has no {label}="{wanted}"'
