// The data screen: a page like any application's. It reads metrics/** with an ordinary EventSource
// from the broker's public listener, which is another origin than this page, and shows what the
// stream does: ids, reconnections, what was caught up, and gaps.
import { TimeChart, timeRange } from '/assets/chart.js';
import { axisByteRate, axisMemory, byteRateParts, clock, count, memory, memoryParts, plain, roundUp, span } from '/assets/figures.js';
import { Gaps, History } from '/assets/history.js';
import { Lamp } from '/assets/lamp.js';
import { Language } from '/assets/language.js';
import { Journal, Tape } from '/assets/screen.stream.js';
import { words } from '/assets/screen.words.js';
import { Stream } from '/assets/stream.js';

const kChannel = 'metrics/**';
const kReplay = 3000; // ten minutes of five channels, once a second

const at = (id) => document.getElementById(id);
const set = (id, text) => {
  const element = at(id);
  if (element.textContent !== text) element.textContent = text;
};

// What each kind of event is known by, its history, and the values that are kept of it.
const kinds = {
  cpu: { known: (e) => Array.isArray(e.cores), history: new History(1), values: (e) => [e.total] },
  memory: { known: (e) => 'cached' in e, history: new History(2), values: (e) => [e.used, e.used + e.cached] },
  network: { known: (e) => 'rx_bps' in e, history: new History(2), values: (e) => [e.rx_bps, -e.tx_bps] },
  disk: { known: (e) => 'read_bps' in e, history: new History(2), values: (e) => [e.read_bps, -e.write_bps] },
  load: { known: (e) => 'load1' in e, history: new History(3), values: (e) => [e.load1, e.load5, e.load15] },
};
const latest = {};
const counts = { events: 0, caughtUp: 0, gaps: 0 };
const gaps = new Gaps();
const charts = [];
let stream = null;
let lamp = null;
let lastMs = 0; // of the newest event of any kind
let lastId = '';
let cursorMs = null;
let due = false;

const language = new Language(words, () => {
  for (const chart of charts) chart.rebuild();
  draw();
});
const say = (key, values) => language.say(key, values);
const lasting = (ms) => span(Math.max(1, Math.round(ms / 1000)), language.name);
const journal = new Journal(at('journal'), language);
const tape = new Tape(at('tape'), language);

function take(event, { id, late }) {
  const name = Object.keys(kinds).find((kind) => kinds[kind].known(event));
  if (!name) return;
  const kind = kinds[name];
  gaps.end(event.t);
  kind.history.add(event.t, kind.values(event));
  latest[name] = event;
  lastMs = Math.max(lastMs, event.t);
  lastId = id;
  ++counts.events;
  tape.add({ id, name, late, event });
  schedule();
}

function onState(state) {
  if (state === 'away' || state === 'silent' || state === 'refused') journal.add(state);
  schedule();
}

function onGap(gap) {
  ++counts.gaps;
  gaps.begin(lastMs, gap);
  journal.add('gap', { ...gap, reason: say(`gap_${gap.reason}`), reasonKey: gap.reason });
  schedule();
}

function onRecovered(recovery) {
  lamp.report(recovery);
  if (recovery.awayMs === 0) {
    journal.add('live', { count: recovery.caughtUp });
    return;
  }
  counts.caughtUp += recovery.caughtUp;
  if (!recovery.gap) journal.add('recovered', { count: recovery.caughtUp, ms: recovery.awayMs });
  schedule();
}

// The address of the public listener -----------------------------------------------------------
function addressOf({ addresses }) {
  const urls = addresses.map(({ address, any_host: anyHost }) =>
    anyHost ? `${location.hostname}:${address.slice(address.lastIndexOf(':') + 1)}` : address,
  );
  return urls.find((url) => url.startsWith(`${location.hostname}:`)) ?? urls[0];
}

async function begin() {
  let found;
  try {
    found = await (await fetch('/screen.json')).json();
  } catch {
    setTimeout(begin, 2000); // the broker was stopped in just this moment
    return;
  }
  const address = addressOf(found);
  set('address', address ?? '—');
  if (!address) return; // subscribers connect to a Unix socket, which no page reaches
  const channel = encodeURIComponent(kChannel);
  stream = new Stream({
    url: `http://${address}/events?channel=${channel}&replay=${kReplay}`,
    gapEvent: found.gap_event,
    types: Object.keys(kinds),
    onEvent: take,
    onGap,
    onRecovered,
    onState,
  });
  lamp = new Lamp(at('lamp'), stream, language);
  schedule();
}

// Charts --------------------------------------------------------------------------------------
const now = () => stream?.now() ?? Date.now();
const away = () => stream && ['away', 'refused', 'silent'].includes(stream.state);
const shared = {
  range: () => timeRange(Math.min(...Object.values(kinds).map(({ history }) => history.firstMs)), now()),
  curtains: () => gaps.curtains(now(), away() ? lastMs : 0, curtainName),
  onCursor: (ms) => ((cursorMs = ms), schedule()),
};

function curtainName(gap, ms) {
  return gap ? say('curtain_gap', { reason: say(`gap_${gap.reason}`) }) : say('curtain_away', { for: lasting(ms) });
}

function chart(name, options) {
  charts.push(new TimeChart(at(`plot-${name}`), { ...shared, data: () => kinds[name].history.columns, ...options }));
}

