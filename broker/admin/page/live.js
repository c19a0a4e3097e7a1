// The live page: one event a second from the broker's own channel becomes five rows of figures and
// charts, two tables and a few facts. What arrives is never put into the page as HTML.
import { TimeChart, timeRange } from '/assets/chart.js';
import { amount, amountParts, axisAmount, byteRate, clock, count, countParts, latencyPair, memory, plain, roundUp, span } from '/assets/figures.js';
import { Gaps, History } from '/assets/history.js';
import { Lamp } from '/assets/lamp.js';
import { Language } from '/assets/language.js';
import { calmReasons, words } from '/assets/live.words.js';
import { Stream } from '/assets/stream.js';

const kWindowMs = 600_000;
const kBusiestRows = 10;
const kClosesRows = 9;
// Columns of the history.
const [kSubscribers, kEvents, kDeliveries, kP50, kP99, kLag] = [1, 2, 3, 4, 5, 6];

const at = (id) => document.getElementById(id);
const set = (id, text) => {
  const element = at(id);
  if (element.textContent !== text) element.textContent = text;
};

const history = new History(6);
const gaps = new Gaps();
const closes = []; // newest first
const closedCounts = []; // {t, reason, count}
const busyness = new Map(); // channel name -> smoothed rate, for a table that does not jump
let latest = null;
let cursorMs = null;
let due = false;

const language = new Language(words, () => {
  for (const chart of charts) chart.rebuild();
  draw();
});
const say = (key, values) => language.say(key, values);

const stream = new Stream({
  url: '/events?replay=600',
  gapEvent: 'gap',
  types: [],
  onEvent: take,
  onGap: (gap) => gaps.begin(history.lastMs, gap),
  onRecovered: (recovery) => lamp.report(recovery),
  onState: () => schedule(),
});
const lamp = new Lamp(at('lamp'), stream, language);

function take(event) {
  if (!event.now || !event.rate) return;
  latest = event;
  gaps.end(event.t);
  history.add(event.t, [
    event.now.subscribers,
    event.rate.events,
    event.rate.deliveries,
    event.latency?.p50_ms ?? null,
    event.latency?.p99_ms ?? null,
    event.now.lag_events,
  ]);
  for (const [reason, number] of Object.entries(event.closed)) closedCounts.push({ t: event.t, reason, number });
  while (closedCounts.length > 0 && closedCounts[0].t < event.t - kWindowMs) closedCounts.shift();
  for (const close of event.closes) closes.unshift(close);
  closes.length = Math.min(closes.length, kClosesRows);
  smooth(event.busiest);
  schedule();
}

function smooth(channels) {
  for (const [name, rate] of busyness) busyness.set(name, rate * 0.8);
  for (const { name, events_s: rate } of channels) busyness.set(name, (busyness.get(name) ?? 0) + 0.2 * (rate ?? 0));
  for (const [name, rate] of busyness) if (rate < 1e-4 && !channels.some((c) => c.name === name)) busyness.delete(name);
}

// Charts --------------------------------------------------------------------------------------
const column = (index) => [history.columns[0], history.columns[index]];
const range = () => timeRange(history.firstMs, stream.now());
const awaySince = () => (stream.state === 'away' || stream.state === 'refused' || stream.state === 'silent' ? history.lastMs : 0);
const curtains = () => gaps.curtains(stream.now(), awaySince(), curtainName);
const shared = { range, curtains, onCursor: (ms) => ((cursorMs = ms), schedule()) };

function curtainName(gap, ms) {
  const lasting = span(Math.max(1, Math.round(ms / 1000)), language.name);
  if (!gap) return say('curtain_away', { for: lasting });
  return say('curtain_gap', { reason: say(`gap_${gap.reason}`), for: lasting });
}

const numbers = (value) => axisAmount(value, language.name);
const single = (id, index, colour, least) =>
  new TimeChart(at(id), {
    ...shared,
    data: () => column(index),
    series: [{ colour, width: 2.2, fill: 0.3 }],
    top: () => roundUp(history.highest(index), least),
    format: numbers,
    named: index === kSubscribers,
    times: index === kLag,
  });

const charts = [
  single('plot-subscribers', kSubscribers, '#5cc8ff', 10),
  single('plot-events', kEvents, '#3fe0b0', 10),
  single('plot-deliveries', kDeliveries, '#ffc24b', 10),
  new TimeChart(at('plot-latency'), {
    ...shared,
    data: () => [history.columns[0], history.columns[kP99], history.columns[kP50]],
    series: [{ colour: '#e7a1d0', width: 2.2 }, { colour: '#e7a1d0', width: 1.4, dash: [5, 4] }],
    band: true,
    top: () => roundUp(history.highest(kP50, kP99), 1),
    format: (ms) => (ms === 0 ? '0' : ms >= 1000 ? `${plain(ms / 1000)} s` : `${plain(ms)} ms`),
  }),
  single('plot-lag', kLag, '#8fa3bb', 10),
];

// Figures -------------------------------------------------------------------------------------
function big(id, text, unit = '') {
  const element = at(id);
  if (element.dataset.text === `${text} ${unit}`) return;
  element.dataset.text = `${text} ${unit}`;
  const small = document.createElement('span');
  small.className = 'unit';
  small.textContent = unit;
  element.replaceChildren(text, small);
}

