// Polls /data.json once a second and draws what it says. All text from the server is set as text, never as HTML.
"use strict";

const KEPT = 120; // points of each chart: two minutes
const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);

let before = null; // the last answer
let paused = false;
let failures = 0;

// ---- numbers

function short(n) {
  if (n === null || n === undefined || Number.isNaN(n)) return "–";
  const size = Math.abs(n);
  if (size >= 1e9) return (n / 1e9).toFixed(2) + " G";
  if (size >= 1e6) return (n / 1e6).toFixed(2) + " M";
  if (size >= 1e4) return (n / 1e3).toFixed(1) + " k";
  if (size >= 100 || Number.isInteger(n)) return String(Math.round(n));
  return n.toFixed(1);
}

function bytes(n) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) { n /= 1024; at += 1; }
  return (at === 0 ? String(n) : n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0)) + " " + units[at];
}


// Percentiles of the calls between two answers; durations are pairs of microseconds and calls since the start.
function percentiles(now, then, wanted) {
  const old = new Map(then);
  const fresh = [];
  let total = 0;
  for (const [usec, count] of now) {
    const grown = count - (old.get(usec) || 0);
    if (grown > 0) { fresh.push([usec, grown]); total += grown; }
  }
  return wanted.map((percent) => {
    if (total === 0) return null;
    let left = Math.max(percent / 100 * total, 1);
    for (const [usec, count] of fresh) { left -= count; if (left <= 1e-9) return usec; }
    return fresh[fresh.length - 1][0];
  });
}

// ---- elements

