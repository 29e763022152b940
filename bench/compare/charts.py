"""Bar charts as plain SVG: one bar for each system, its median as length, smallest and largest as a whisker."""

from html import escape

LABEL, BAR, VALUE = 190, 420, 250  # widths of the three columns
ROW, GAP = 22, 6
COLOURS = {"direct": "#9aa0a6", "haproxy": "#c49a3c", "pgbouncer": "#4c78a8", "odyssey": "#8f6bb3", "pgdog": "#6b8e6b",
           "pgcat": "#b3746b", "pgweir": "#17807e", "pgweir-2": "#5fb5b3", "pgweir-strict": "#8fcac8"}


def scale(rows):
    """Pixels for one unit. A value below zero (latency less than direct) is drawn as nothing."""
    largest = max((row[2].high for row in rows), default=0)
    return BAR / largest if largest > 0 else 0


def bars(title, rows):
    """`rows`: (key, label, Spread, what stands after the bar)."""
    height = len(rows) * (ROW + GAP) + GAP
    per_unit = scale(rows)
    parts = [f'<svg role="img" viewBox="0 0 {LABEL + BAR + VALUE} {height}" width="{LABEL + BAR + VALUE}" '
             f'height="{height}"><title>{escape(title)}</title>']
    for index, row in enumerate(rows):
        parts.append(bar(GAP + index * (ROW + GAP), per_unit, *row))
    return "".join(parts) + "</svg>"


def bar(top, per_unit, key, label, spread, text):
    middle = top + ROW / 2
    length, low, high = (max(0.0, value) * per_unit for value in (spread.median, spread.low, spread.high))
    out = (f'<text class="label" x="{LABEL - 8}" y="{middle + 4:.1f}">{escape(label)}</text>'
           f'<rect x="{LABEL}" y="{top}" width="{max(1.0, length):.1f}" height="{ROW}" '
           f'fill="{COLOURS.get(key, "#888")}"/>')
    if high > low:
        out += (f'<path class="whisker" d="M{LABEL + low:.1f} {middle:.1f}H{LABEL + high:.1f}'
                f'M{LABEL + low:.1f} {middle - 4:.1f}v8M{LABEL + high:.1f} {middle - 4:.1f}v8"/>')
    return out + f'<text x="{LABEL + max(length, high) + 8:.1f}" y="{middle + 4:.1f}">{escape(text)}</text>'
