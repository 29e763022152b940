"""Results as Markdown tables."""

from . import metrics, view


def render(results):
    titles, views = view.titles(results), view.views(results)
    parts = [introduction(results)]
    for key, base in view.pairs(results):
        parts += comparison(views, titles, key, base)
    parts += aims(results, titles)
    parts += [part for each in views for part in case_part(each, titles)]
    return "\n\n".join(parts) + "\n"


def introduction(results):
    about, options = results["about"], results["about"]["options"]
    rough = " A quick look: too short for figures to rely on." if options["quick"] else ""
    short = " (fewer where a case says so)" if any(each.seconds for each in view.views(results)) else ""
    return (f"PostgreSQL {about['postgresql']}, {about['machine']}, {about['date']}; load, server and pooler share the "
            f"machine.\n{options['repeats']} runs of {options['seconds']} s each{short}, alternating, pool of "
            f"{options['pool']}, scale {options['scale']}; {options['idle_clients']:,} idle clients, a burst of "
            f"{options['burst_clients']:,}, {options['copy_mib']:,} MiB to copy.{rough}\n"
            "Figures are medians; in brackets the ratio to PgBouncer in the same run, its median (and its smallest and "
            "largest).")


def table(head, rows, left=1):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * left + "---:|" * (len(head) - left)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def ratio_text(ratio):
    if ratio.low == ratio.high:
        return f"{ratio.median:.2f}"
    return f"{ratio.median:.2f} ({ratio.low:.2f}..{ratio.high:.2f})"


def comparison(views, titles, key, base):
    """One line for each case: how two systems stand to each other."""
    columns = ("throughput, time, memory or instructions", "CPU", "added p50", "added p99")
    rows = []
    for each in views:
        cells = dict(view.overview(each, key, base))
        if not cells:
            continue
        primary = next((metric for metric in view.PRIMARY if metric in cells), None)
        cpu = next((metric for metric in ("cpu_us", "cpu_ms_per_mib") if metric in cells), None)
        first = f"{metrics.title(primary, each.each)}: {ratio_text(cells[primary])}" if primary else "-"
        rows.append([each.name, first, *(ratio_text(cells[metric]) if metric in cells else "-"
                                         for metric in (cpu, "added_p50_us", "added_p99_us"))])
    if not rows:
        return []
    return [f"### {titles[key]} against {titles[base]}", table(["case", *columns], rows)]


AIM_HEADS = ("case", "what", "aim", view.BASE, "pgweir", "ratio", "verdict")
AIMS_TOLD = ("An aim is met or missed where all of several repeats agree about it; \"not certain\" says on which side "
             "of it the median is.\nLatency is the client's own, with the server's part in it.")


def aims(results, titles):
    """One line for each case that has an aim, or a price that is told without one."""
    rows = [[each.name, *row] for each in view.aimed(results) for row in aim_rows(each)]
    if not rows:
        return []
    return ["### " + aims_heading(titles), table(AIM_HEADS, rows, left=3), AIMS_TOLD]


def aims_heading(titles):
    return f"Aims: {titles['pgweir']} against {titles.get(view.BASE, view.BASE)}"


def aim_rows(each):
    """what, aim, both figures, their ratio, verdict"""
    for metric, (cell, base, verdict) in each.judged().items():
        known, aim = metrics.METRICS[metric], each.aims[metric]
        yield [metrics.title(metric, each.each) + unit(metric),
               "-" if aim is None else f"{'at most' if known.better == 'lower' else 'at least'} {aim:.2f}",
               *(metrics.number(metric, one.value.median) if one else "-" for one in (base, cell)),
               ratio_text(cell.ratio) if cell and cell.ratio else "-", verdict]


def case_part(each, titles):
    out = [f"### {each.name}: {each.title}"]
    if each.measured():
        heads = [metrics.title(metric, each.each) + unit(metric) for metric in each.metrics]
        out.append(table(["", *heads], [[titles[key], *(cell_text(each.cell(key, metric), metric)
                                                        for metric in each.metrics)] for key in each.measured()]))
    lines = ["- " + remark for remark in each.remarks(titles)]
    return out + (["\n".join(lines)] if lines else [])


def unit(metric):
    return f", {metrics.METRICS[metric].unit}" if metrics.METRICS[metric].unit not in ("", "1/s") else ""


def cell_text(cell, metric):
    if cell is None:
        return "-"
    value = metrics.number(metric, cell.value.median)
    return f"{value} [{ratio_text(cell.ratio)}]" if cell.ratio else value
