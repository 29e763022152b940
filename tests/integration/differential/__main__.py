"""Long runs of the differential test, from tests/integration:

    python3 -m differential --scripts 5000                      starts PostgreSQL and pgweir itself
    python3 -m differential --direct HOST:PORT --pooled HOST:PORT --administrator NAME:PASSWORD

With addresses, the database is `app`; the roles of differential/objects.py are made there, and pgweir must know
`diff` and `diffsuper` with the passwords that stand there and have `max_size` as --max-size says. Scripts that move
defaults need a new pgweir each and are left out then.
"""

import argparse
import collections
import re
import secrets
import signal
import sys
import time

from harness.cluster import Cluster

from . import kinds
from .environment import Given, Private
from .generate import generate
from .shrink import HISTORY, Shrinker
from .trial import Unusable


def arguments():
    parser = argparse.ArgumentParser(prog="differential", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scripts", type=int, default=1000, help="how many for each max_size")
    parser.add_argument("--seed", type=int, help="of the first script; the next ones count up (default: random)")
    parser.add_argument("--max-size", default="1,2,3", help="sizes of the pool (default: 1,2,3)")
    parser.add_argument("--without", default="", help="kinds or subjects not to use, separated by commas")
    parser.add_argument("--only", default="", help="kinds or subjects to use, beside none other")
    parser.add_argument("--family", default="own", choices=["own", "shared"], help="clients with tables of their own, "
                        "or with the same ones, which change (default: own)")
    parser.add_argument("--state", default="tracked", choices=["tracked", "strict"], help="the pool's (default: tracked)")
    parser.add_argument("--with", dest="extra", default="", help="optional subjects to use as well, by commas: " +
                        ", ".join(sorted(kinds.OPTIONAL)))
    parser.add_argument("--known", default=[], action="append", metavar="REGEX", type=re.compile,
                        help="count differences whose text matches, but neither shrink nor report them")
    parser.add_argument("--findings", type=int, default=5, help="stop after so many different scripts")
    parser.add_argument("--attempts", type=int, default=150, help="runs for shrinking one finding")
    parser.add_argument("--direct", metavar="HOST:PORT", type=address)
    parser.add_argument("--pooled", metavar="HOST:PORT", type=address)
    parser.add_argument("--administrator", metavar="NAME:PASSWORD", default="postgres:",
                        type=lambda text: tuple(text.split(":", 1)))
    parser.add_argument("--list", action="store_true", help="print the kinds of steps and end")
    parser.add_argument("--print", action="store_true", help="print the scripts of the seeds and end")
    return parser.parse_args()


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def names(text):
    return {name for name in text.split(",") if name}


def excluded(options):
    """--only as a list of what is left out."""
    only = names(options.only)
    others = {str(kind) for kind in kinds.every() if only and not only & {str(kind), kind.subject}}
    return names(options.without) | others


def print_kinds(without, extra):
    enabled = {str(kind) for kind in kinds.chosen(without, extra)}
    for kind in kinds.every():
        print(f"{'   ' if str(kind) in enabled else 'off'} {kind.weight:4} {str(kind):40} {kind.about}")
    for name, about in kinds.OF_SCRIPTS.items():
        print(f"{'off' if name in without else '   '}      {name:40} {about}")


class Progress:
    def __init__(self, total):
        self.total, self.started, self.counts = total, time.monotonic(), collections.Counter()

    def show(self, max_size):
        if sys.stderr.isatty() and self.counts["scripts"] % 10 == 0:
            print(f"\rmax_size {max_size}: {self}", end="", file=sys.stderr, flush=True)

    def __str__(self):
        spent = time.monotonic() - self.started
        return (f"{self.counts['scripts']} of {self.total} scripts, {self.counts['messages']} messages, "
                f"{self.counts['findings']} differ, {self.counts['known']} in a known way, {spent:.0f} s ")


def report(shrinker, seed, max_size, found, difference):
    print(f"\n=== seed {seed}, max_size {max_size}" + ("" if found else ": did not happen again in a new pool"))
    print(shrinker.difference if found else difference)
    if found:
        print(shrinker.script)
    sys.stdout.flush()


def run(options, environment, max_size, without):
    """Plays the scripts of one pool size; the number of those that differ."""
    progress, history = Progress(options.scripts), []
    for seed in range(options.seed, options.seed + options.scripts):
        script = generate(seed, without, options.extra, options.family, max_size)
        progress.counts.update(scripts=1, messages=script.says())
        try:
            difference = environment.trial.run(script)
        except Unusable as problem:
            print(f"\nseed {seed} cannot be used: {problem}\n{script}")
            progress.counts["unusable"] += 1
            continue
        history = [*history, script][-HISTORY - 1:]
        progress.show(max_size)
        if difference and any(known.search(str(difference)) for known in options.known):
            progress.counts["known"] += 1
            environment.renew()
            history = []
        elif difference:
            progress.counts["findings"] += 1
            shrinker = Shrinker(environment, options.attempts)
            alike = [earlier for earlier in history[:-1] if earlier.superuser == script.superuser]
            report(shrinker, seed, max_size, shrinker.run(script, alike), difference)
            environment.renew()
            history = []
            if progress.counts["findings"] >= options.findings:
                break
    print(f"max_size {max_size}, {options.family}, {options.state}"
          f"{' with ' + ','.join(sorted(options.extra)) if options.extra else ''}: "
          f"{environment.trial.mended} stale plans mended, "
          f"seeds {options.seed} to {seed}: {progress}", flush=True)
    return progress.counts["findings"] + progress.counts["unusable"]


def main():
    options = arguments()
    options.seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    options.extra, without = names(options.extra), excluded(options) | ({"script.defaults"} if options.direct else set())
    if options.list:
        return print_kinds(without, options.extra)
    if options.print:
        for seed in range(options.seed, options.seed + options.scripts):
            print(generate(seed, without, options.extra, options.family, int(options.max_size.split(",")[0])))
        return None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # told to end, still stop what was started
    bad, cluster = 0, None if options.direct else Cluster()
    try:
        for max_size in map(int, options.max_size.split(",")):
            environment = (Given(options.direct, options.pooled, max_size, options.administrator) if options.direct
                           else Private(cluster, max_size, "definitions" in options.extra, state=options.state))
            try:
                bad += run(options, environment, max_size, without)
            finally:
                environment.close()
    finally:
        if cluster:
            cluster.remove()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
