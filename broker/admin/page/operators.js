// The operators' page: who is connected, the channels, and a look at what one of them carries. What
// arrives is never put into the page as HTML.
import { amount, clock, count, memory, span } from '/assets/figures.js';
import { Language } from '/assets/language.js';
import { words } from '/assets/operators.words.js';

const kPage = 100;
const kEveryMs = 2_000;
const kSeenMax = 500;
const kNone = '–';
const kTabs = ['connections', 'channels', 'debug'];
const kStates = ['live', 'catching_up', 'blocked', 'leaving', 'greeting', 'reading', 'waiting', 'answering', 'idle'];

const at = (id) => document.getElementById(id);
const element = (name, text = '', className = '') => {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
};

const language = new Language(words, () => {
  offerStates();
  tables.connections.head();
  tables.channels.head();
  refresh();
});
const say = (key, values) => language.say(key, values);
const stateWord = (state) => say(state === 'live' ? 'live_state' : state);
const roundTrip = (ms) => (ms < 0.01 ? '<\u202f0.01' : ms.toFixed(ms < 10 ? 2 : 0)) + '\u202fms';
const lasting = (ms) => (ms < 1000 ? `${ms}\u202fms` : span(ms / 1000, language.name));

function problem(text) {
  at('problem').hidden = !text;
  at('problem').textContent = text ?? '';
}

// The answer as JSON; what is refused is a sentence.
async function ask(path, method = 'GET') {
  let answer;
  try {
    answer = await fetch(path, { method });
  } catch {
    throw new Error(say('away'));
  }
  const text = await answer.text();
  let body = {};
  try { body = JSON.parse(text); } catch { body = { error: text.trim() }; }
  if (!answer.ok) throw new Error(body.error ?? `${answer.status}`);
  return body;
}

// A table of rows that the broker sorts, filters and pages.
class Table {
  // `columns`: {key, sort?, cell(row): element}
  constructor(name, { sort, columns, filter, rowsOf }) {
    Object.assign(this, { name, sort, columns, filter, rowsOf, descending: true, offset: 0, next: null });
    at(`${name}-filter`).addEventListener('submit', (event) => {
      event.preventDefault();
      this.offset = 0;
      refresh();
    });
    at(`${name}-back`).addEventListener('click', () => { this.offset = Math.max(0, this.offset - kPage); refresh(); });
    at(`${name}-next`).addEventListener('click', () => { this.offset = this.next ?? this.offset; refresh(); });
  }

  head() {
    at(`${this.name}-head`).replaceChildren(...this.columns.map((column) => {
      const head = element('th', '', column.className ?? '');
      if (!column.sort) {
        head.textContent = column.key ? say(column.key) : '';
        return head;
      }
      const mine = column.sort === this.sort;
      if (mine) head.setAttribute('aria-sort', this.descending ? 'descending' : 'ascending');
      const button = element('button', say(column.key) + (mine ? (this.descending ? ' ↓' : ' ↑') : ''));
      button.type = 'button';
      button.addEventListener('click', () => {
        this.descending = column.sort === this.sort ? !this.descending : true;
        this.sort = column.sort;
        this.offset = 0;
        this.head();
        refresh();
      });
      head.append(button);
      return head;
    }));
  }

  async refresh() {
    const query = new URLSearchParams({ sort: `${this.descending ? '-' : ''}${this.sort}`, limit: kPage, offset: this.offset });
    for (const [key, value] of new FormData(at(`${this.name}-filter`))) if (value.trim() !== '') query.set(key, value.trim());
    const list = await ask(`/api/${this.name}s?${query}`);
    const rows = this.rowsOf(list);
    this.next = list.next;
    at(`${this.name}-count`).textContent = rows.length === 0 ? say('none')
      : say('count', { from: list.offset + 1, to: list.offset + rows.length, total: count(list.total, language.name) });
    at(`${this.name}-back`).disabled = list.offset === 0;
    at(`${this.name}-next`).disabled = list.next === null;
    at(`${this.name}-rows`).replaceChildren(...rows.map((row) => {
      const line = element('tr');
      line.append(...this.columns.map((column) => {
        const cell = element('td', '', column.className ?? '');
        column.fill(cell, row);
        cell.dataset.label = column.key ? say(column.key) : ''; // of a card, where no head stands above it
        cell.classList.toggle('none', cell.textContent === kNone);
        return cell;
      }));
      return line;
    }));
  }
}

