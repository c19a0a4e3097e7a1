// The client libraries, each as its own documentation uses it: connect, receive, resume after a cut, stop. In
// docs/CLIENTS.md is the same in a table.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

import { events as fetchEvents } from 'fetch-event-stream';

import { eventSourceClient, kClients, kClientsThatAsk } from '../e2e/harness/clients.js';
import { kBinary, start } from '../e2e/harness/command.js';
import { until } from '../e2e/harness/wait.js';
import { shows } from './harness/stage.js';

const kClosed = 2; // EventSource.CLOSED
// Not those of a preflight.
const endings = (text) => (text.match(/HTTP\/1\.1 204 No Content\r\n([^\r]+\r\n)*?Content-Type: text\/event-stream/g) ?? []).length;

// Opens a client on a channel of its own, publishes, cuts it off, publishes, closes it; opens another one,
// and finishes the channel. `connect(url, seen, stage, t)` pushes "event:data" onto `seen`, or `seen` is
// what it returns as `lines()`. Resolves with what was seen, in words.
async function play(t, stage, connect, { more = '', untyped = false, ends } = {}) {
  const { broker, proxy } = stage;
  proxy.keepText();
  const seen = [];
  const url = `${proxy.url}/events?channel=library${more}`;
  const open = async () => {
    const client = await connect(url, seen, stage, t);
    await stage.subscribers(1, 20);
    return client;
  };
  const typed = (event, data) => (untyped ? data : `${event}:${data}`);
  const arrives = async (...expected) => {
    await until(() => seen.length >= expected.length, () => `${expected} arrives; there is ${seen}`, 20);
    assert.deepEqual(seen, expected);
  };
  const first = await open();
  await broker.publish('library', 'one 一');
  await broker.publish('library', 'two\u2028', { event: 'tick' });
  const received = [typed('message', 'one 一'), typed('tick', 'two\u2028')];
  await arrives(...received);
  proxy.hold();
  proxy.cut();
  await broker.publish('library', 'missed 1');
  await broker.publish('library', 'missed 2');
  proxy.release();
  const resumed = [...received, typed('message', 'missed 1'), typed('message', 'missed 2')];
  await arrives(...resumed);
  await broker.publish('library', 'live');
  await arrives(...resumed, typed('message', 'live'));
  await first.close();
  await stage.subscribers(0);

  const second = await open();
  await broker.finish('library');
  await stage.subscribers(0);
  const end = await ends(second, () => endings(proxy.passed));
  await second.close();
  return `received ${received.length}, resumed after a cut with the 2 missed, closed and its slot was free; when the channel was finished, ${end}`;
}

// What a client does when its channel is finished, shown by facts.
const kStops = async ({ state }, refused) => {
  await until(() => state() === kClosed, 'it has closed', 20);
  assert.ok(refused() <= 1);
  return refused() === 0 ? 'its clean end was the end' : '204 stopped it';
};
const kAsksAgain = async (_client, refused) => {
  await until(() => refused() >= 2, 'it asks again', 20);
  return 'it asks again although it is answered 204';
};

for (const [name, connect] of Object.entries(kClients)) {
  if (name.startsWith('fetch')) continue;
  // The polyfill stumbles over an answer without a body, and takes that for a cut.
  const ends = name === 'event-source-polyfill' ? kAsksAgain : kStops;
  shows(name, (t, stage) => play(t, stage, connect, { ends }), { browserless: true });
}
for (const [name, connect] of Object.entries(kClientsThatAsk)) {
  shows(name, (t, stage) => play(t, stage, connect, { more: '&announce_position=always', ends: kStops }), { browserless: true });
}
shows('fetch and eventsource-parser, by hand', (t, stage) =>
  play(t, stage, kClients['fetch and eventsource-parser, by hand'], { ends: kAsksAgain }), { browserless: true });
shows('eventsource-client', (t, stage) => play(t, stage, async (url, seen) => {
  const unposed = { push: (text) => text.startsWith('~position') || seen.push(text) };
  return eventSourceClient(url, unposed);
}, { ends: kStops }), { browserless: true });

