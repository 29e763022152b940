"""The stand-in for CloudWatch that the tests of the alarms rely on."""

import pytest

from checks import cloudwatch

EVENT = {"event": "client_closed", "reason": "borrow_timeout", "size": 5, "ratio": 0.5, "text": "5", "none": None,
         "yes": True, "no": False, "deep": {"list": [{"name": "a"}, {"name": "b"}]}}

MATCHES = [
    '{ $.reason = "borrow_timeout" }', '{$.reason="borrow_timeout"}', '{ $.reason = "borrow*" }', '{ $.reason = "*" }',
    '{ $.reason != "other" }', '{ $.size = 5 }', '{ $.size >= 5 && $.size <= 5 }', '{ $.ratio < 0.6 }', '{ $.size > -1 }',
    '{ $.none IS NULL }', '{ $.yes IS TRUE }', '{ $.no IS FALSE }', '{ $.absent NOT EXISTS }',
    '{ $.deep.list[1].name = "b" }', '{ $.reason = "other" || $.event = "client_closed" }',
    '{ $.event = "client_closed" || $.reason = "x" && $.reason = "y" }',
    '{ ($.event = "client_closed" || $.reason = "x") && $.size = 5 }',
]
OTHERS = [
    '{ $.reason = "borrow" }', '{ $.reason != "borrow*" }', '{ $.absent = "*" }', '{ $.size = "5" }', '{ $.text = 5 }',
    '{ $.size > 5 }', '{ $.none NOT EXISTS }', '{ $.absent IS NULL }', '{ $.yes = 1 }', '{ $.deep.list[2].name = "b" }',
    '{ $.reason.more = "x" }', '{ $.event = "x" || $.reason = "y" }',
    '{ ($.event = "client_closed" || $.reason = "x") && $.size = 6 }', '{ $.Reason = "borrow_timeout" }',
]
WRONG = ['$.a = "b"', '{ $.a }', '{ $.a = b }', '{ $.a = "b" && }', '{ ($.a = "b" }', '{ $.a > "b" }', '{ a = "b" }',
         '{ $.a = "b" $.c = "d" }', '{ }', '{ $.a = %regex% }']


@pytest.mark.parametrize("pattern", MATCHES)
def test_a_pattern_that_matches(pattern):
    assert cloudwatch.parse(pattern).matches(EVENT)


@pytest.mark.parametrize("pattern", OTHERS)
def test_a_pattern_that_does_not(pattern):
    assert not cloudwatch.parse(pattern).matches(EVENT)


@pytest.mark.parametrize("pattern", WRONG)
def test_what_is_not_known_is_refused(pattern):
    with pytest.raises(ValueError):
        cloudwatch.parse(pattern)


def alarm(**changes):
    return {"Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 0, "TreatMissingData": "notBreaching",
            "ComparisonOperator": "GreaterThanThreshold", **changes}


FILTER = {"FilterPattern": '{ $.event = "x" }', "MetricTransformations": [{"MetricValue": "1", "DefaultValue": 0}]}


def at(*times):
    return [{"event": "x", "time": f"2026-01-31T12:{time}Z"} for time in times]


def test_alarms_look_at_whole_periods_and_at_several_of_them():
    assert cloudwatch.fires(alarm(), FILTER, at("00:30.500"))
    assert not cloudwatch.fires(alarm(), FILTER, [{"event": "y", "time": "2026-01-31T12:00:30Z"}])
    assert not cloudwatch.fires(alarm(Threshold=1), FILTER, at("00:59", "01:00"))
    assert cloudwatch.fires(alarm(Threshold=1), FILTER, at("00:01", "00:59"))
    three = alarm(EvaluationPeriods=3)
    assert cloudwatch.fires(three, FILTER, at("00:59", "01:00", "02:00"))
    assert not cloudwatch.fires(three, FILTER, at("00:59", "01:00", "03:00"))
    assert cloudwatch.fires(alarm(EvaluationPeriods=4, DatapointsToAlarm=3), FILTER, at("00:59", "01:00", "03:00"))
