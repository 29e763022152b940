"""What CloudWatch does with a log: filter patterns for JSON, metric filters and alarms over them. As the user guide of
CloudWatch Logs has it under "Filter pattern syntax for metric filters", as far as these templates go; anything else is
refused, so that nothing is taken for true that was not looked up."""

import datetime
import json
import math
import re
from fractions import Fraction

TOKEN = re.compile(r"""\s*(?:
    (?P<bracket>[()]) | (?P<logic>&&|\|\|) | (?P<operator>!=|<=|>=|=|<|>)
  | (?P<selector>\$(?:\.[A-Za-z0-9_-]+|\[\d+\])+) | "(?P<string>[^"\\]*)"
  | (?P<number>-?\d+(?:\.\d+)?) (?![A-Za-z0-9_.]) | (?P<word>(?:IS\ NULL|IS\ TRUE|IS\ FALSE|NOT\ EXISTS)\b)
)\s*""", re.VERBOSE)
MISSING = object()
NUMERIC = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
           "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}
WORDS = {"IS NULL": lambda v: v is None, "IS TRUE": lambda v: v is True, "IS FALSE": lambda v: v is False,
         "NOT EXISTS": lambda v: v is MISSING}


def tokens_of(text):
    at, found = 0, []
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match or match.end() == at:
            raise ValueError(f"not a filter pattern from here: {text[at:]!r}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def select(event, selector):
    """The value at `$.a.b[0]`; MISSING when there is none."""
    for name, number in re.findall(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]", selector):
        try:
            event = event[int(number)] if number else event[name]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return event


class Condition:
    """One comparison: `$.a = "b"`, `$.a >= 5`, `$.a IS NULL`, `$.a NOT EXISTS`."""

    def __init__(self, selector, operator, kind, value):
        if kind == "string" and operator not in ("=", "!="):
            raise ValueError("strings are compared by = and != only")
        self.selector, self.operator, self.kind, self.value = selector, operator, kind, value
        self.text = f"{selector} {operator} {json.dumps(value) if kind == 'string' else value}".strip()

    def matches(self, event):
        found = select(event, self.selector)
        if self.kind == "word":
            return WORDS[self.operator](found)
        if self.kind == "number":
            is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
            return is_number and NUMERIC[self.operator](Fraction(str(found)), Fraction(self.value))
        if not isinstance(found, str):
            return False
        pattern = ".*".join(map(re.escape, self.value.split("*")))
        return (re.fullmatch(pattern, found, re.DOTALL) is not None) == (self.operator == "=")

    def conditions(self):
        return [self]


class Combined:
    def __init__(self, parts, rule):
        self.parts, self.rule = parts, rule

    def matches(self, event):
        return self.rule(part.matches(event) for part in self.parts)

    def conditions(self):
        return [c for part in self.parts for c in part.conditions()]


class Parser:
    """`||` binds less than `&&`; brackets group."""

    def __init__(self, pattern):
        inside = re.fullmatch(r"\s*\{(.*)\}\s*", pattern, re.DOTALL)
        if not inside:
            raise ValueError("a pattern for JSON stands in braces")
        self.tokens = tokens_of(inside[1].strip())

    def take(self, *kinds, value=None):
        if not self.tokens or self.tokens[0][0] not in kinds or value not in (None, self.tokens[0][1]):
            raise ValueError(f"expected {kinds}, found {self.tokens[:1]}")
        return self.tokens.pop(0)

    def next_is(self, value):
        return bool(self.tokens) and self.tokens[0][1] == value and self.tokens[0][0] in ("logic", "bracket")

    def parse(self):
        whole = self.any_of()
        if self.tokens:
            raise ValueError(f"left over: {self.tokens}")
        return whole

    def series(self, part, sign, rule):
        parts = [part()]
        while self.next_is(sign):
            self.tokens.pop(0)
            parts.append(part())
        return parts[0] if len(parts) == 1 else Combined(parts, rule)

    def any_of(self):
        return self.series(self.all_of, "||", any)

    def all_of(self):
        return self.series(self.one, "&&", all)

    def one(self):
        if self.next_is("("):
            self.take("bracket")
            inside = self.any_of()
            self.take("bracket", value=")")
            return inside
        selector = self.take("selector")[1]
        kind, operator = self.take("operator", "word")
        if kind == "word":
            return Condition(selector, operator, kind, "")
        kind, value = self.take("string", "number")
        return Condition(selector, operator, kind, value)


def parse(pattern):
    return Parser(pattern).parse()


# ---- metrics and alarms

def time_of(event):
    """Seconds since 1970. (CloudWatch takes the time at which the log driver has read the line.)"""
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def sums(metric_filter, events, period):
    """{period: sum}: the metric that the filter makes, added up."""
    pattern, (made,) = parse(metric_filter["FilterPattern"]), metric_filter["MetricTransformations"]
    found = {}
    for event in events:
        place = math.floor(time_of(event) / period)
        value = float(made["MetricValue"]) if pattern.matches(event) else float(made["DefaultValue"])
        found[place] = found.get(place, 0) + value
    return found


COMPARE = {"GreaterThanThreshold": lambda value, limit: value > limit,
           "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit}


def fires(alarm, metric_filter, events):
    """Whether the alarm is reached at any time: so many of the last periods breach."""
    assert alarm["Statistic"] == "Sum" and alarm["TreatMissingData"] == "notBreaching"
    breaching = {place for place, value in sums(metric_filter, events, alarm["Period"]).items()
                 if COMPARE[alarm["ComparisonOperator"]](value, alarm["Threshold"])}
    window, enough = alarm["EvaluationPeriods"], alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    return any(len(breaching & set(range(last - window + 1, last + 1))) >= enough for last in breaching)
