"use strict";
// How the service is doing, live. The service sends the whole picture whenever it has changed.

const feed = find("feed");
const language = feed.dataset.language;
const CHART_HEIGHT_PX = 190;
const DASHES = [[], [8, 3], [2, 3]]; // not by colour alone
const HEARTBEAT_S_MAX = 40; // the service says something at least every 15 s
const AGAIN_MS = 2000;
const charts = new Map();
let heard = performance.now();
let last = null;

const locale = language === "zh" ? "zh-CN" : "en-GB";
const count = new Intl.NumberFormat(locale);
const [figure0, figure1, figure2] = [0, 1, 2].map((digits) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }));
const figure = { format: (value) => (value >= 100 ? figure0 : value >= 10 ? figure1 : figure2).format(value) };
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "medium" });
const minute = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const when = (iso) => (iso ? moment.format(new Date(iso)) : "");
const word = (name) => words.say[name] ?? name;

const NONE = "–";
const ORDER = new Map(Object.keys(words.say).map((name, index) => [name, index]));
const rank = ({ measured, name }) => ORDER.get(`${measured}_${name}`) ?? ORDER.size;
const byRank = (one, other) => rank(one) - rank(other); // stages as they follow one another; the sort is stable

function span(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 1) return `${figure.format(seconds * 1000)} ms`;
  if (seconds < 120) return `${figure.format(seconds)} s`;
  if (seconds < 7200) return `${figure.format(seconds / 60)} min`;
  return `${figure.format(seconds / 3600)} h`;
}

// Content is exchanged only where it has changed, so that focus and selection stay where they are.
function show(id, ...nodes) {
  const place = find(id);
  const fresh = make("div", {}, ...nodes);
  if (place.dataset.shown === fresh.textContent + fresh.querySelectorAll("button").length) return;
  place.dataset.shown = fresh.textContent + fresh.querySelectorAll("button").length;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren(...fresh.childNodes);
  if (focused) place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function table(caption, heads, rows, numbersFrom = heads.length) {
  const side = (index) => (index >= numbersFrom ? { class: "number" } : {});
  const head = make("tr", {}, ...heads.map((text, index) => make("th", { scope: "col", ...side(index) }, text)));
  const body = rows.map(([first, ...rest]) =>
    make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((cell, index) => make("td", side(index + 1), cell))),
  );
  const whole = make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, whole);
}

const nothing = (name) => make("p", { class: "soft" }, say(name));
const tag = (tone, text) => make("span", { class: "tag " + tone }, text);
const TONES = {
  healthy: "good", ready: "good", closed: "good", resolved: "good", done: "good",
  degraded: "fair", half_open: "fair", acknowledged: "fair", ticket: "fair", held_back: "fair", begun: "fair", dry_run: "fair",
  unhealthy: "bad", down: "bad", breaker_state_open: "bad", forced_open: "bad", open: "bad", page: "bad", failed: "bad",
};
const state = (name) => tag(TONES[name] ?? "", word(name));

function button(key, text, act) {
  const node = make("button", { type: "button", "data-key": key }, text);
  node.addEventListener("click", async () => {
    if (node.ariaDisabled === "true") return; // not `disabled`: that would take the focus away
    node.ariaDisabled = "true";
    await act();
    node.ariaDisabled = null;
  });
  return node;
}

async function order(path, body) {
  const answer = await fetch(feed.dataset.api + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "Accept-Language": language },
    body: JSON.stringify(body),
  }).catch(() => null);
  const said = answer?.ok ? null : await answer?.json().catch(() => null);
  const refused = answer?.ok ? [] : [make("p", { class: "notice bad" }, said?.message ?? say("lost"))];
  find("refused").replaceChildren(...refused);
}

// -- the parts of the picture

function showHealth({ status, components }) {
  const tiles = components.map(({ name, status: each, detail }) =>
    make("div", { class: "tile" }, make("h3", {}, word(name)), state(each), make("p", { class: "soft" }, detail)),
  );
  show("health", make("div", { class: "tile" }, make("h3", {}, say("whole")), state(status)), ...tiles);
}

