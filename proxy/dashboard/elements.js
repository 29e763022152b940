"use strict";
// The words and elements that all of the page is made of. Text from outside goes through textContent only.

// --- Words

function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
  return `${Math.floor(whole / 86400)} days`;
}

function count(value) {
  if (value === null || value === undefined) return "–";
  return value >= 10 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}

function many(value, one, more) {
  return `${count(value)} ${value === 1 ? one : more}`;
}

function time_of_day(date) {
  return `${date.toISOString().slice(11, 19)} UTC`;
}

// --- Elements

function element(name, options = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "text") made.textContent = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// The same text, which may also be broken after an underscore.
function set_breakable(node, text) {
  if (node.textContent === text) return;
  const parts = text.split(/(?<=_)/);
  node.replaceChildren(...parts.flatMap((part, i) => i === 0 ? [part] : [element("wbr"), part]));
}

// A list of terms and what they are now; the entries stay, so that nothing flickers.
function show_terms(list, entries) {
  while (list.children.length > entries.length) list.lastChild.remove();
  while (list.children.length < entries.length) list.append(element("div", {}, element("dt"), element("dd")));
  entries.forEach(([term, value, style], i) => {
    const entry = list.children[i];
    set_text(entry.firstChild, term);
    set_text(entry.lastChild, value);
    entry.className = style || "";
  });
}