function drawFigures() {
  const row = cursorMs === null ? null : history.at(cursorMs);
  document.body.classList.toggle('past', row !== null);
  const { now, rate } = latest;
  const shown = row ?? [now.subscribers, rate.events, rate.deliveries, latest.latency?.p50_ms, latest.latency?.p99_ms, now.lag_events];
  big('subscribers', ...countParts(shown[0], language.name));
  big('events', ...amountParts(shown[1], language.name));
  big('deliveries', ...amountParts(shown[2], language.name));
  const [p50, p99, unit] = latencyPair(shown[3], shown[4]);
  big('p50', p50);
  big('p99', p99, unit);
  big('lag', ...amountParts(shown[5], language.name));
  document.querySelector('.vital.lag').classList.toggle('late', shown[5] > 0);

  set('subscribers-sub', say('subscribers_sub', { behind: count(now.behind, language.name), resumed: amount(rate.resumed, language.name) }));
  set('events-sub', say('events_sub', { bytes: byteRate(rate.event_bytes) }));
  const perSend = rate.sends > 0 ? (rate.deliveries / rate.sends).toFixed(1) : '–';
  set('deliveries-sub', say('deliveries_sub', { bytes: byteRate(rate.sent_bytes), per: perSend }));
  set('lag-sub', say('lag_sub'));
}

function meter(id, value, max, format) {
  const small = document.createElement('small');
  small.textContent = ` ${say('of', { max: format(max) })}`;
  const text = format(value);
  if (at(id).dataset.text !== text + small.textContent) {
    at(id).dataset.text = text + small.textContent;
    at(id).replaceChildren(text, small);
  }
  const part = max > 0 ? value / max : 0;
  at(`${id}-bar`).value = part;
  at(`${id}-bar`).classList.toggle('high', part > 0.9);
}

function drawFacts() {
  const { broker, now, process } = latest;
  meter('connections', now.connections, now.connections_max, (value) => count(value, language.name));
  meter('history', now.history_bytes, now.history_bytes_max, memory);
  set('memory', memory(process.resident_bytes));
  set('cpu', process.cpu_cores.toFixed(2));
  set('publishers', count(now.publishers, language.name));
  set('channels', count(now.channels, language.name));
  const shards = broker.shards === 1 ? say('shard_one') : say('shard_many', { count: broker.shards });
  const uptime = span(Math.floor(broker.uptime_s), language.name);
  drawMarked(at('facts'), language.words('facts'), { ...broker, shards, uptime });
}

// The words of a text with <b>…</b> as elements; the values only ever as text.
function drawMarked(element, text, values) {
  const filled = (part) => part.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
  const key = filled(text);
  if (element.dataset.text === key) return;
  element.dataset.text = key;
  element.replaceChildren(
    ...text.split(/(<b>.*?<\/b>)/).map((part) => {
      if (!part.startsWith('<b>')) return filled(part);
      const bold = document.createElement('b');
      bold.textContent = filled(part.slice(3, -4));
      return bold;
    }),
  );
}

// Tables --------------------------------------------------------------------------------------
function cell(text, className = '') {
  const element = document.createElement('td');
  element.textContent = text;
  element.className = className;
  return element;
}

// Always the same number of rows: what is below does not move.
function fill(id, rows, total, columns, empty) {
  const lines = rows.slice(0, total);
  if (lines.length === 0) lines.push([cell(empty, 'empty')]);
  const elements = lines.map((cells) => {
    const row = document.createElement('tr');
    if (cells.length < columns) cells[0].colSpan = columns;
    row.replaceChildren(...cells);
    return row;
  });
  at(id).replaceChildren(...elements);
}

function drawBusiest() {
  const channels = [...latest.busiest].sort((a, b) => busyness.get(b.name) - busyness.get(a.name) || (a.name < b.name ? -1 : 1));
  const most = Math.max(1e-9, ...channels.map((channel) => busyness.get(channel.name)));
  const rows = channels.map((channel) => {
    const name = cell(channel.name);
    const bar = document.createElement('span');
    bar.className = 'bar';
    bar.style.width = `${Math.max(0, (busyness.get(channel.name) / most) * 94)}%`;
    name.append(bar);
    return [name, cell(amount(channel.events_s, language.name), 'n'), cell(count(channel.subscribers, language.name), 'n')];
  });
  fill('busiest', rows, kBusiestRows, 3, say('no_channels'));
}

function drawCloses() {
  const rows = closes.map((close) => {
    const reason = cell(say(close.reason), calmReasons.has(close.reason) ? 'calm' : 'trouble');
    const what = document.createElement('small');
    what.textContent = close.topics || close.peer;
    reason.append(what);
    return [cell(clock(close.t)), reason, cell(span(close.lived_s, language.name))];
  });
  fill('closes', rows, kClosesRows, 3, say('no_closes'));
  const total = closedCounts.reduce((sum, { number }) => sum + number, 0);
  set('closes-sum', total > 0 ? say('closes_sum', { count: count(total, language.name) }) : '');
}

// Once a frame at most ------------------------------------------------------------------------
function schedule() {
  if (due) return;
  due = true;
  requestAnimationFrame(draw);
}

function draw() {
  due = false;
  lamp.show(latest?.broker.draining);
  document.body.classList.toggle('stale', stream.state !== 'live');
  set('clock', clock(cursorMs ?? Date.now()));
  for (const chart of charts) chart.redraw();
  if (!latest) return;
  drawFigures();
  drawFacts();
  drawBusiest();
  drawCloses();
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
schedule();
