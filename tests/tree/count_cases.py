#!/usr/bin/python3
"""Counts the cases in a ctest log: prints "PASSED FAILED".

pytest and Catch2 say how many cases they ran; a program that says neither counts as one. A test that ctest calls
failed counts as at least one failure, whatever it printed before (a time-out, a crash, a leak at exit).
"""

import re
import sys

PYTEST = re.compile(r"^(?=.*\b(?:passed|failed|error|errors|skipped)\b).* in [\d.]+s(?: \([\d:]+\))?\s*$", re.MULTILINE)
CATCH_GOOD = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)", re.MULTILINE)
CATCH_MIXED = re.compile(r"^test cases:.*$", re.MULTILINE)
NUMBER = r"(\d+)\s*{}"


def cases(output):
    """(passed, failed) as a test's own output tells."""
    for line in reversed(PYTEST.findall(output)):
        found = {word: re.search(NUMBER.format(word), line) for word in ("passed", "failed", "error")}
        number = {word: int(match.group(1)) if match else 0 for word, match in found.items()}
        return number["passed"], number["failed"] + number["error"]
    if match := CATCH_GOOD.search(output):
        return int(match.group(1)), 0
    if match := CATCH_MIXED.search(output):
        passed = re.search(r"(\d+) passed", match.group(0))
        failed = re.search(r"(\d+) failed", match.group(0))
        return int(passed.group(1)) if passed else 0, int(failed.group(1)) if failed else 0
    return None


def count(log):
    passed = failed = 0
    for test in re.split(r"^\d+/\d+ Testing: ", log, flags=re.MULTILINE)[1:]:
        good = re.search(r"^Test Passed\.$", test, re.MULTILINE) is not None
        told = cases(test)
        if told is None:
            told = (1, 0) if good else (0, 1)
        passed += told[0]
        failed += told[1] if good else max(1, told[1])
    return passed, failed


if __name__ == "__main__":
    with open(sys.argv[1], errors="replace") as log:
        print(*count(log.read()))
