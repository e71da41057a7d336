"use strict";
// What the page shows is in `data`; nothing is asked of anybody. The way through the page is in the
// address: #s/<scenario>, #time, #totals.
let data = JSON.parse(document.getElementById("data").textContent);
const MARKS = {good: "M4 10.5l4 4 8-9", bad: "M5 5l10 10M15 5L5 15", info: "M10 4v6l4 3"};
const TONES = {succeeded: "good", caught: "warn", failed: "bad", running: "info", stopped: "plain"};
const isReplay = !data.kind, isLive = data.kind === "live"; // of a replay something was expected
const NAMES = {sent: "Files", live: "Executions"};
const picked = new Map(); // the state that a person chose, by execution
const SAID = {
  succeeded: "succeeded", caught: "failed, and was caught", failed: "failed", running: "at work",
  stopped: "stopped",
};

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "rect", "text", "g"].includes(tag);
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

function mark(kind, label) {
  return make("svg", {class: `mark ${kind}`, viewBox: "0 0 20 20", role: "img", "aria-label": label},
    make("path", {d: MARKS[kind] || MARKS.good}));
}

function time(milliseconds) {
  if (milliseconds === undefined || milliseconds === null) return "…";
  if (milliseconds < 1000) return `${milliseconds} ms`;
  if (milliseconds < 60000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.floor(milliseconds / 60000)} min ${Math.round(milliseconds % 60000 / 1000)} s`;
}

const short = machine => machine.replace(`${data.project}-${data.stage}-`, "");

// A long name may break after its underscores.
const soft = name => name.split(/(?<=_)/).flatMap(part => [part, make("wbr")]);

const pill = (text, tone) => make("span", {class: `pill tone-${tone}`}, text);

// A value as JSON with its keys, texts and numbers in colours.
function value(text) {
  const pre = make("pre", {tabindex: "0", role: "group", "aria-label": "JSON"});
  const parts = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\b/g;
  let end = 0;
  for (const found of text.matchAll(parts)) {
    pre.append(text.slice(end, found.index));
    const kind = found[2] ? "key" : found[1] ? "string" : "number";
    pre.append(make("span", {class: kind}, found[1] || found[3]), found[2] || "");
    end = found.index + found[0].length;
  }
  pre.append(text.slice(end));
  return pre;
}

const folded = (title, open, ...content) =>
  make("details", {open}, make("summary", {}, title), ...content);

// ---- the top and the list

function heading() {
  const differ = data.entries.filter(entry => !entry.ok).length, all = data.entries.length;
  const verdict = !isReplay ? "" : differ
    ? pill(`${differ} of ${all} differ`, "bad") : pill(`${all} of ${all} as expected`, "good");
  const running = data.entries.filter(entry => entry.outcome === "running").length;
  const moving = !isLive ? "" : data.trouble
    ? pill(data.trouble, "bad") : pill(running ? `${running} at work` : "all at rest", "info");
  const books = data.reconciled && pill(
    data.reconciled.balanced ? "reconciled" : "not balanced",
    data.reconciled.balanced ? "good" : "bad");
  const link = (where, text) => make("a", {href: where}, text);
  document.getElementById("top").replaceChildren(
    make("h1", {}, data.project),
    make("span", {class: "quiet small"}, `stage ${data.stage} · ${isLive ? "live" : data.made}`),
    verdict, moving, books || "",
    make("nav", {"aria-label": "Views"},
      link("#scenarios", NAMES[data.kind] || "Scenarios"), link("#time", "Time line"),
      data.totals || data.reconciled ? link("#totals", "Totals") : "",
      data.report ? link("report", "Last report") : ""));
}

let searched = "", onlyDiffering = false;

function list() {
  const search = make("input", {
    class: "search", type: "search", placeholder: "Filter", "aria-label": "Filter",
    oninput: event => { searched = event.target.value.toLowerCase(); rows(); },
  });
  const differing = make("label", {class: "check small"},
    make("input", {type: "checkbox",
      onchange: event => { onlyDiffering = event.target.checked; rows(); }}),
    "only what differs");
  if (!isReplay) differing.hidden = true;
  document.getElementById("list").replaceChildren(search, differing, make("div", {id: "rows"}));
  rows();
}

function rows() {
  const shown = data.entries.filter(entry => (!onlyDiffering || !entry.ok) &&
    `${entry.id} ${entry.title} ${entry.outcome} ${entry.rule}`.toLowerCase().includes(searched));
  const flows = folder => data.entries.some(
    entry => entry.folder === folder && entry.executions.length);
  const folders = [...new Set(shown.map(entry => entry.folder))].sort(
    (a, b) => flows(b) - flows(a));
  document.getElementById("rows").replaceChildren(...folders.map(folder => {
    const entries = shown.filter(entry => entry.folder === folder);
    return make("section", {"aria-label": folder},
      make("h2", {}, data.kind === "sent" ? "sent" : short(folder), make("span", {}, String(entries.length))),
      make("ul", {}, entries.map(entry => make("li", {}, row(entry)))));
  }), shown.length ? "" : make("p", {class: "quiet"}, "Nothing has this in its name or outcome."));
  showCurrent();
}

const row = entry => make("a", {class: "row", href: `#s/${entry.id}`, "data-id": entry.id},
  markOf(entry),
  make("span", {class: "name"}, soft(entry.name)),
  make("span", {class: "took quiet small"}, time(entry.took)),
  make("span", {class: `outcome tone-${entry.tone}`}, entry.outcome));

