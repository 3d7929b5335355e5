"use strict";

// The page asks the server once a second what there is to show, and changes what has changed.

const AGAIN_MS = 1000;
const byId = (id) => document.getElementById(id);
const xsrf = document.querySelector("meta[name=xsrf]").content;

function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let i = 0;
  while (bytes >= 1000 && i < units.length - 1) { bytes /= 1000; i++; }
  return `${i && bytes < 100 ? bytes.toPrecision(3) : Math.round(bytes)} ${units[i]}`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (days) return `${days} d ${hours % 24} h`;
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min ${Math.floor(seconds % 60)} s`;
}

const percent = (part, whole) => `${whole ? Math.min(100, (100 * part) / whole) : 0}%`;

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Cells are made once for each row and filled at every look, so that a button is never replaced under the mouse.
const text = (get, kind = "") => ({ kind, fill: (cell, item) => set(cell, get(item)) });

function bar(parts) {
  const made = document.createElement("div");
  made.className = "bar";
  for (let i = 0; i < parts; i++) made.append(document.createElement("i"));
  return made;
}

const progress = {
  kind: "",
  make: (cell) => {
    const line = document.createElement("div");
    line.className = "progress";
    line.append(bar(1), document.createElement("span"));
    cell.append(line);
  },
  fill: (cell, item) => {
    const [line, figure] = cell.firstChild.children;
    line.firstChild.style.width = percent(item.fraction, 1);
    set(figure, `${Math.round(100 * item.fraction)}%`);
  },
};

const cancel = {
  kind: "n",
  make: (cell, item) => {
    const button = document.createElement("button");
    button.textContent = "cancel";
    button.addEventListener("click", () => end(button, item.number));
    cell.append(button);
  },
  fill: () => {},
};

const memory = {
  kind: "",
  make: (cell) => cell.append(bar(2)),
  fill: (cell, w) => {
    const [arrays, rest] = cell.firstChild.children, whole = w.limit || w.process;
    arrays.style.width = percent(Math.min(w.arrays, w.process), whole);
    rest.style.width = percent(Math.max(0, w.process - w.arrays), whole);
    cell.firstChild.title = `${size(w.arrays)} of arrays, ${size(w.process)} the process`;
  },
};

const tag = {
  kind: "",
  make: (cell) => cell.append(document.createElement("span")),
  fill: (cell, s) => { cell.firstChild.className = s.registered ? "tag" : ""; set(cell.firstChild, s.registered ? "registered" : ""); },
};

const COLUMNS = {
  running: [
    text((r) => r.command, "mono"), text((r) => r.user), text((r) => duration(r.seconds), "n"),
    text((r) => String(r.step), "n"), progress, cancel,
  ],
  workers: [
    text((w) => w.name), text((w) => w.address, "mono"), text((w) => String(w.threads), "n"),
    text((w) => String(w.tasks), "n"), text((w) => size(w.arrays), "n"), text((w) => size(w.process), "n"),
    text((w) => size(w.spilled), "n"), text((w) => (w.limit ? size(w.limit) : "none"), "n"), memory,
  ],
  symbols: [
    text((s) => s.name, "mono"), text((s) => s.dtype), text((s) => s.shape, "n"), text((s) => size(s.bytes), "n"),
    text((s) => s.where), tag,
  ],
  errors: [
    text((e) => new Date(e.time).toLocaleTimeString()), text((e) => e.user), text((e) => e.command, "mono"),
    text((e) => e.text),
  ],
};

const KEYS = {
  running: (r) => String(r.number), workers: (w) => w.address, symbols: (s) => s.name,
  errors: (e) => `${e.time} ${e.user} ${e.command} ${e.text}`,
};

function row(columns, item) {
  const made = document.createElement("tr");
  for (const column of columns) {
    const cell = made.insertCell();
    cell.className = column.kind;
    if (column.make) column.make(cell, item);
  }
  return made;
}

function table(name, items) {
  const body = byId(name).tBodies[0], columns = COLUMNS[name];
  const before = new Map(Array.from(body.rows, (r) => [r.dataset.key, r]));
  items.forEach((item, i) => {
    const key = KEYS[name](item);
    const kept = before.get(key) || row(columns, item);
    before.delete(key);
    kept.dataset.key = key;
    columns.forEach((column, c) => column.fill(kept.cells[c], item));
    if (body.rows[i] !== kept) body.insertBefore(kept, body.rows[i] || null);
  });
  before.forEach((gone) => gone.remove());
  byId(name).classList.toggle("empty", !items.length);
}

function figures(found) {
  const server = found.server;
  set(byId("about"), `${server.version} · ${server.url} · up ${duration(server.seconds)}`);
  set(byId("live"), size(server.live));
  set(byId("of"), `of ${size(server.limit)}` + (server.reserved ? `, ${size(server.reserved)} reserved` : ""));
  byId("bar-live").style.width = percent(server.live, server.limit);
  byId("bar-reserved").style.width = percent(server.reserved, server.limit);
  set(byId("count-symbols"), server.symbols.toLocaleString("en"));
  set(byId("count-workers"), String(found.workers.length));
  set(byId("count-running"), String(found.running.length));
  set(byId("count-requests"), server.requests.toLocaleString("en"));
  set(byId("shown"), server.symbols > found.symbols.length ? `the ${found.symbols.length} largest` : "");
}

function state(text, lost) {
  set(byId("state"), text);
  byId("state").classList.toggle("lost", lost);
}

async function end(button, number) {
  button.disabled = true;
  set(button, "cancelling");
  const body = new URLSearchParams({ number });
  try {
    const answer = await fetch("arkserver/cancel", { method: "POST", body, headers: { "X-XSRFToken": xsrf } });
    if (answer.status === 403) location.reload();
  } catch {
    button.disabled = false;
    set(button, "cancel");
  }
}

async function look() {
  try {
    const answer = await fetch("arkserver/facts", { signal: AbortSignal.timeout(10 * AGAIN_MS) });
    if (answer.status === 403) location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    const found = await answer.json();
    figures(found);
    Object.keys(COLUMNS).forEach((name) => table(name, found[name]));
    state("live", false);
  } catch {
    state("the server does not answer", true);
  }
  setTimeout(look, AGAIN_MS);
}

look();
