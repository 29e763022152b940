// The charts of a pool over the last minutes. Text stays outside of the SVG, which is stretched to the width that there is.

const spans = [30, 60, 150];  // how many points a chart shows at least: a young process fills no ten minutes

const chart_width = 300;
const chart_height = 100;

const charts = [
  {title: "Clients that wait", lines: [
    {series: "waiting", name: "waiting", style: "wait", filled: true, text: count,
      now: (facts) => facts.clients.waiting}]},
  {title: "Server connections", limit: true, lines: [
    {series: "borrowed", name: "lent out", style: "lent", text: count, now: (facts) => facts.backends.borrowed}]},
  {title: "In a second", lines: [
    {series: "queries", name: "queries", style: "query", text: count},
    {series: "transactions", name: "transactions", style: "transaction", text: count}]},
  {title: "95 % took at most", logarithmic: true, unit: duration, lines: [
    {series: "wait_p95_ms", name: "to wait", style: "wait", text: duration},
    {series: "query_p95_ms", name: "query", style: "query", text: duration},
    {series: "transaction_p95_ms", name: "transaction", style: "transaction", text: duration}]},
];

function round_up(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * unit).find((step) => step >= value * 0.999);
}

// Of the points that a chart has room for.
function span_of(length) {
  return spans.find((span) => span >= length) || history.points_max;
}

function x_of(i, length) {
  return chart_width - (length - 1 - i) * chart_width / (span_of(length) - 1);
}

// Microseconds and minutes are seen side by side only on a logarithmic scale.
const logarithmic_bottom = 0.1;

function y_of(value, top, logarithmic) {
  const part = logarithmic ? Math.log(Math.max(value / logarithmic_bottom, 1)) / Math.log(top / logarithmic_bottom)
    : value / top;
  return (chart_height * (1 - part)).toFixed(1);
}

// Where there is no value the line has a gap; a value with none on either side is a dash of one step.
function line_path(values, top, logarithmic = false) {
  let path = "";
  let pen_down = false;
  values.forEach((value, i) => {
    if (value === null) {
      pen_down = false;
      return;
    }
    const x = x_of(i, values.length).toFixed(1);
    const y = y_of(value, top, logarithmic);
    path += pen_down ? `L${x} ${y}` : `M${x} ${y}h.5`;
    pen_down = true;
  });
  return path;
}

function area_path(values, top) {
  if (values.length === 0) return "";
  return `M${x_of(0, values.length).toFixed(1)} ${chart_height}` + line_path(values, top).replaceAll("M", "L") +
    `L${chart_width} ${chart_height}Z`;
}

function make_path(svg, style) {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("class", style);
  svg.append(path);
  return path;
}

function make_chart(chart) {
  const caption = element("figcaption", {}, element("b", {text: chart.title}));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${chart_width} ${chart_height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const limit = chart.limit ? make_path(svg, "limit") : null;
  const lines = chart.lines.map((line) => {
    const key = element("span", {class: `key ${line.style}`});
    caption.append(key);
    const area = line.filled ? make_path(svg, "filled") : null;
    return {line, key, area, path: make_path(svg, line.style)};
  });
  const top = element("span", {class: "top"});
  const bottom = element("span", {class: "bottom", text: chart.logarithmic ? duration(logarithmic_bottom) : ""});
  const begin = element("span");
  const axis = element("div", {class: "axis", "aria-hidden": "true"}, begin, element("span", {text: "now"}));
  const figure = element("figure", {}, caption, element("div", {class: "plot"}, svg, top, bottom), axis);
  return {chart, figure, svg, limit, lines, top, begin};
}

function show_chart(drawn, series, facts) {
  const {chart} = drawn;
  const {max} = facts.backends;
  const values = chart.lines.map((line) => series[line.series] || []);
  const highest = Math.max(0, ...values.flat(), chart.limit ? max : 0);
  // The limit is a line of its own, with room above it.
  const lowest_top = chart.logarithmic ? 10 * logarithmic_bottom : 1;
  const top = chart.limit ? highest * 1.15 : round_up(Math.max(highest, lowest_top));
  const time = duration(span_of(values[0].length) * history.interval_ms).replace(" 0 s", "");
  let label = `${chart.title}, the last ${time}.`;
  drawn.lines.forEach(({line, key, area, path}, i) => {
    const now = line.text(line.now ? line.now(facts) : values[i].at(-1));
    set_text(key, `${line.name} ${now}${chart.limit ? ` of ${max}` : ""}`);
    path.setAttribute("d", line_path(values[i], top, chart.logarithmic));
    if (area) area.setAttribute("d", area_path(values[i], top));
    label += ` ${line.name}: now ${now}, highest ${line.text(Math.max(0, ...values[i]))}.`;
  });
  if (drawn.limit) {
    const y = y_of(max, top);
    drawn.limit.setAttribute("d", `M0 ${y}H${chart_width}`);
  }
  set_text(drawn.top, chart.limit ? "" : (chart.unit || count)(top));
  set_text(drawn.begin, `${time} ago`);
  drawn.svg.setAttribute("aria-label", label);
}
