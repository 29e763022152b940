"""The counter of run.sh: nothing that failed may be lost."""

import pytest

from count_cases import count

START = "1/2 Testing: something\n1/2 Test: something\nOutput:\n"


@pytest.mark.parametrize("output, end, expected", [
    ("5 passed in 0.10s\n", "Test Passed.", (5, 0)),
    ("5 passed, 2 skipped, 1 warning in 65.10s (0:01:05)\n", "Test Passed.", (5, 0)),
    ("3 failed, 5 passed in 0.10s\n", "Test Failed.", (5, 3)),
    ("5 passed, 1 error in 0.10s\n", "Test Failed.", (5, 1)),
    ("2 skipped in 0.10s\n", "Test Passed.", (0, 0)),
    ("All tests passed (120 assertions in 17 test cases)\n", "Test Passed.", (17, 0)),
    ("test cases: 40 | 39 passed | 1 failed\n", "Test Failed.", (39, 1)),
    ("All tests passed (120 assertions in 17 test cases)\nLeakSanitizer\n", "Test Failed.", (17, 1)),
    ("124 files keep the arrows\n", "Test Passed.", (1, 0)),
    ("half a line, then a time-out", "Test Failed.", (0, 1)),
])
def test_count(output, end, expected):
    assert count(f"{START}{output}<end of output>\n{end}\n") == expected
    assert count(f"{START}{output}<end of output>\n{end}\n" * 2) == tuple(2 * n for n in expected)