const markOf = entry => isReplay
  ? mark(entry.ok ? "good" : "bad", entry.ok ? "as expected" : "differs")
  : mark({bad: "bad", warn: "bad", info: "info"}[entry.tone] || "good", entry.outcome);

let current = "";

function showCurrent() {
  for (const link of document.querySelectorAll("#rows .row"))
    if (link.dataset.id === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
}

// ---- one scenario

function scenario(entry) {
  const way = entry.path && !entry.executions.length ? [["way", entry.path]] : [];
  const parts = [
    make("a", {class: "back", href: "#scenarios"}, "← all"),
    make("div", {class: "heading"}, make("h2", {}, entry.name), pill(entry.outcome, entry.tone),
      !isReplay ? "" : entry.ok ? pill("as expected", "good") : pill("differs", "bad"),
      make("span", {class: "quiet"}, time(entry.took))),
    make("dl", {class: "facts"}, [["what", entry.title], ...way, ...entry.details].flatMap(
      ([name, text]) => [make("dt", {}, name), make("dd", {}, text)])),
  ];
  if (!entry.ok)
    parts.push(make("div", {class: "problem"},
      make("ul", {}, entry.differences.map(one => make("li", {}, one))),
      entry.why.map(one => make("p", {class: "small"}, one))));
  for (const number of entry.executions) parts.push(...workflow(data.executions[number]));
  if (entry.events.length) parts.push(events(entry));
  if (entry.fields.length) parts.push(expected(entry));
  return parts;
}

function panel(title, more, ...content) {
  return make("section", {class: "panel", "aria-label": title},
    make("header", {}, make("h3", {}, title), ...more), ...content);
}

function expected(entry) {
  const line = ([name, wanted, got]) => make("tr", {class: wanted === got ? null : "differs"},
    make("td", {class: "field"}, name), make("td", {}, wanted), make("td", {}, got));
  return panel("Expected and got", [], make("div", {class: "scroll"},
    make("table", {}, make("thead", {}, make("tr", {},
      ["field", "expected", "got"].map(name => make("th", {scope: "col"}, name)))),
    make("tbody", {}, entry.fields.map(line)))));
}

function events(entry) {
  const rule = (bus, name) => data.rules.find(one => one.bus === bus && one.name === name) ||
    {name, targets: [], pattern: ""};
  return panel("Events, and the rules that took them", [], make("ul", {class: "events"},
    entry.events.map(event => {
      const rules = event.rules.map(name => rule(event.bus, name));
      const taken = rules.length
        ? rules.map(one => make("span", {class: "rule"}, make("b", {class: "chip took"}, one.name),
            one.targets.map(name => [" → ", make("span", {class: "chip took"}, name)]).flat()))
        : make("span", {class: "quiet"}, "no rule takes it");
      return make("li", {}, make("details", {},
        make("summary", {},
          make("span", {class: "quiet small"}, `${event.bus} bus`),
          make("span", {}, make("b", {class: "chip"}, event.type), " ",
            make("span", {class: "quiet small"}, event.source)),
          make("span", {class: "arrow quiet", "aria-hidden": "true"}, "→"),
          make("span", {}, taken)),
        make("div", {class: "both"},
          make("div", {}, make("h4", {}, "the event"), value(data.texts[event.text])),
          ...rules.map(one => make("div", {}, make("h4", {}, `the pattern of ${one.name}`),
            value(one.pattern))))));
    })));
}

// ---- one execution

// All visits to states, those inside others too, in the order in which they were entered.
function visits(states, depth = 0, inside = "") {
  return states.flatMap(state => [
    {state, depth, inside},
    ...(state.branches || []).flatMap(branch => visits(branch, depth + 1, state.name)),
    ...(state.children || []).flatMap((child, place) => [
      {child, depth: depth + 1, inside: state.name, place},
      ...visits(child.states || [], depth + 2, state.name),
    ]),
  ]);
}

// The states that followed one another: of the machine itself, of each branch, of each item.
function* sequences(states) {
  yield [null, states];
  for (const state of states) {
    for (const branch of state.branches || []) yield* within(state, branch);
    for (const child of state.children || []) yield* within(state, child.states || []);
  }
}

function* within(owner, states) {
  const [[, own], ...inner] = [...sequences(states)];
  yield [owner, own];
  yield* inner;
}

const ORDER = ["succeeded", "stopped", "caught", "running", "failed"];

function colour(svg, execution) {
  svg.classList.add("way");
  const all = visits(execution.states || []).filter(one => one.state);
  const edge = (from, to, caught) => {
    const found = [...svg.querySelectorAll(".edge")].filter(
      one => one.dataset.from === from && one.dataset.to === to);
    const meant = found.filter(one => one.classList.contains("catch") === caught);
    (meant[0] || found[0])?.classList.add("taken");
  };
  for (const [owner, states] of sequences(execution.states || [])) {
    if (owner) states.forEach(state => edge(owner.name, state.name, false));
    states.slice(1).forEach((state, place) =>
      edge(states[place].name, state.name, states[place].status === "caught"));
  }
  for (const group of svg.querySelectorAll(".state")) {
    const own = all.filter(one => one.state.name === group.dataset.state).map(one => one.state);
    if (!own.length) continue;
    const repeated = own.length > 1 && own[0] !== own[own.length - 1] && !insideMap(all, own[0]);
    const status = repeated ? own[own.length - 1].status
      : ORDER[Math.max(...own.map(one => ORDER.indexOf(one.status)))];
    group.dataset.status = status;
    const retries = own.reduce((sum, one) => sum + Math.max((one.tries || []).length - 1, 0), 0);
    const items = own.reduce((sum, one) => sum + (one.items || 0), 0);
    const said = [];
    if (items) said.push(`${items} item${items > 1 ? "s" : ""}`);
    if (own.length > 1) said.push(`×${own.length}`);
    if (retries) said.push(`↻ ${retries}`);
    if (said.length) badge(group, said.join(" "));
    group.setAttribute("aria-label",
      [`${group.getAttribute("aria-label")} ${said.join(" ")}`.trim(), SAID[status]].join(", "));
  }
  svg.querySelectorAll(".state").forEach(fit);
}

const insideMap = (all, state) => all.some(one => one.state === state && one.depth > 1);

// Fonts differ: a name that is too wide for its card is set a little closer.
function fit(group) {
  const card = group.querySelector(".card");
  const right = Number(card.getAttribute("x")) + Number(card.getAttribute("width")) - 8;
  for (const text of group.querySelectorAll(".name, .work")) {
    const room = right - Number(text.getAttribute("x"));
    if (text.getComputedTextLength() > room) {
      text.setAttribute("textLength", room);
      text.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  }
}

function badge(group, text) {
  const card = group.querySelector(".card");
  const width = 14 + text.length * 6.2;
  const x = Number(card.getAttribute("x")) + Number(card.getAttribute("width")) - width + 8;
  const y = Number(card.getAttribute("y")) - 9;
  group.append(" ", make("g", {class: "badge"},
    make("rect", {x, y, width, height: 18, rx: 9}),
    make("text", {x: x + width / 2, y: y + 13}, text)));
}

function workflow(execution) {
  const drawing = [...document.querySelectorAll("template.drawing")].find(
    one => one.dataset.machine === execution.machine);
  const all = visits(execution.states || []);
  const inspector = make("div", {class: "inspector", "aria-live": "polite"});
  const steps = make("ol", {class: "steps"});
  const svg = drawing?.content.firstElementChild.cloneNode(true);
  const status = execution.status.toLowerCase();

  function select(name, chosen, focus) {
    for (const group of svg?.querySelectorAll(".state") || [])
      group.setAttribute("aria-pressed", group.dataset.state === name);
    const own = all.filter(one => one.state?.name === name);
    const visit = chosen || own[own.length - 1];
    for (const button of steps.querySelectorAll(".step"))
      button.setAttribute("aria-pressed", all[button.dataset.number] === visit);
    inspect(inspector, execution, name, own, visit, one => select(name, one));
    if (focus) svg?.querySelector(`[data-state="${CSS.escape(name)}"]`)?.focus();
  }

  function press(event) {
    const group = event.target.closest(".state");
    if (!group) return;
    const along = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1}[event.key];
    if (event.type === "click" || event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      picked.set(execution.name, group.dataset.state);
      select(group.dataset.state);
    } else if (along) {
      event.preventDefault();
      const names = [...new Set(all.filter(one => one.state).map(one => one.state.name))];
      const at = names.indexOf(group.dataset.state) + along;
      if (names[at]) {
        picked.set(execution.name, names[at]);
        select(names[at], null, true);
      }
    }
  }

  const pane = make("div", {class: "pane", tabindex: "0", role: "region",
    "aria-label": `The graph of ${short(execution.machine)}`, onclick: press, onkeydown: press});
  if (svg) pane.append(make("div", {class: "room"}, svg));
  const parts = [];
  parts.push(panel("Workflow", [
    make("span", {class: "grow"}, make("b", {}, short(execution.machine)), " ",
      make("span", {class: "quiet small"}, execution.name)),
    pill(execution.error || status, status === "succeeded" ? "good"
      : status === "running" ? "info" : "bad"),
    make("span", {class: "quiet"}, time(execution.took)), zoom(pane, svg)],
    make("div", {class: "flow"}, pane, inspector)));
  all.forEach((visit, number) => steps.append(make("li", {}, step(execution, visit, number,
    () => {
      if (!visit.state) return item(inspector, visit);
      picked.set(execution.name, visit.state.name);
      select(visit.state.name, visit);
    }))));
  parts.push(panel("Steps", [legend()], steps));
  queueMicrotask(() => {
    if (svg) { colour(svg, execution); zoomTo(pane, svg, "fit"); }
    const chosen = picked.get(execution.name);
    if (chosen) return select(chosen);
    const worst = telling(execution, all);
    if (worst) select(worst.state.name, worst);
  });
  return parts;
}

// The visit that says most: what failed last, a Fail state only where nothing else did.
function telling(execution, all) {
  const own = all.filter(one => one.state), work = own.filter(one => one.state.type !== "Fail");
  const last = (visits, status) => visits.findLast(one => one.state.status === status);
  const failed = execution.error &&
    (last(work, "failed") || last(work, "caught") || last(own, "failed"));
  return failed || last(own, "running") || own[0];
}

const legend = () => make("span", {class: "legend small quiet"},
  [["succeeded", "succeeded"], ["caught", "failed and caught"], ["failed", "failed"],
    ["running", "at work"], ["not", "not entered"]].map(
    ([name, text]) => make("span", {class: name}, text)));

function zoom(pane, svg) {
  const button = (text, label, how) => make("button",
    {type: "button", "aria-label": label, onclick: () => svg && zoomTo(pane, svg, how)}, text);
  return make("span", {class: "zoom"},
    button("−", "smaller", 1 / 1.25), button("+", "larger", 1.25), button("fit", "fit", "fit"));
}

const SMALLEST = 0.6;

function zoomTo(pane, svg, how) {
  const own = Number(svg.getAttribute("width"));
  const now = (parseFloat(svg.style.width) || own) / own;
  const fitting = Math.max(Math.min((pane.clientWidth - 34) / own, 1), SMALLEST);
  svg.style.width = `${own * (how === "fit" ? fitting : Math.min(Math.max(now * how, 0.3), 2))}px`;
}

function step(execution, visit, number, choose) {
  const {state, child} = visit, one = state || child;
  const whole = Math.max(execution.took || 0,
    ...(execution.states || []).map(each => (each.at || 0) + (each.took || 0)), 1);
  const bar = make("span", {class: `bar ${one.status}`});
  const at = state ? state.at : (child.states?.[0]?.at || 0);
  bar.style.left = `${Math.min(at / whole * 100, 99.5)}%`;
  bar.style.width = `${Math.min((one.took ?? whole - at) / whole * 100, 100)}%`;
  const label = make("span", {class: "label"},
    state ? state.name : `item ${child.index ?? visit.place}`,
    make("span", {class: "quiet small"},
      state ? (state.tries?.length > 1 ? `  ↻ ${state.tries.length - 1}` : "") : ""));
  label.style.paddingLeft = `${visit.depth * 1.1}rem`;
  const tone = TONES[one.status] || "plain";
  return make("button", {class: "step", type: "button", "data-number": number, onclick: choose},
    mark(tone === "bad" || tone === "warn" ? "bad" : tone === "info" ? "info" : "good",
      SAID[one.status] || one.status),
    label, make("span", {class: "track"}, bar), make("span", {class: "took quiet small"},
      time(one.took)));
}

function inspect(where, execution, name, own, visit, choose) {
  const definition = data.definitions[execution.machine]?.[name];
  const parts = [make("div", {class: "heading"}, make("h3", {}, name),
    visit ? pill(SAID[visit.state.status], TONES[visit.state.status]) : pill("not entered", "plain"))];
  if (own.length > 1)
    parts.push(make("div", {class: "heading small"}, make("span", {class: "quiet"},
      `entered ${own.length} times:`), own.slice(0, 30).map((one, place) => make("button",
      {class: "plain-button", type: "button", "aria-pressed": String(one === visit),
        onclick: () => choose(one)}, String(place + 1)))));
  if (visit) parts.push(...visited(visit.state));
  if (definition) parts.push(folded("Definition", !visit, value(definition)));
  where.replaceChildren(...parts);
}

function visited(state) {
  const facts = [["type", state.type], ["began", `after ${time(state.at)}`],
    ["took", time(state.took)]];
  if (state.items) facts.push(["items", state.counts
    ? Object.entries(state.counts).map(([key, count]) => `${key} ${count}`).join(", ")
    : String(state.items)]);
  const parts = [make("dl", {class: "facts small"},
    facts.flatMap(([key, text]) => [make("dt", {}, key), make("dd", {}, text)]))];
  if (state.error) parts.push(problem(state));
  if (state.tries?.length > 1) parts.push(folded(`Tries (${state.tries.length})`, true,
    make("ol", {class: "small"}, state.tries.map(one => make("li", {},
      `after ${time(one.at)}: `, one.error ? make("b", {class: "tone-bad"}, one.error)
        : one.took === undefined ? "at work" : "succeeded", ...because(one.cause))))));
  parts.push(folded("Input", true, value(data.texts[state.input])));
  if (state.output !== undefined) parts.push(folded("Output", true, value(data.texts[state.output])));
  if (state.variables !== undefined)
    parts.push(folded("Assigned variables", false, value(data.texts[state.variables])));
  return parts;
}

const problem = one => make("div", {class: "problem"}, make("p", {}, make("b", {}, one.error)),
  ...because(one.cause));

// A function's own cause is JSON: its message says most, its stack trace waits below.
function because(cause) {
  if (!cause) return [];
  try {
    const {errorMessage, stackTrace} = JSON.parse(cause);
    if (errorMessage === undefined) throw cause;
    return [make("p", {class: "small"}, String(errorMessage)), !stackTrace?.length ? ""
      : folded("Stack trace", false, make("pre", {tabindex: "0"}, stackTrace.join("")))];
  } catch {
    return [make("p", {class: "small"}, cause)];
  }
}

function item(where, {child, place}) {
  const parts = [make("div", {class: "heading"}, make("h3", {}, `Item ${child.index ?? place}`),
    pill(SAID[child.status] || child.status, TONES[child.status] || "plain")),
  make("p", {class: "quiet small"}, time(child.took))];
  if (child.note) parts.push(make("p", {class: "quiet small"}, child.note));
  if (child.error) parts.push(problem(child));
  if (child.input !== undefined) parts.push(folded("Input", true, value(data.texts[child.input])));
  if (child.output !== undefined)
    parts.push(folded("Output", true, value(data.texts[child.output])));
  where.replaceChildren(...parts);
}

// ---- the time line, and the totals

function timeLine() {
  const entries = [...data.entries].sort((a, b) => a.started - b.started);
  const start = Math.min(...entries.map(entry => entry.started));
  const ends = entry => entry.started + (entry.took ?? Date.now() - entry.started);
  const whole = Math.max(...entries.map(ends)) - start || 1;
  return [make("h2", {}, "Time line"), panel(`${entries.length} in ${time(whole)}`, [],
    make("div", {class: "steps"}, entries.map(entry => {
      const bar = make("span", {class: `bar ${entry.tone}`});
      bar.style.left = `${(entry.started - start) / whole * 100}%`;
      bar.style.width = `${(ends(entry) - entry.started) / whole * 100}%`;
      return make("a", {class: "step", href: `#s/${entry.id}`},
        markOf(entry), make("span", {class: "label"}, entry.name), make("span", {class: "track"}, bar),
        make("span", {class: "took quiet small"}, time(entry.took)));
    })))];
}

function totals() {
  const cards = (data.totals || []).map(figures);
  if (data.reconciled)
    cards.push(panel("Reconciliation", [pill(data.reconciled.balanced ? "balanced" : "not balanced",
      data.reconciled.balanced ? "good" : "bad")], make("div", {class: "inner"},
      data.reconciled.lines.map(line => make("div", {}, line)))));
  return [make("h2", {}, "Totals"), cards.length ? make("div", {class: "cards"}, cards)
    : make("p", {class: "quiet"}, "Nothing is added up here.")];
}

function figures(one) {
  const numbers = one.rows.map(([, text]) => Number(text.replaceAll(",", "")) || 0);
  const most = Math.max(...numbers, 1);
  return panel(one.title, [], make("table", {}, make("tbody", {},
    one.rows.map(([label, text, level], place) => {
      const bar = make("span", {class: "bar info"});
      bar.style.width = `${numbers[place] / most * 100}%`;
      return make("tr", {}, make("td", {class: `label-${level}`}, label),
        one.bars ? make("td", {class: "share"}, make("div", {class: "track"}, bar)) : "",
        make("td", {class: "figure"}, text));
    }))));
}

// ---- where we are

function first() {
  if (isLive) return data.entries[0];
  return data.entries.find(entry => !entry.ok) ||
    [...data.entries].sort((a, b) => steps(b) - steps(a))[0];
}

const steps = entry => Math.max(0, ...entry.executions.map(
  number => (data.executions[number].states || []).length));

function show() {
  const where = decodeURIComponent(location.hash.slice(1));
  const main = document.querySelector("main"), detail = document.getElementById("detail");
  const entry = data.entries.find(one => one.id === where.slice(2)), view = entry ? "scenarios" : where || "scenarios";
  main.classList.toggle("wide", view === "time" || view === "totals");
  main.classList.toggle("one", Boolean(entry));
  showView();
  if (view === "time") detail.replaceChildren(...timeLine());
  else if (view === "totals") detail.replaceChildren(...totals());
  else {
    const chosen = entry || first();
    current = chosen?.id;
    detail.replaceChildren(...(chosen ? scenario(chosen) : [make("p", {}, isLive
      ? "No execution yet: send a file, or start a replay." : "Nothing was played.")]));
  }
  showCurrent();
}

// ---- following

let drawn = "";

// Draw anew what has changed, and leave everything else where it is.
function follow(fresh) {
  const seen = entry => entry && JSON.stringify(
    [entry, ...entry.executions.map(number => data.executions[number])]);
  const before = seen(data.entries.find(one => one.id === current));
  data = {definitions: data.definitions, ...fresh};
  const pane = document.querySelector(".pane"), focus = document.activeElement?.dataset?.state;
  const place = pane && [pane.scrollLeft, pane.scrollTop];
  const listed = JSON.stringify([data.entries, data.trouble]);
  if (listed !== drawn) {
    const row = document.activeElement?.dataset?.id;
    heading();
    rows();
    if (row) document.querySelector(`.row[data-id="${CSS.escape(row)}"]`)?.focus();
    drawn = listed;
  }
  const shown = location.hash ? data.entries.find(one => one.id === current) : first();
  if (location.hash === "#time" || seen(shown) !== before) {
    show();
    const again = document.querySelector(".pane");
    if (place && again) again.scrollTo(...place);
    if (focus) document.querySelector(`.state[data-state="${CSS.escape(focus)}"]`)?.focus();
  } else showView();
}

// The view of the top that is open.
function showView() {
  const where = decodeURIComponent(location.hash.slice(1));
  const view = where === "time" || where === "totals" ? where : "scenarios";
  for (const link of document.querySelectorAll("#top nav a"))
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
}

async function poll() {
  if (!document.hidden) {
    try {
      const fresh = await (await fetch("content")).json();
      if (fresh.redrawn) return location.reload();
      follow(fresh);
    } catch {
      follow({...data, trouble: "make view has ended"});
    }
  }
  setTimeout(poll, 1000);
}

heading();
list();
show();
window.addEventListener("hashchange", () => { show(); window.scrollTo(0, 0); });
if (isLive) setTimeout(poll, 1000);
