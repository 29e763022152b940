"""How long a run takes, about: seconds as seen on two CPUs with PostgreSQL beside the load."""

from . import systems

START = 1  # of a system, until it answers
COUNT = 4  # a case's system calls under strace


def load(options):
    return options.seconds + 2  # with logins and warm-up


def short(longest):
    """For a load whose trials last at most `longest`, whatever --seconds says. Its few clients are soon there."""
    return lambda options: min(longest, options.seconds) + 1


def shoppers(longest):
    """For crowd.shopper: with the warm-up, and the time that so many processes take to come and go."""
    return lambda options: min(longest, options.seconds) + 2


def two_loads(options):
    return 2 * load(options)


def burst(options):
    return 1 + options.burst_clients / 2000


def idle(options):
    return 5 + options.idle_clients / 1000


def copy(options):
    return 0.5 + options.copy_mib / 350


def instructions(options):
    return 10


def case_seconds(case, columns, options):
    """`columns`: models or systems."""
    running = [column for column in columns
               if systems.takes_part(column, case) and not systems.refusal(column, case.needs)]
    trial = case.lasts(options) + (START if case.fresh else 0)
    out = 1 + len(running) * (options.repeats * trial + (0 if case.fresh else START))
    if case.count and options.strace:
        out += COUNT * sum("process" in column.capabilities for column in running)
    return out


def run_seconds(cases, columns, options):
    return sum(case_seconds(case, columns, options) for case in cases)


def text(seconds):
    if seconds < 90:
        return f"some {max(1, round(seconds))} seconds"
    if seconds < 90 * 60:
        return f"some {round(seconds / 60)} minutes"
    return f"some {seconds / 3600:.1f} hours"


def left(seconds, done, taken):
    """What `seconds` of further work will take, where the estimate for `done` seconds came out as `taken`."""
    return seconds * taken / done if done > 0 else seconds