function showLadder(engines) {
  const rows = engines.map((engine) => [
    engine.kind === "vl" ? engine.alias : word("engine_" + engine.kind),
    state(engine.status),
    engine.breaker ? state(engine.breaker) : NONE,
    engine.reopens_in_s ? span(engine.reopens_in_s) : NONE,
    engine.finding ? word(engine.finding) : NONE,
    engine.address ?? NONE,
    engine.breaker ? breakerButtons(engine.alias) : NONE,
  ]);
  show("ladder", table(say("ladder"), ["engine", "state", "breaker", "reopens", "canary", "address", "by_hand"].map(say), rows));
}

function breakerButtons(alias) {
  const path = `/engines/${encodeURIComponent(alias)}/breaker`;
  const acts = ["open", "close", "reset"].map((action) =>
    button(`${alias}-${action}`, say("breaker_" + action), () => order(path, { action })),
  );
  return make("span", { class: "buttons" }, ...acts);
}

function showIncidents(incidents) {
  if (incidents.length === 0) return show("incidents", nothing("no_incidents"));
  show("incidents", ...incidents.map(showIncident));
}

function showIncident(incident) {
  const facts = incident.card.flatMap(({ label, text }) => [make("dt", {}, label), make("dd", {}, text)]);
  const acts = [];
  if (incident.state === "open") {
    acts.push(button(incident.id + "-ack", say("acknowledge"), () => order(`/incidents/${incident.id}/acknowledge`, {})));
  }
  if (incident.state !== "resolved") acts.push(button(incident.id + "-mute", say("silence"), () => silence(incident)));
  return make(
    "article",
    { class: "incident " + (TONES[incident.urgency] ?? "") },
    make("div", { class: "page-head" }, make("h3", {}, incident.title), state(incident.state), state(incident.urgency),
      incident.silenced ? tag("", say("silenced")) : null),
    make("dl", {}, ...facts),
    make(
      "p",
      { class: "buttons" },
      ...acts,
      make("a", { class: "button", href: `${words.base}${incident.runbook}?lang=${language}`, "data-key": incident.id + "-book" }, say("runbook")),
    ),
  );
}

function silence(incident) {
  const dialog = find("silence");
  const form = dialog.querySelector("form");
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      async () => {
        if (dialog.returnValue === "yes") {
          const duration = Math.round(Number(form.elements.hours.value) * 3600);
          await order(`/incidents/${incident.id}/silence`, { duration_s: duration, why: form.elements.why.value });
        }
        resolve();
      },
      { once: true },
    );
    dialog.returnValue = "no";
    dialog.showModal();
  });
}

function showErrors({ windows, by }) {
  show("frequency", table(say("frequency"), ["window", "errors", "per_minute"].map(say),
    windows.map(({ window, count: errors, per_minute: rate }) => [word(window), count.format(errors), figure.format(rate)]), 1));
  show("distribution", ...Object.entries(by).map(([name, lines]) =>
    table(say("by_" + name), [say(name), say("errors"), say("share")],
      lines.map(({ value, reason, count: errors, share }) => [
        reason ? make("a", { href: `${words.base}/errors/${reason}?lang=${language}` }, reason) : word(value),
        count.format(errors), `${figure.format(share * 100)} %`,
      ]), 1)));
}

function showPerformance(lines) {
  if (lines.length === 0) return show("performance", nothing("no_work"));
  const heads = ["work", "count", "failed_count", "average", "p50", "p95", "p99", "min", "max", "queue", "pages_per_second"].map(say);
  const rows = lines.sort(byRank).map((line) => [
    nameWork(line), count.format(line.count), count.format(line.failed),
    ...[line.average_s, line.p50_s, line.p95_s, line.p99_s, line.min_s, line.max_s, line.queue_average_s].map(span),
    line.pages ? figure.format(line.pages_per_second) : NONE,
  ]);
  show("performance", table(say("performance"), heads, rows, 1));
}

const nameWork = ({ measured, name }) => {
  const known = words.say[`${measured}_${name}`] ?? name;
  return `${word("measured_" + measured)}: ${known}`;
};

