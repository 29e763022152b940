// Asks for the state each second and shows it. All text that comes from outside goes through textContent.

const period_ms = 1000;
const patience_ms = 4000;  // an answer that takes longer is none
const certificate_notice_days = 14;
const open_pools_max = 3;  // of those that are worth it; the others begin closed

const levels = {
  down: "bad", saturated: "bad", limited: "warn", paused: "warn", burst: "warn", disabled: "warn",
  waited: "dull", ok: "good", idle: "dull", retired: "dull",
};

// --- One pool

const latencies = [
  ["borrow_wait", "waiting for a connection"], ["query", "query"], ["transaction", "transaction"],
];

function make_table(style, caption, columns) {
  const head = element("tr", {}, ...columns.map((text) => element("th", {scope: "col", text})));
  const body = element("tbody");
  const table = element("table", {class: style}, element("caption", {text: caption}), element("thead", {}, head), body);
  return {table, body};
}

// Each row: a heading and cells, all text.
function show_rows({body}, rows) {
  while (body.rows.length > rows.length) body.lastChild.remove();
  rows.forEach((cells, i) => {
    if (i === body.rows.length) {
      body.append(element("tr", {}, element("th", {scope: "row"}), ...cells.slice(1).map(() => element("td"))));
    }
    cells.forEach((text, column) => set_breakable(body.rows[i].cells[column], text));
  });
}

function make_pool() {
  const pool = {
    name: element("span"), user: element("span", {class: "user"}), badge: element("span", {class: "badge"}),
    diagnosis: element("p", {class: "diagnosis"}), facts: element("dl", {class: "facts"}),
    bar: element("div", {class: "bar", "aria-hidden": "true"}), bar_text: element("p", {class: "bar-text"}),
    charts: charts.map(make_chart), server: element("p", {class: "server"}),
    latency: make_table("latency", "Latency within the last minute", ["", "p50", "p95", "p99"]),
    pins: make_table("pins", "Sessions that keep their server connection", ["because of", "now", "until"]),
  };
  pool.parts = ["lent", "ready", "moving"].map((style) => element("span", {class: style}));
  pool.bar.append(...pool.parts);
  const heading = element("h2", {}, pool.name, " ", pool.user);
  pool.card = element("details", {class: "pool"},
    element("summary", {}, heading, pool.badge, pool.diagnosis),
    pool.facts, pool.bar, pool.bar_text,
    element("div", {class: "charts"}, ...pool.charts.map((chart) => chart.figure)),
    element("div", {class: "tables"}, pool.latency.table, pool.pins.table),
    pool.server);
  // What the reader has opened or closed stays so.
  pool.card.firstChild.addEventListener("click", () => { pool.touched = true; });
  return pool;
}

function show_connections(pool, backends) {
  const moving = backends.opening + backends.leaving;
  const total = Math.max(backends.max, backends.borrowed + backends.idle + moving, 1);
  [backends.borrowed, backends.idle, moving].forEach((part, i) => {
    pool.parts[i].style.width = `${100 * part / total}%`;
  });
  const words = [`${backends.borrowed} of ${backends.max} server connections lent out`, `${backends.idle} ready`];
  if (backends.opening) words.push(`${backends.opening} being opened`);
  if (backends.leaving) words.push(`${backends.leaving} being closed`);
  set_text(pool.bar_text, words.join(", "));
}

function show_latency(pool, last_minute) {
  show_rows(pool.latency, latencies.map(([key, name]) => {
    const found = last_minute && last_minute[key];
    return [name, ...["p50_ms", "p95_ms", "p99_ms"].map((p) => found ? duration(found[p]) : "–")];
  }));
}

function show_pool(pool, facts, series, opens) {
  const level = levels[facts.condition] || "dull";
  pool.card.dataset.condition = facts.condition;
  pool.card.dataset.level = level;
  // Never closed behind the reader's back: a pool that goes in and out of trouble must not make the page jump.
  if (!pool.touched && opens) pool.card.open = true;
  set_text(pool.name, facts.database);
  set_text(pool.user, `for ${facts.user}`);
  set_text(pool.badge, facts.condition);
  set_text(pool.diagnosis, facts.diagnosis);
  const {clients, rates} = facts;
  show_terms(pool.facts, [
    ["waiting", count(clients.waiting), clients.waiting ? "hot" : ""],
    ["longest wait", duration(facts.longest_wait_ms), clients.waiting ? "hot" : ""],
    ["active", count(clients.active)], ["idle clients", count(clients.idle)],
    ["transactions/s", count(rates && rates.transactions)], ["queries/s", count(rates && rates.queries)],
  ]);
  show_connections(pool, facts.backends);
  pool.charts.forEach((chart) => show_chart(chart, series || {}, facts));
  show_latency(pool, facts.last_minute);
  show_rows(pool.pins, facts.pins.map((pin) => [`${pin.reason}: ${pin.what}`, count(pin.sessions), pin.ends]));
  pool.pins.table.hidden = facts.pins.length === 0;
  set_text(pool.server, `Server ${facts.server}, pool.mode ${facts.mode}` + (facts.disabled ? ", disabled" : ""));
}

