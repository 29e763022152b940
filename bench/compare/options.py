"""The command line."""

import argparse
import dataclasses
import pathlib
import re
import shutil

from . import cases, estimate
from .systems import MODELS

ROOT = pathlib.Path(__file__).resolve().parents[2]
FULL = {"seconds": 5, "repeats": 3, "idle_clients": 5000, "burst_clients": 10000, "copy_mib": 1024, "scale": 10}
QUICK = {"seconds": 1, "repeats": 1, "idle_clients": 500, "burst_clients": 1000, "copy_mib": 64, "scale": 10}
# What is there on a machine without further programs.
USUAL = ("direct", "haproxy", "pgbouncer", "pgweir", "pgweir-2", "pgweir-strict")

ABOUT = """Compares connection poolers in one run, taking turns on one private PostgreSQL cluster: throughput, latency
added over a direct connection, CPU time and system calls per transaction, memory. One thread each, unless the name says
otherwise; transaction pooling; the same pool; SCRAM-SHA-256 on both sides; TLS 1.3 where a case says TLS. Absolute
figures depend on the machine and on what else it does; ratios within one run hold better. The CPU time is user and
system, of the pooler alone. Instructions are exact: the same program on the same machine needs the same number again.
"""

MORE = """systems:  {systems}
          pgweir-2 is pgweir with two workers, pgweir-strict one with pool.state: strict; both take part only where
          that makes a difference. A system is compared when its program is there; the others are listed as not run.
          The configurations of PgDog and PgCat are written from their documentation and untested.
cases:
{cases}
          --cases takes whole names or beginnings: select, select-prepared, idle.

how long: {full} with {usual}, {full_more} for each further
          system; {quick} and {quick_more} with --quick. --plan tells it for other options; a run tells it first.

examples:
  bench/compare.sh                                      everything
  bench/compare.sh --quick                              everything; figures are rough
  bench/compare.sh --cases select-prepared,connect --systems direct,haproxy,pgbouncer,pgweir
  bench/compare.sh --pgbouncer ~/pgbouncer-1.25.2/pgbouncer --html report.html --json report.json
  bench/compare.sh --systems pgweir --other before=pgweir:PATH --cases select,instructions    two versions
  bench/compare.sh --systems pgweir,pgweir-strict --cases select,tpcb,function                what strict costs
  bench/compare.sh --pgbouncer PATH --cases tenant,orm-mix         transactions of many tenants, and their aims
  bench/compare.sh --systems pgweir --cases set                                               what SET costs
  bench/compare.sh --from report.json --html report.html    an earlier run's report, without measuring again
"""


@dataclasses.dataclass(frozen=True)
class Other:
    """A further column of the user's own: another version of a system, say."""
    name: str
    like: str  # of systems.MODELS
    path: str


def other(text):
    found = re.fullmatch(r"([a-z][a-z0-9.-]*)=([a-z0-9-]+):(.+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=SYSTEM:PATH, with a NAME of small letters and digits")
    out = Other(*found.groups())
    if out.name in MODELS:
        raise argparse.ArgumentTypeError(f"'{out.name}' is the name of a system already")
    if out.like not in MODELS or out.like == "direct":
        raise argparse.ArgumentTypeError(f"no system '{out.like}' that has a program (see --help)")
    if not shutil.which(out.path):
        raise argparse.ArgumentTypeError(f"{out.path} is not a program")
    return out


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


def more():
    width = 1 + max(len(case.name) for case in cases.ALL)
    described = "\n".join(f"          {case.name:{width}}{case.title}" for case in cases.ALL)
    usual = [MODELS[key] for key in USUAL]
    lasts = {}
    for name, amounts in (("full", FULL), ("quick", QUICK)):
        options = argparse.Namespace(**amounts, strace=True)
        lasts[name] = estimate.run_seconds(cases.ALL, usual, options)
        lasts[name + "_more"] = estimate.run_seconds(cases.ALL, [*usual, MODELS["odyssey"]], options) - lasts[name]
    return MORE.format(systems=", ".join(MODELS), cases=described, usual=", ".join(USUAL),
                       **{name: estimate.text(seconds) for name, seconds in lasts.items()})


def parser():
    out = argparse.ArgumentParser(prog="bench/compare.sh", description=ABOUT, allow_abbrev=False, epilog=more(),
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    what = out.add_argument_group("what is compared")
    what.add_argument("--systems", type=names(MODELS.__contains__, "system"), metavar="A,B", help="[all]")
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
    what.add_argument("--other", dest="others", type=other, action="append", default=[], metavar="NAME=SYSTEM:PATH",
                      help="another program to be started like SYSTEM and compared under this name, whatever --systems "
                           "says; may be given several times")
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
    how.add_argument("--plan", action="store_true", help="tell what would run and how long, and measure nothing")
    report = out.add_argument_group("reports (a Markdown table goes to standard output in any case)")
    report.add_argument("--output", metavar="FILE", help="Markdown tables")
    report.add_argument("--json", metavar="FILE", help="every sample")
    report.add_argument("--html", metavar="FILE", help="charts and tables in one file that needs no other")
    report.add_argument("--from", dest="source", metavar="FILE", help="report on this JSON file instead of measuring")
    return out


def parse(arguments):
    reader = parser()
    options = reader.parse_args(arguments)
    twice = {each.name for each in options.others if [other.name for other in options.others].count(each.name) > 1}
    if twice:
        reader.error(f"argument --other: {', '.join(sorted(twice))} is given more than once")
    for key, value in (QUICK if options.quick else FULL).items():
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options
