"""Results as one HTML file with charts, which loads nothing from anywhere."""

from html import escape

from . import charts, metrics, report_markdown, view

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { margin-bottom: .2rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; } h3 { margin: 1.2rem 0 .2rem; }
p.about { color: #777; } table { border-collapse: collapse; margin: .6rem 0; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #8884; text-align: right; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } .good { color: #178055; } .bad { color: #b3423a; }
figure { margin: 0; overflow-x: auto; } svg text { fill: currentColor; font-size: 13px; }
svg text.label { text-anchor: end; } .whisker { stroke: currentColor; stroke-width: 1.5; fill: none; }
ul.remarks { color: #777; } nav a { margin-right: .8rem; white-space: nowrap; }
"""


def render(results):
    titles, views = view.titles(results), view.views(results)
    links = " ".join(f'<a href="#{escape(each.name)}">{escape(each.name)}</a>' for each in views)
    body = [f"<h1>Connection poolers compared</h1><p class=about>{escape(report_markdown.introduction(results))}</p>",
            f"<nav>{links}</nav>"]
    body += [comparison(views, titles, key, base) for key, base in view.pairs(results)]
    body.append(aims(results, titles))
    body += [case_section(each, titles) for each in views]
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>Connection poolers compared</title><style>{STYLE}</style><body>{''.join(body)}</body></html>\n")


def comparison(views, titles, key, base):
    rows = [(each, view.overview(each, key, base)) for each in views]
    rows = [(each, cells) for each, cells in rows if cells]
    if not rows:
        return ""
    lines = "".join(f'<tr><td><a href="#{escape(each.name)}">{escape(each.name)}</a></td>'
                    f"<td>{'<br>'.join(ratio_line(each, metric, ratio) for metric, ratio in cells)}</td></tr>"
                    for each, cells in rows)
    return f"<h2>{escape(titles[key])} against {escape(titles[base])}</h2><table>{lines}</table>"


VERDICT_CLASSES = {"met": "good", "missed": "bad"}


def aims(results, titles):
    lines = "".join(aim_line(each.name, row) for each in view.aimed(results) for row in report_markdown.aim_rows(each))
    if not lines:
        return ""
    heads = "".join(f"<th>{escape(head)}</th>" for head in report_markdown.AIM_HEADS)
    heading = report_markdown.aims_heading(titles)
    return f"<h2>{escape(heading)}</h2><table><tr>{heads}</tr>{lines}</table><p>{escape(report_markdown.AIMS_TOLD)}</p>"


def aim_line(name, row):
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[:-1])
    return (f'<tr><td><a href="#{escape(name)}">{escape(name)}</a></td>{cells}'
            f'<td class="{VERDICT_CLASSES.get(row[-1], "")}">{escape(row[-1])}</td></tr>')


def ratio_line(each, metric, ratio):
    """Coloured only where even the worst (or the best) repeat says so."""
    higher = metrics.METRICS[metric].better == "higher"
    better = ratio.low > 1 if higher else ratio.high < 1
    worse = ratio.high < 1 if higher else ratio.low > 1
    kind = "good" if better else "bad" if worse else ""
    return (f"{escape(metrics.title(metric, each.each))} "
            f'<b class="{kind}">{escape(report_markdown.ratio_text(ratio))}</b>')


def case_section(each, titles):
    charts_of = "".join(chart(each, metric, titles) for metric in each.metrics)
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in each.remarks(titles))
    return (f'<section id="{escape(each.name)}"><h2>{escape(each.title)}</h2>{charts_of}'
            + (f"<ul class=remarks>{remarks}</ul>" if remarks else "") + "</section>")


def chart(each, metric, titles):
    known = metrics.METRICS[metric]
    title = metrics.title(metric, each.each) + report_markdown.unit(metric)
    rows = []
    for key in each.measured():
        if cell := each.cell(key, metric):
            rows.append((key, titles[key], cell.value, report_markdown.cell_text(cell, metric)))
    return (f"<h3>{escape(title)} <small>({known.better} is better)</small></h3>"
            f"<figure>{charts.bars(title, rows)}</figure>")
