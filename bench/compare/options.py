"""The command line."""

import argparse
import pathlib

from . import cases
from .systems import CAPABILITIES

ROOT = pathlib.Path(__file__).resolve().parents[2]
SYSTEMS = [*CAPABILITIES, "pgweir-2"]
FULL = {"seconds": 5, "repeats": 3, "idle_clients": 5000, "burst_clients": 10000, "copy_mib": 1024, "scale": 10}
QUICK = {"seconds": 1, "repeats": 1, "idle_clients": 500, "burst_clients": 1000, "copy_mib": 64, "scale": 10}

ABOUT = """Compares connection poolers in one run, taking turns on one private PostgreSQL cluster: throughput, latency
added over a direct connection, CPU time and system calls per transaction, memory. One thread each, unless the name says
otherwise; transaction pooling; the same pool; SCRAM-SHA-256 on both sides; TLS 1.3 where a case says TLS. Absolute
figures depend on the machine and on what else it does; ratios within one run hold better.
"""

MORE = """systems:  {systems}
          pgweir-2 is pgweir with two workers. A system is compared when its program is there; the others are listed
          as not run. The configurations of PgDog and PgCat are written from their documentation and untested.
cases:
{cases}
          --cases takes whole names or beginnings: select, select-prepared, idle.

examples:
  bench/compare.sh                                      everything, for some 40 minutes
  bench/compare.sh --quick                              everything in some 5 minutes; figures are rough
  bench/compare.sh --cases select-prepared,connect --systems direct,haproxy,pgbouncer,pgweir
  bench/compare.sh --pgbouncer ~/pgbouncer-1.25.2/pgbouncer --html report.html --json report.json
  bench/compare.sh --from report.json --html report.html    an earlier run's report, without measuring again
"""


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def names(known, what):
    def parse(text):
        found = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in found if not known(name)]
        if unknown or not found:
            raise argparse.ArgumentTypeError(f"no {what} '{', '.join(unknown) or text}' (see --help)")
        return found
    return parse


def parser():
    described = "\n".join(f"          {case.name:20}{case.title}" for case in cases.ALL)
    out = argparse.ArgumentParser(prog="bench/compare.sh", description=ABOUT, allow_abbrev=False,
                                  epilog=MORE.format(systems=", ".join(SYSTEMS), cases=described),
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    what = out.add_argument_group("what is compared")
    what.add_argument("--systems", type=names(SYSTEMS.__contains__, "system"), metavar="A,B", help="[all]")
    what.add_argument("--cases", type=names(lambda name: bool(cases.chosen([name])), "case"), metavar="A,B",
                      help="[all]")
    what.add_argument("--pgweir", default=str(ROOT / "build/release/pgweir"), metavar="PATH",
                      help="[build/release/pgweir]")
    what.add_argument("--bench", default=str(ROOT / "build/release/pgweir-bench"), metavar="PATH",
                      help="the load generator of the burst [build/release/pgweir-bench]")
    what.add_argument("--pgbouncer", default="/usr/sbin/pgbouncer", metavar="PATH", help="[/usr/sbin/pgbouncer]")
    what.add_argument("--haproxy", default="/usr/sbin/haproxy", metavar="PATH", help="[/usr/sbin/haproxy]")
    for name in ("odyssey", "pgdog", "pgcat"):
        what.add_argument(f"--{name}", metavar="PATH", help="compared when given")
    how = out.add_argument_group("how much [default / with --quick]")
    how.add_argument("--quick", action="store_true", help="a short look instead of figures to rely on")
    for key, text in (("seconds", "of each trial, after a second of warm-up"),
                      ("repeats", "trials of each case and system"), ("idle_clients", "clients that stay idle"),
                      ("burst_clients", "clients of the burst"), ("copy_mib", "MiB to copy each way"),
                      ("scale", "of pgbench's tables")):
        how.add_argument("--" + key.replace("_", "-"), type=positive, metavar="N",
                         help=f"{text} [{FULL[key]} / {QUICK[key]}]")
    how.add_argument("--pool", type=positive, default=20, metavar="N", help="server connections of each pooler [20]")
    how.add_argument("--no-strace", dest="strace", action="store_false", help="count no system calls")
    report = out.add_argument_group("reports (a Markdown table goes to standard output in any case)")
    report.add_argument("--output", metavar="FILE", help="Markdown tables")
    report.add_argument("--json", metavar="FILE", help="every sample")
    report.add_argument("--html", metavar="FILE", help="charts and tables in one file that needs no other")
    report.add_argument("--from", dest="source", metavar="FILE", help="report on this JSON file instead of measuring")
    return out


def parse(arguments):
    options = parser().parse_args(arguments)
    for key, value in (QUICK if options.quick else FULL).items():
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options