// One kind of work at a time is drawn; the chooser keeps what was chosen.
function showSeries({ at, errors, work }) {
  chart("frequency-chart", say("errors_each_minute"), at, [[say("errors"), errors]], (value) => figure.format(value));
  work.sort(byRank);
  const names = work.map((each) => `${each.measured}:${each.name}`);
  const chooser = find("work");
  if (chooser.dataset.shown !== names.join()) {
    const chosen = chooser.value || "stage:recognise";
    chooser.dataset.shown = names.join();
    chooser.replaceChildren(...work.map((each, index) => make("option", { value: names[index] }, nameWork(each))));
    if (names.includes(chosen)) chooser.value = chosen;
  }
  chooser.parentElement.hidden = work.length === 0;
  last = { at, work: new Map(work.map((each, index) => [names[index], each])) };
  showTimes();
}

function showTimes() {
  const chosen = last?.work.get(find("work").value);
  const lines = ["p50", "p95", "p99"].map((name) => [name, chosen ? chosen[name] : []]);
  chart("performance-chart", say("page_times"), chosen ? last.at : [], lines, span);
}
find("work").addEventListener("change", showTimes);
find("sign-out").addEventListener("click", async () => {
  await fetch(feed.dataset.logout, { method: "POST" }).catch(() => null);
  location.reload();
});

function showHealing(entries) {
  if (entries.length === 0) return show("healing", nothing("no_healing"));
  const rows = entries.map((entry) => [when(entry.at), entry.backend, word(entry.action), state(entry.outcome), entry.cause, entry.undo]);
  show("healing", table(say("healing"), ["time", "engine", "action", "outcome", "cause", "undo"].map(say), rows));
}

// -- charts

function chart(id, title, at, lines, format) {
  const place = find(id);
  place.hidden = at.length === 0;
  if (at.length === 0) return;
  const data = [at, ...lines.map(([, values]) => values)];
  if (charts.has(id)) return charts.get(id).setData(data);
  const ink = getComputedStyle(document.body);
  const axis = { stroke: ink.getPropertyValue("--soft"), grid: { stroke: ink.getPropertyValue("--line"), width: 1 } };
  const clock = (seconds) => minute.format(new Date(seconds * 1000));
  const strokes = ["--mark", "--fair", "--bad"].map((name) => ink.getPropertyValue(name));
  const series = lines.map(([label], index) => ({ label, stroke: strokes[index], width: 2, dash: DASHES[index],
    points: { size: 4 }, value: (_, value) => (value === null || value === undefined ? NONE : format(value)) }));
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", title);
  const plot = new uPlot(
    { title, width: place.clientWidth, height: CHART_HEIGHT_PX, series: [{ label: say("time"), value: (_, at) => (at ? clock(at) : NONE) }, ...series],
      axes: [{ ...axis, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 70, values: (_, ticks) => ticks.map(format) }], scales: { y: { range: (_, low, high) => [0, high ? high * 1.1 : 1] } } },
    data,
    place,
  );
  charts.set(id, plot);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: CHART_HEIGHT_PX })).observe(place);
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());

// -- the line to the service

function live(name) {
  const dot = find("live");
  dot.className = "dot " + name;
  find("sign-in").hidden = name !== "signed_out";
  if (dot.textContent !== say(name)) dot.textContent = say(name);
}

const PARTS = {
  incidents: showIncidents, health: showHealth, engines: showLadder, errors: showErrors,
  performance: showPerformance, series: showSeries, healing: showHealing,
};

function connect() {
  const source = new EventSource(feed.dataset.source);
  source.addEventListener("picture", (event) => {
    heard = performance.now();
    live("live");
    for (const [name, part] of Object.entries(JSON.parse(event.data))) PARTS[name]?.(part);
  });
  source.addEventListener("beat", () => {
    heard = performance.now();
    live("live");
  });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return live("lost"); // it tries again by itself
    source.close();
    explain();
    setTimeout(connect, AGAIN_MS);
  });
}

// A refusal may mean that the session is over. Whoever signs in, here or in another tab, is live again.
async function explain() {
  const answer = await fetch(feed.dataset.api + "/session", { headers: { Accept: "application/json" } }).catch(() => null);
  live(answer?.status === 401 ? "signed_out" : "lost");
}
setInterval(() => {
  if (performance.now() - heard > HEARTBEAT_S_MAX * 1000) live("lost");
}, 5000);
connect();