// --- All of it

let history = {sequence: null, interval_ms: 2000, points_max: 300, series: new Map()};
const shown = new Map();  // pools by key_of()
let shown_verdict = "";
let lost_since = null;

function key_of(pool) {
  return JSON.stringify([pool.database, pool.user, Boolean(pool.retired)]);
}

function is_troubled(pool) {
  return ["bad", "warn"].includes(levels[pool.condition]);
}

function show_pools(pools) {
  const main = document.getElementById("pools");
  const cards = [];
  const keys = new Set();
  for (const [place, facts] of pools.entries()) {
    let key = key_of(facts);
    while (keys.has(key)) key += "'";
    keys.add(key);
    if (!shown.has(key)) shown.set(key, make_pool());
    const is_worth_it = is_troubled(facts) || (pools.length <= open_pools_max && facts.condition !== "idle");
    const opens = pools.length === 1 || (place < open_pools_max && is_worth_it);
    show_pool(shown.get(key), facts, history.series.get(key), opens);
    cards.push(shown.get(key).card);
  }
  for (const key of shown.keys()) {
    if (!keys.has(key)) shown.delete(key);
  }
  // Moved only when the order is another, so that focus and selection survive.
  if (cards.length !== main.children.length || cards.some((card, i) => main.children[i] !== card)) {
    main.replaceChildren(...cards);
  }
}

function show_process(process, now_ms) {
  const entries = [
    ["version", process.version], ["up for", duration(Math.max(process.uptime_s, 1) * 1000)],
    ["workers", count(process.workers)],
    ["clients", `${count(process.clients)} of ${count(process.max_clients)}`,
      process.clients >= process.max_clients ? "warn" : ""],
    ["serves", process.draining ? "no, draining" : process.ready ? "yes" : "not ready",
      process.draining || !process.ready ? "warn" : ""],
  ];
  if (process.certificate_expires !== null) {
    const left_ms = process.certificate_expires * 1000 - now_ms;
    entries.push(["certificate ends", left_ms > 0 ? `in ${duration(left_ms)}` : `${duration(-left_ms)} ago`,
      left_ms < certificate_notice_days * 86400e3 ? "warn" : ""]);
  }
  show_terms(document.getElementById("process"), entries);
}

function verdict_of(state) {
  const troubled = state.pools.filter(is_troubled);
  if (state.pools.length === 0) return ["no pool yet", ""];
  if (troubled.length === 0) {
    return [state.pools.length === 1 ? "the pool is well" : `all ${state.pools.length} pools are well`, ""];
  }
  const worst = troubled[0];
  const waiting = worst.clients.waiting ? `, ${many(worst.clients.waiting, "client waits", "clients wait")}` : "";
  const others = troubled.length > 1 ? `, and ${many(troubled.length - 1, "other pool", "other pools")} in trouble` : "";
  return [`${worst.database} for ${worst.user}: ${worst.condition}${waiting}${others}`, levels[worst.condition]];
}

function show(state) {
  const [verdict, level] = verdict_of(state);
  document.body.className = level;
  shown_verdict = verdict;
  show_process(state.process, state.now_ms);
  show_pools(state.pools);
  const left_out = document.getElementById("left-out");
  left_out.hidden = state.pools_left_out === 0;
  set_text(left_out, `${many(state.pools_left_out, "calmer pool is", "calmer pools are")} not shown.`);
}

function show_contact() {
  const contact = document.getElementById("contact");
  document.body.classList.toggle("stale", lost_since !== null);
  contact.hidden = lost_since === null;
  const text = lost_since === null ? "" : `cannot reach pgweir since ${time_of_day(lost_since)}`;
  set_text(contact, text);
  const seen = lost_since === null || shown_verdict === "" ? shown_verdict : `before that: ${shown_verdict}`;
  set_text(document.getElementById("verdict"), seen);
  document.title = `${text || shown_verdict} – pgweir`;
}

// --- Asking

async function ask(path) {
  const answer = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(patience_ms)});
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function read_history() {
  const answer = await ask("api/history");
  const series = new Map(answer.pools.map((pool) => [key_of(pool), pool.series || {}]));
  history = {...answer, series};
}

// Appends the newest point of each pool; false: what is known does not lead up to it.
function follow(state) {
  if (state.sequence === history.sequence) return true;
  if (state.sequence !== history.sequence + 1) return false;
  const pools = state.pools.filter((pool) => pool.point);
  if (pools.some((pool) => !history.series.has(key_of(pool)))) return false;
  for (const pool of pools) {
    const series = history.series.get(key_of(pool));
    for (const [name, value] of Object.entries(pool.point)) {
      series[name] = [...(series[name] || []), value].slice(-history.points_max);
    }
  }
  history.sequence = state.sequence;
  return true;
}

// null: pgweir has not answered.
async function reach() {
  try {
    const state = await ask("api/state");
    if (!follow(state)) await read_history();
    return state;
  } catch (problem) {
    return null;
  }
}

async function poll() {
  const state = await reach();
  setTimeout(poll, period_ms);
  lost_since = state ? null : lost_since || new Date();
  if (state) show(state);
  show_contact();
}

poll();