// Up and down from one zero line, both sides on the same scale.
function mirrored(name, colour, least) {
  const { history } = kinds[name];
  const up = () => history.highest(1);
  const down = () => -history.lowest(2);
  chart(name, {
    series: [{ colour, width: 2, fill: 0.34 }, { colour, width: 1.4, fill: -0.2 }],
    top: () => roundUp(Math.max(up(), down() / 6), least),
    bottom: () => -roundUp(Math.max(down(), up() / 6), least),
    format: (value) => axisByteRate(Math.abs(value)),
  });
}

chart('cpu', { series: [{ colour: '#5cc8ff', width: 2.2, fill: 0.38 }], top: () => 100, format: (value) => `${value} %`, named: true });
chart('memory', {
  series: [{ colour: '#e7a1d0', width: 2.2, fill: 0.4 }, { colour: '#e7a1d0', width: 1.2, fill: 0.12, dash: [4, 4] }],
  top: () => latest.memory?.total ?? 1,
  format: (value) => (latest.memory ? axisMemory(value) : ''),
});
mirrored('network', '#3fe0b0', 10_000);
mirrored('disk', '#ffc24b', 100_000);
chart('load', {
  series: [{ colour: '#c3d0df', width: 2.2 }, { colour: '#8fa3bb', width: 1.6, dash: [6, 4] }, { colour: '#71849b', width: 1.4, dash: [2, 4] }],
  top: () => roundUp(kinds.load.history.highest(1, 2, 3), 1),
  format: plain,
  times: true,
});

// Figures -------------------------------------------------------------------------------------
function big(id, [text, unit]) {
  const element = at(id);
  const shown = `${text} ${unit}`;
  if (element.dataset.text === shown) return;
  element.dataset.text = shown;
  const small = document.createElement('span');
  small.className = 'unit';
  small.textContent = unit;
  element.replaceChildren(text, small);
}

const fixed = (value, digits) => (value == null ? '–' : value.toFixed(digits));

function drawFigures() {
  const past = cursorMs !== null && lastMs > 0;
  document.body.classList.toggle('past', past);
  const row = (name) => (past && kinds[name].history.at(cursorMs)) || (latest[name] ? kinds[name].values(latest[name]) : []);
  const [total] = row('cpu');
  big('cpu', [fixed(total, total >= 10 ? 0 : 1), total == null ? '' : '%']);
  big('memory', memoryParts(row('memory')[0]));
  const [rx, tx] = row('network');
  big('rx', byteRateParts(rx));
  big('tx', byteRateParts(tx));
  const [read, written] = row('disk');
  big('read', byteRateParts(read));
  big('written', byteRateParts(written));
  const [one, five, fifteen] = row('load');
  big('load', [fixed(one, 2), '']);
  const { processes } = latest.load ?? {};
  set('load-sub', latest.load ? say('load_sub', { five: fixed(five, 2), fifteen: fixed(fifteen, 2) }) : '');
  set('processes', processes ? say('processes', { count: count(processes, language.name) }) : '');
  set('memory-sub', latest.memory ? say('memory_sub', { total: memory(latest.memory.total), cached: memory(latest.memory.cached) }) : '');
  drawCores(latest.cpu?.cores ?? []);
}

function drawCores(cores) {
  const element = at('cores');
  element.classList.toggle('many', cores.length > 24);
  while (element.children.length < cores.length) {
    const core = document.createElement('i');
    core.append(document.createElement('b'));
    element.append(core);
  }
  while (element.children.length > cores.length) element.lastChild.remove();
  cores.forEach((part, i) => {
    element.children[i].firstChild.style.height = `${Math.min(100, Math.max(3, part))}%`;
  });
}

function drawStream() {
  const dash = lastId.lastIndexOf('-');
  if (at('last-id').dataset.id !== lastId && lastId) {
    at('last-id').dataset.id = lastId;
    const epoch = document.createElement('span');
    epoch.textContent = lastId.slice(0, dash + 1);
    at('last-id').replaceChildren(epoch, lastId.slice(dash + 1));
  }
  set('count-events', count(counts.events, language.name));
  set('count-caught-up', count(counts.caughtUp, language.name));
  set('count-gaps', count(counts.gaps, language.name));
  at('count-gaps').parentElement.classList.toggle('some', counts.gaps > 0);
  const hint = stream?.state === 'refused' && !stream.everOpened ? 'hint_refused' : stream?.state === 'waiting' ? 'hint_waiting' : 'hint';
  set('hint', say(hint, { channel: kChannel, origin: location.origin }));
}

// Once a frame at most ------------------------------------------------------------------------
function schedule() {
  if (due) return;
  due = true;
  requestAnimationFrame(draw);
}

function draw() {
  due = false;
  lamp?.show();
  document.body.classList.toggle('stale', stream?.state !== 'live');
  set('clock', clock(cursorMs ?? Date.now()));
  for (const chart of charts) chart.redraw();
  drawFigures();
  drawStream();
  journal.show();
  tape.show();
}

let resizing = 0;
new ResizeObserver(() => {
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    for (const chart of charts) chart.rebuild();
    schedule();
  }, 120);
}).observe(at('vitals'));
setInterval(schedule, 1000);
document.fonts.ready.then(() => charts.forEach((chart) => chart.rebuild()));
begin();
schedule();