function element(name, attributes, text) {
  const made = document.createElement(name);
  for (const key in attributes || {}) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawn(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- charts

class Chart {
  // `most`: the top of the scale, if it is fixed; `powers`: a scale of powers of ten; `active`: without series that rest.
  constructor(id, { most = null, powers = false, active = false } = {}) {
    this.box = $(id);
    this.title = this.box.parentElement.querySelector("h2").textContent;
    this.most = most;
    this.powers = powers;
    this.active = active;
    this.series = new Map(); // name -> its values, null where there is none
    this.length = 0;
    this.svg = drawn("svg", { role: "img", "aria-label": this.title });
    this.legend = element("ul", { class: "legend", "aria-label": "Legend of " + this.title });
    this.box.replaceChildren(this.svg, this.legend);
  }

  // Adds a point of each series; a new name begins a series.
  add(values) {
    for (const name in values) {
      if (!this.series.has(name)) this.series.set(name, new Array(this.length).fill(null));
    }
    this.length = Math.min(this.length + 1, KEPT);
    for (const [name, points] of this.series) {
      points.push(values[name] ?? null);
      if (points.length > KEPT) points.shift();
    }
  }

  draw() {
    const width = Math.max(this.box.clientWidth, 200), height = 170, left = 46, right = 4, top = 8, bottom = 20;
    let highest = this.most ?? 0;
    for (const points of this.series.values()) for (const value of points) highest = Math.max(highest, value ?? 0);
    if (this.powers) highest = 10 ** Math.max(Math.ceil(Math.log10(Math.max(highest, 1))), 2);
    else if (this.most === null) highest = ceiling(highest);
    const share = (value) => this.powers ? Math.log10(Math.max(value, 1)) / Math.log10(highest) : value / highest;
    const x = (n) => left + (width - left - right) * (KEPT - this.length + n) / (KEPT - 1);
    const y = (value) => top + (height - top - bottom) * (1 - share(value));
    const parts = [];
    const lines = this.powers ? Math.round(Math.log10(highest)) : 4;
    for (let n = 0; n <= lines; n += 1) {
      const value = this.powers ? 10 ** n : highest * n / lines;
      parts.push(drawn("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
      parts.push(drawn("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)));
    }
    parts.push(drawn("text", { x: left, y: height - 4 }, "2 min ago"));
    parts.push(drawn("text", { x: width - right, y: height - 4, "text-anchor": "end" }, "now"));
    const said = [], keys = [];
    let number = 0;
    for (const [name, points] of this.series) {
      if (this.active && !points.some((value) => value > 0)) { number += 1; continue; }
      const look = `s${number % 8} d${Math.floor(number / 8) % 3}`;
      let path = "", down = false;
      points.forEach((value, n) => {
        if (value === null) { down = false; return; }
        path += `${down ? "L" : "M"}${x(n).toFixed(1)} ${y(value).toFixed(1)}${down ? "" : "h0.1"}`;
        down = true;
      });
      parts.push(drawn("path", { class: look, d: path }));
      const last = short(points[points.length - 1]);
      said.push(`${name} ${last}`);
      const key = element("li");
      const line = drawn("svg", { "aria-hidden": "true", viewBox: "0 0 18 8" });
      line.append(drawn("line", { class: look, x1: 0, x2: 18, y1: 4, y2: 4, "stroke-width": 3 }));
      key.append(line, document.createTextNode(name), element("b", {}, last));
      keys.push(key);
      number += 1;
    }
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("aria-label", `${this.title}. Now: ${said.join(", ") || "nothing yet"}`);
    this.svg.replaceChildren(...parts);
    this.legend.replaceChildren(...keys);
  }
}

// The next round number, so that the scale does not move with every point.
function ceiling(value) {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 4, 6, 8, 10]) if (value <= step * power) return step * power;
  return value;
}

const charts = {
  ops: new Chart("ops", { active: true }),
  latency: new Chart("latency", { powers: true }),
  hits: new Chart("hits", { most: 100 }),
  gone: new Chart("gone"),
  memory: new Chart("memory"),
  clients: new Chart("clients"),
};

// ---- tables

// `columns` are pairs of a title and what it is: "text", "number" or "".
function table(id, title, columns, rows, nothing) {
  const head = element("tr");
  for (const [name, kind] of columns) head.append(element("th", { scope: "col", class: kind }, name));
  const body = element("tbody");
  for (const row of rows) {
    const line = element("tr");
    row.forEach((value, n) => {
      const cell = element("td", { class: columns[n][1] }, String(value));
      if (columns[n][1] === "text") cell.title = String(value);
      line.append(cell);
    });
    body.append(line);
  }
  if (rows.length === 0) {
    const line = element("tr");
    line.append(element("td", { class: "empty", colspan: columns.length }, nothing));
    body.append(line);
  }
  const heading = element("thead");
  heading.append(head);
  $(id).setAttribute("aria-label", title);
  $(id).replaceChildren(heading, body);
}

// One bar, divided as the memory is.
function bar(types, total) {
  const svg = drawn("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", role: "img" });
  let at = 0;
  types.forEach((found, n) => {
    const width = 100 * found.bytes / total;
    svg.append(drawn("rect", { class: `f${n % 8}`, x: at, y: 0, width, height: 6 }));
    at += width;
  });
  svg.setAttribute("aria-label", types.map((found) => `${found.type} ${Math.round(100 * found.bytes / total)} %`).join(", ") || "no keys");
  $("types-bar").replaceChildren(svg);
}

function named(db, key) { return db === 0 ? key : `${key} (db ${db})`; }

function showTables(now) {
  now.types.sort((one, other) => other.bytes - one.bytes);
  const total = now.types.reduce((sum, found) => sum + found.bytes, 0);
  bar(now.types, total);
  const part = Math.floor(now.surveyed * 1000) / 10;
  $("types-note").textContent = now.surveyed < 1 ? `Estimated: ${part} % of the keys have been looked at.` : "All keys have been looked at.";
  table("types", "Memory by type", [["type", ""], ["keys", "number"], ["memory", "number"], ["share", "number"]],
    now.types.map((found) => [found.type, short(found.keys), bytes(found.bytes), (100 * found.bytes / total).toFixed(1) + " %"]),
    "No keys.");
  table("large", "Largest keys found so far", [["key", "text"], ["type", ""], ["memory", "number"]],
    now.largest.map((found) => [named(found.db, found.key), found.type, bytes(found.bytes)]), "No keys.");
  $("hot-note").textContent = now.hot_window_s ? `Of the last ${now.hot_window_s} s, estimated from a sample of commands.` : "Switched off (hotkey-top-k 0).";
  table("hot", "Hot keys", [["key", "text"], ["commands a second", "number"]],
    now.hot.map((found) => [named(found.db, found.key), short(found.per_second)]), "No key stands out.");
  const groups = [];
  for (const stream of now.streams) {
    const name = named(stream.db, stream.key);
    if (stream.groups.length === 0) groups.push([name, short(stream.entries), "–", "–", "–", "–"]);
    for (const group of stream.groups) {
      groups.push([name, short(stream.entries), group.name, group.lag === null ? "unknown" : short(group.lag), short(group.pending), short(group.consumers)]);
    }
    if (stream.more_groups > 0) groups.push([name, "", `and ${stream.more_groups} more groups`, "", "", ""]);
  }
  table("streams", "Streams and their groups",
    [["stream", "text"], ["entries", "number"], ["group", "text"], ["lag", "number"], ["pending", "number"], ["consumers", "number"]],
    groups, "No streams found so far.");
  table("slow", "Slow log", [["when", ""], ["took", "number"], ["command", "text"], ["client", "text"]],
    now.slow.map((entry) => [new Date(entry.at_s * 1000).toLocaleTimeString(), `${short(entry.usec / 1000)} ms`, entry.command, entry.client]),
    "No slow commands.");
}

// ---- an answer

function tiles(pairs) {
  $("tiles").replaceChildren(...pairs.map(([name, value]) => {
    const tile = element("div", { class: "tile" });
    tile.append(element("span", {}, name), element("strong", {}, value));
    return tile;
  }));
}

function savingTile(files) {
  if (files.work === "") return [files.worked ? "Unsaved changes" : "Unsaved, last save failed", short(files.unsaved)];
  const left = files.left_s >= 0 ? `, ${files.left_s} s left` : "";
  const title = files.work === "saving" ? "Saving" : "Loading";
  return [title, `${(100 * files.share).toFixed(0)} %, ${bytes(files.bytes_a_second)}/s${left}`];
}

function show(now) {
  const keys = now.databases.reduce((sum, db) => sum + db.keys, 0);
  let rate = null, ratio = null, middle = null, late = null;
  // After a restart or CONFIG RESETSTAT the sums begin again.
  const comparable = before !== null && before.run === now.run && now.time_us > before.time_us && now.hits >= before.hits;
  if (comparable) {
    const seconds = (now.time_us - before.time_us) / 1e6;
    const grown = (name) => Math.max(now[name] - before[name], 0) / seconds;
    const families = {};
    rate = 0;
    for (const family of Object.keys(now.families).sort()) {
      const calls = Math.max(now.families[family] - (before.families[family] || 0), 0) / seconds;
      families[family] = calls;
      rate += calls;
    }
    charts.ops.add(families);
    const [p50, p99, p999] = percentiles(now.durations, before.durations, [50, 99, 99.9]);
    middle = p50;
    late = p99;
    charts.latency.add({ p50, p99, "p99.9": p999 });
    const looked = grown("hits") + grown("misses");
    ratio = looked > 0 ? 100 * grown("hits") / looked : null;
    charts.hits.add({ "hit ratio": ratio });
    charts.gone.add({ expired: grown("expired"), evicted: grown("evicted") });
  }
  const mega = (n) => n / 1048576;
  const memory = { used: mega(now.memory.used), data: mega(now.memory.data), resident: mega(now.memory.resident) };
  if (now.memory.limit > 0) memory.maxmemory = mega(now.memory.limit);
  charts.memory.add(memory);
  charts.clients.add({ connected: now.clients.connected, blocked: now.clients.blocked, subscribed: now.clients.subscribed });
  tiles([
    ["Commands a second", short(rate)],
    ["Median / p99, µs", `${short(middle)} / ${short(late)}`],
    ["Keys", short(keys)],
    ["Memory in use", bytes(now.memory.used)],
    ["Hit ratio", ratio === null ? "–" : ratio.toFixed(1) + " %"],
    ["Clients", short(now.clients.connected)],
    ["Errors", short(now.errors)],
    savingTile(now.files),
    ["Expiry lag p99", `${now.expire_lag_ms} ms`],
  ]);
  showTables(now);
  draw();
  before = now;
}

function draw() { for (const name in charts) charts[name].draw(); }

// ---- polling

function say(text, lost) {
  const state = $("state");
  // A status is read aloud when it changes, so it changes only when the connection does.
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("lost", lost);
}

async function poll() {
  if (!paused && !document.hidden) {
    try {
      // Whole, because a relative address would repeat a password of the page's own, which fetch refuses.
      const response = await fetch(location.origin + "/data.json", { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const now = await response.json();
      failures = 0;
      say(`Version ${now.version}, up since ${new Date(now.started_s * 1000).toLocaleString()}`, false);
      show(now);
    } catch (failure) {
      failures += 1;
      say(`No answer from the server (${failure.message}); trying again.`, true);
    }
  }
  setTimeout(poll, failures > 3 ? 5000 : 1000);
}

function pause() {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Go on" : "Pause";
}

$("pause").addEventListener("click", pause);
document.addEventListener("keydown", (event) => {
  if (event.key === "p" && !event.ctrlKey && !event.metaKey && !event.altKey) pause();
});
window.addEventListener("resize", draw);
draw();
poll();