const text = (of, more = {}) => ({ ...more, fill: (cell, row) => { cell.textContent = of(row) ?? kNone; } });
const number = (of, more = {}) => text(of, { className: 'n', ...more });
const ofTcp = (of) => (row) => (row.tcp ? of(row.tcp) : null);

function fillState(cell, row) {
  cell.append(element('span', stateWord(row.state), `state ${row.state}`));
}
function fillLag(cell, row) {
  cell.textContent = count(row.lag_events, language.name) + (row.lag_at_least ? '+' : '');
  cell.classList.toggle('late', row.lag_events > 0);
}
function channelsOf(row) {
  const left = row.channels_total - row.channels.length;
  return row.channels.join(' ') + (left > 0 ? ` ${say('more', { count: left })}` : '');
}
function fillClose(cell, row) {
  const button = element('button', say('close'));
  button.type = 'button';
  button.addEventListener('click', () => offerToClose(row));
  cell.append(button);
}
function fillLook(cell, row) {
  const button = element('button', say('look'));
  button.type = 'button';
  button.addEventListener('click', () => {
    at('watch').channel.value = row.name;
    at('publish').channel.value = row.name;
    show('debug');
    watch();
  });
  cell.append(button);
}

const tables = {
  connections: new Table('connection', {
    sort: 'lag',
    rowsOf: (list) => list.connections,
    columns: [
      { key: 'state', className: 'state-of', fill: fillState },
      text((row) => row.address, { key: 'client', sort: 'address', className: 'who' }),
      { key: 'lag', sort: 'lag', className: 'n', fill: fillLag },
      number((row) => (row.lag_events > 0 ? lasting(row.lag_ms) : null), { key: 'lag_ms', sort: 'lag_ms' }),
      number((row) => memory(row.queued_bytes), { key: 'queued', sort: 'queued' }),
      number(ofTcp((tcp) => memory(tcp.unacked_bytes)), { key: 'socket' }),
      number(ofTcp((tcp) => roundTrip(tcp.rtt_ms)), { key: 'rtt' }),
      number(ofTcp((tcp) => count(tcp.retransmits, language.name)), { key: 'retransmits' }),
      number(ofTcp((tcp) => memory(tcp.sent_bytes)), { key: 'sent' }),
      number((row) => lasting(row.age_ms), { key: 'age', sort: 'age' }),
      text((row) => `${row.protocol ?? '–'}${row.tls ? ' · TLS' : ''}`, { key: 'protocol' }),
      text((row) => row.subject, { key: 'subject' }),
      text(channelsOf, { key: 'streams', className: 'rest wide' }),
      { className: 'act', fill: fillClose },
    ],
  }),
  channels: new Table('channel', {
    sort: 'rate',
    rowsOf: (list) => list.channels,
    columns: [
      text((row) => row.name, { key: 'name', sort: 'name', className: 'rest who' }),
      number((row) => amount(row.events_s, language.name), { key: 'rate', sort: 'rate' }),
      number((row) => count(row.subscribers, language.name), { key: 'subscribers', sort: 'subscribers' }),
      number((row) => count(row.published, language.name), { key: 'published', sort: 'published' }),
      number((row) => count(row.events, language.name), { key: 'events', sort: 'events' }),
      number((row) => memory(row.bytes), { key: 'bytes', sort: 'bytes' }),
      { className: 'act', fill: fillLook },
    ],
  }),
};

function offerStates() {
  const select = at('connection-filter').elements.state;
  const chosen = select.value;
  select.replaceChildren(...['', ...kStates].map((state) => {
    const option = element('option', state === '' ? say('any') : stateWord(state));
    option.value = state;
    return option;
  }));
  select.value = chosen;
}

// Closing ---------------------------------------------------------------------------------------
function offerToClose(row) {
  const dialog = at('closing');
  const host = row.address.startsWith('unix:') ? 'unix:' : row.address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  at('closing-what').textContent = say('close_what', row);
  at('closing-all').textContent = say('close_all', { address: host });
  dialog.returnValue = 'no';
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'one' && dialog.returnValue !== 'all') return;
    const query = new URLSearchParams();
    for (const [key, value] of new FormData(dialog.querySelector('form'))) if (value.trim() !== '') query.set(key, value.trim());
    try {
      if (dialog.returnValue === 'all') query.set('address', host);
      const path = dialog.returnValue === 'all' ? '/api/close' : `/api/connections/${row.id}/close`;
      const { closed } = await ask(`${path}?${query}`, 'POST');
      problem(null);
      await refresh();
      at('connection-count').textContent = say('closed', { count: closed });
    } catch (error) {
      problem(error.message);
    }
  };
  dialog.showModal();
}

