"""One run, from the command line to the reports."""

import datetime
import json
import os
import pathlib
import platform
import resource
import signal
import sys

from . import cases, measure, options as command_line, plan, report_html, report_markdown, systems
from .cluster import Cluster
from .place import Place
from .processes import Processes, Trouble
from .runner import CaseRun


class Progress:
    """One line that moves on a terminal, otherwise a line for each step."""

    def __init__(self):
        self.terminal = sys.stderr.isatty()
        self.heading = ""

    def __call__(self, text):
        line = f"{self.heading} {text}".strip()
        print(f"\r\033[K{line[:110]}" if self.terminal else line, end="" if self.terminal else "\n", file=sys.stderr,
              flush=True)

    def done(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def main(arguments):
    options = command_line.parse(arguments)
    # So that whatever ends this program, but the kernel itself, passes through `finally`.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, frame: sys.exit(128 + got))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background job starts with it ignored
    try:
        if options.plan:
            print(plan.text(planned(options)[0], options))
            return 0
        writable(options)
        results = json.loads(pathlib.Path(options.source).read_text()) if options.source else run_cases(options)
        write_reports(options, results)
    except (Trouble, OSError, ValueError) as trouble:
        print(f"compare.sh: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def writable(options):
    """Found out before the run rather than after it."""
    for path in (options.output, options.json, options.html):
        if path:
            with open(path, "a"):
                pass


def planned(options):
    """(steps, systems)"""
    ready, absent = systems.make(options)
    return plan.steps(cases.chosen(options.cases), ready, absent, options), ready


def run_cases(options):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    started, progress = Processes(), Progress()
    todo, ready = planned(options)
    progress(plan.summary(todo))
    cluster = Cluster(started)
    try:
        progress(f"Creating a private cluster and pgbench's tables (scale {options.scale}).")
        cluster.create(options.scale)
        place = Place(cluster, started, options)
        results = {"about": about(options, cluster), "systems": described(ready), "cases": []}
        clock = plan.Clock(todo)
        for number, step in enumerate(todo):
            progress.heading = clock.heading(number)
            case, busy = step.case, measure.busy_percent()
            outcome = CaseRun(case, step.columns, step.absent, place, progress).run()
            results["cases"].append({"name": case.name, "title": case.title, "each": case.each,
                                     "shown": list(case.shown), "aims": case.aims,
                                     "seconds": case.longest, "busy_before": round(busy),
                                     "results": ordered(outcome, options)})
            if options.json:  # a long run that is interrupted leaves what it has measured
                pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
        return results
    finally:
        progress.done()
        # A second Ctrl-C must not leave anything behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        started.stop_all()
        cluster.remove()


def about(options, cluster):
    kept = ("seconds", "repeats", "pool", "scale", "idle_clients", "burst_clients", "copy_mib", "quick")
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": f"{os.cpu_count()} CPUs ({cpu_model()}), {platform.machine()}, Linux {platform.release()}",
            "postgresql": cluster.version(), "options": {key: getattr(options, key) for key in kept}}


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "model unknown"


def described(ready):
    return [{"key": system.key, "title": system.title, "workers": system.workers, "like": system.like}
            for system in ready]


def ordered(outcome, options):
    return {key: outcome[key] for key in (*systems.MODELS, *(other.name for other in options.others))
            if key in outcome}


def write_reports(options, results):
    table = report_markdown.render(results)
    print(table, end="")
    if options.output:
        pathlib.Path(options.output).write_text(table)
    if options.html:
        pathlib.Path(options.html).write_text(report_html.render(results))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