// fetch-event-stream yields the events of one answer; to go on is the program's part.
function fetchEventStream(url, seen) {
  const stop = new AbortController();
  const life = { done: false };
  (async () => {
    for (let id; !stop.signal.aborted;) {
      try {
        const answer = await fetch(url, { headers: id ? { 'Last-Event-ID': id } : {}, signal: stop.signal });
        if (answer.status === 204) break;
        id ??= answer.headers.get('Last-Event-ID');
        for await (const event of fetchEvents(answer, stop.signal)) {
          id = event.id ?? id;
          if (event.data !== undefined) seen.push(`${event.event ?? 'message'}:${event.data}`);
        }
      } catch { /* cut: again */ }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    life.done = true;
  })();
  return { close: () => stop.abort(), state: () => (life.done ? kClosed : 1) };
}
shows('fetch-event-stream', (t, stage) => play(t, stage, fetchEventStream, { ends: kStops }), { browserless: true });

// ---- programs that print a line an event

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// `words(url)`: the command and its arguments.
const program = (words) => (url, seen, _stage, t) => {
  const [command, ...args] = words(url);
  const running = start(command, args);
  t.after(() => running.child.kill('SIGKILL'));
  let text = '';
  running.child.stdout.on('data', (more) => {
    const lines = (text + more).split('\n');
    text = lines.pop();
    seen.push(...lines);
  });
  return { close: async () => { running.child.kill('SIGKILL'); await running.ended; }, ended: running.ended };
};
const kExits = async ({ ended }) => {
  assert.deepEqual(await ended, { code: 0, signal: null });
  return '204 ended the program (exit code 0)';
};
const kPrograms = { browserless: true };

for (const [name, file] of [["Python's own urllib", 'urllib_reader.py'], ['Python httpx', 'httpx_reader.py'], ['Python aiohttp', 'aiohttp_reader.py']]) {
  shows(name, (t, stage) => play(t, stage, program((url) => ['/usr/bin/python3', here(`readers/${file}`), url]), { ends: kExits }), kPrograms);
}
shows("PHP, Symfony's HttpClient", (t, stage) => play(t, stage, program((url) => ['php', here('readers/symfony_reader.php'), url]), { ends: kExits }), kPrograms);
shows('curl', (t, stage) => play(t, stage, program((url) => [here('readers/curl_reader'), url]), { untyped: true, ends: kExits }), kPrograms);
shows('fanfare tail', (t, stage) => play(t, stage, program((url) => [kBinary, 'tail', '--raw', '--url', new URL(url).origin, 'library']),
  { untyped: true, ends: kExits }), kPrograms);

// ---- in a page

// `source` is the text of a function (url, take) => {close, state}, run in a page.
const inPage = (source) => async (url, seen, stage, t) => {
  const page = await stage.open(t, 'empty');
  await page.exposeFunction('take', (text) => { seen.push(text); });
  await page.evaluate(async ([text, address]) => { window.client = await (0, eval)(text)(address, window.take); }, [source, url]);
  let state;
  const look = async () => { state = await page.evaluate(() => window.client.state()); };
  return {
    close: () => page.evaluate(() => window.client.close()),
    state: () => { look(); return state; },
  };
};
const eventSource = (make) => `async (url, take) => {
  const source = await (${make})(url);
  for (const type of ['message', 'tick', 'gap']) source.addEventListener(type, ({ data }) => take(type + ':' + data));
  return { close: () => source.close(), state: () => source.readyState };
}`;
const fetchEventSource = (options) => `async (url, take) => {
  const { fetchEventSource } = await import('/modules/@microsoft/fetch-event-source/lib/esm/index.js');
  const stop = new AbortController();
  let state = 1;
  fetchEventSource(url, { ...${JSON.stringify(options)}, openWhenHidden: true, signal: stop.signal, onerror: () => 50,
    onmessage: ({ event, data }) => take((event || 'message') + ':' + data) }).then(() => { state = 2; });
  return { close: () => stop.abort(), state: () => state };
}`;
const kParserInPage = `async (url, take) => {
  const { createParser } = await import('/modules/eventsource-parser/dist/index.js');
  const stop = new AbortController();
  let state = 1;
  let id;
  const run = async () => {
    const answer = await fetch(url, { headers: id ? { 'Last-Event-ID': id } : {}, signal: stop.signal });
    if (answer.status === 204) { state = 2; return; }
    id ??= answer.headers.get('Last-Event-ID');
    const parser = createParser({ onEvent: (event) => { id = event.id ?? id; take((event.event ?? 'message') + ':' + event.data); } });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part; !(part = await reader.read()).done;) parser.feed(part.value);
  };
  const again = () => { if (state === 1 && !stop.signal.aborted) run().catch(() => {}).then(() => setTimeout(again, 50)); };
  again();
  return { close: () => stop.abort(), state: () => state };
}`;

const kInPages = [
  ['EventSource of Chromium', eventSource('(url) => new EventSource(url)'), { ends: kStops }],
  ['eventsource 4 in a page', eventSource("async (url) => new (await import('/modules/eventsource-4/dist/index.js')).EventSource(url)"), { ends: kStops }],
  ['event-source-polyfill in a page', eventSource(
    "async (url) => { await import('/modules/event-source-polyfill/src/eventsource.js'); return new EventSourcePolyfill(url); }"), { ends: kStops }],
  ['reconnecting-eventsource', eventSource(
    "async (url) => new (await import('/modules/reconnecting-eventsource/build/esm/reconnecting-eventsource.js')).default(url)"), { ends: kAsksAgain }],
  ['sse.js', eventSource(
    "async (url) => new (await import('/modules/sse.js/lib/sse.js')).SSE(url, { autoReconnect: true, reconnectDelay: 50 })"),
  { more: '&announce_position=always', ends: kAsksAgain }],
  ['fetch-event-source', fetchEventSource({}), { ends: kStops }],
  ['fetch-event-source by POST', fetchEventSource({ method: 'POST' }), { ends: kStops }],
  ['eventsource-parser 4 in a page', kParserInPage, { ends: kStops }],
];
for (const [name, source, how] of kInPages) shows(name, (t, stage) => play(t, stage, inPage(source), how));