// Watching and publishing -----------------------------------------------------------------------
let source = null;

function seen(cells, className = '') {
  const line = element('tr', '', className);
  line.append(...cells.map((cell, i) => element('td', cell, i === cells.length - 1 ? 'rest' : '')));
  at('seen').prepend(line);
  while (at('seen').children.length > kSeenMax) at('seen').lastChild.remove();
}

function stop() {
  source?.abort();
  source = null;
  at('watch-button').textContent = say('watch');
  at('watch-state').textContent = '';
}

// Lines of JSON have the channel and the type of each event, whatever that is called; an EventSource would have to know the types.
async function watch() {
  stop();
  const channel = at('watch').channel.value.trim();
  if (channel === '') return;
  const mine = new AbortController();
  source = mine;
  at('watch-button').textContent = say('stop');
  let id = '';
  while (source === mine) {
    try {
      const query = new URLSearchParams({ channel, format: 'json' });
      if (id === '') query.set('replay', 10);
      const answer = await fetch(`/api/watch?${query}`, { signal: mine.signal, headers: id === '' ? {} : { 'Last-Event-ID': id } });
      if (!answer.ok) {
        problem(JSON.parse(await answer.text()).error);
        return stop();
      }
      problem(null);
      at('watch-state').textContent = say('watching');
      let rest = '';
      for (const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (rest + value).split('\n');
        rest = lines.pop();
        for (const line of lines) if (line.trim() !== '') id = take(JSON.parse(line)) ?? id;
      }
    } catch {
      if (source !== mine) return;
    }
    if (source !== mine) return;
    at('watch-state').textContent = say('reconnecting');
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

// One line of the stream; returns the id to come back with.
function take(line) {
  const now = clock(Date.now());
  if (line.gap) seen([now, line.gap.resumed, '', say('gap'), `${line.gap.reason}: ${line.gap.after} … ${line.gap.resumed}`], 'gap');
  if (line.channel !== undefined) {
    const data = typeof line.data === 'string' ? line.data : JSON.stringify(line.data);
    seen([now, line.id ?? '', line.channel, line.event ?? line.type ?? '', data]);
  }
  return line.id;
}

at('watch').addEventListener('submit', (event) => {
  event.preventDefault();
  if (source) stop();
  else watch();
});
at('watch-clear').addEventListener('click', () => at('seen').replaceChildren());
at('publish').addEventListener('submit', async (event) => {
  event.preventDefault();
  const query = new URLSearchParams();
  for (const [key, value] of new FormData(at('publish'))) if (value !== '') query.set(key, value);
  try {
    at('publish-state').textContent = say('published_to', await ask(`/api/publish?${query}`, 'POST'));
    problem(null);
  } catch (error) {
    problem(error.message);
  }
});

// Tabs ------------------------------------------------------------------------------------------
let shown = null;

function show(name) {
  shown = name;
  history.replaceState(null, '', `#${name}`);
  for (const tab of kTabs) {
    at(tab).hidden = tab !== name;
    at(`tab-${tab}`).setAttribute('aria-selected', String(tab === name));
    at(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
  }
  problem(null);
  refresh();
}

for (const tab of kTabs) at(`tab-${tab}`).addEventListener('click', () => show(tab));
at('tabs').addEventListener('keydown', ({ key }) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (!step) return;
  const next = kTabs[(kTabs.indexOf(shown) + step + kTabs.length) % kTabs.length];
  show(next);
  at(`tab-${next}`).focus();
});

let asking = false;
async function refresh() {
  const table = tables[shown];
  if (!table || asking) return;
  asking = true;
  try {
    await table.refresh();
    problem(null);
  } catch (error) {
    problem(error.message);
  } finally {
    asking = false;
  }
}

offerStates();
tables.connections.head();
tables.channels.head();
show(kTabs.includes(location.hash.slice(1)) ? location.hash.slice(1) : 'connections');
setInterval(() => { if (!document.hidden && !at('closing').open) refresh(); }, kEveryMs);
