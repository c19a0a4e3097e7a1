// The libraries with which people subscribe, cut before their first event: whatever is published
// until they are back reaches them, and nothing else does. docs/PROTOCOL.md (Position) says the same
// in a table.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launchAll, Pages } from './harness/browser.js';
import { Broker, request } from './harness/broker.js';
import { eventSourceClient, kClients, kClientsThatAsk } from './harness/clients.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { until } from './harness/wait.js';

let broker;
let pages;
let browsers;
let channels = 0;

before(async () => {
  pages = await Pages.start();
  browsers = await launchAll();
  broker = await Broker.start({
    set: ['delivery.retry=100ms', 'limits.heartbeat_min=1s', `cors.origins=${pages.origin}`],
  });
});
after(async () => {
  await browsers?.close();
  await broker?.stop();
  pages?.close();
});

// By an end, not a reset: what was sent before arrives.
const end = (proxy) => proxy.cut(1, () => 0.9);

// Where a stream is cut. After each cut the proxy holds clients that come back.
const kCuts = {
  'right behind its opening': async (proxy) => {
    proxy.hold();
    end(proxy);
  },
  'inside its first event': async (proxy, channel) => {
    proxy.cutBehind('data: first');
    proxy.hold();
    await broker.publish(channel, 'first');
    await until(() => proxy.pairs.size === 0, 'the proxy has cut');
  },
  'after some heartbeats': async (proxy) => {
    await until(() => (proxy.passed.match(/\r\n:\n\r\n/g) ?? []).length >= 2, 'two heartbeats have passed');
    proxy.hold();
    end(proxy);
  },
};

// `connect(url, seen)` through a proxy that is cut as `cut` says. Resolves with all that the
// application was given.
async function cutAndBack(context, connect, cut, more = '') {
  const channel = `clients/${++channels}`;
  const proxy = await CuttingProxy.start(broker.httpPort);
  proxy.keepText();
  const seen = [];
  const { close, began } = await connect(`${proxy.url}/events?channel=${channel}&heartbeat=1${more}`, seen);
  context.after(async () => {
    await close();
    proxy.close();
  });
  await until(() => /retry: \d+\n(.+\n)*\n?:\n/.test(proxy.passed) && (!began || began()), 'the stream is open');
  await kCuts[cut](proxy, channel);
  await broker.publish(channel, 'missed');
  proxy.release();
  await until(() => seen.includes('message:missed') || proxy.passed.split('HTTP/1.1 200').length > 2, 'it is back', 20);
  await broker.publish(channel, 'live');
  await until(() => seen.includes('message:live'), 'it goes on', 20);
  return seen;
}

const owed = (cut) => [...(cut.startsWith('inside') ? ['message:first'] : []), 'message:missed', 'message:live'];

for (const [name, connect] of Object.entries(kClients)) {
  for (const cut of Object.keys(kCuts)) {
    test(`${name}, cut ${cut}, loses nothing and sees nothing else`, { timeout: 60_000 }, async (t) => {
      assert.deepEqual(await cutAndBack(t, connect, cut), owed(cut));
    });
  }
}

for (const [name, connect] of Object.entries(kClientsThatAsk)) {
  for (const cut of Object.keys(kCuts)) {
    test(`${name}, cut ${cut}, loses nothing if it asks for its position`, { timeout: 60_000 }, async (t) => {
      assert.deepEqual(await cutAndBack(t, connect, cut, '&announce_position=always'), owed(cut));
    });
  }
}

// In a page: `source` is the text of a function (url, take, begin) => void; it calls `begin` when the
// opening has reached the page: a browser drops what it has not handed out when a connection ends.
const inPage = (source, browser) => async (url, seen) => {
  const page = await browsers[browser].newPage();
  let began = false;
  await page.exposeFunction('take', (text) => { seen.push(text); });
  await page.exposeFunction('begin', () => { began = true; });
  await page.goto(pages.origin);
  await page.evaluate(([text, address]) => (0, eval)(text)(address, window.take, window.begin), [source, url]);
  return { close: () => page.close(), began: () => began };
};

const eventSource = (make) => `async (url, take, begin) => {
  const source = await (${make})(url);
  source.addEventListener('~position', begin);
  source.onmessage = ({ type, data }) => take(type + ':' + data);
  source.onerror = () => {};
}`;
const fetchEventSource = (options) => `async (url, take, begin) => {
  const { fetchEventSource } = await import('/fetch-event-source/index.js');
  const watched = async (...request) => {
    const answer = await fetch(...request);
    const transform = (bytes, to) => { to.enqueue(bytes); setTimeout(begin); };
    return new Response(answer.body.pipeThrough(new TransformStream({ transform })), answer);
  };
  fetchEventSource(url, { ...${JSON.stringify(options)}, openWhenHidden: true, onerror: () => 50, fetch: watched,
    onmessage: ({ event, data }) => take((event || 'message') + ':' + data) });
}`;

const kInPages = {
  'EventSource of Chromium': [eventSource('(url) => new EventSource(url)')],
  'EventSource of Firefox': [eventSource('(url) => new EventSource(url)'), '', 'Firefox'],
  'eventsource 4 in a page': [eventSource("async (url) => new (await import('/modules/eventsource-4/dist/index.js')).EventSource(url)")],
  'event-source-polyfill in a page': [eventSource(
    "async (url) => { await import('/modules/event-source-polyfill/src/eventsource.js'); return new EventSourcePolyfill(url); }")],
  'reconnecting-eventsource': [eventSource(
    "async (url) => new (await import('/modules/reconnecting-eventsource/build/esm/reconnecting-eventsource.js')).default(url)")],
  'fetch-event-source': [fetchEventSource({})],
  'fetch-event-source by POST': [fetchEventSource({ method: 'POST' })],
  'sse.js that asks for its position': [eventSource(
    "async (url) => new (await import('/modules/sse.js/lib/sse.js')).SSE(url, { autoReconnect: true, reconnectDelay: 50 })"),
    '&announce_position=always'],
};

for (const [name, [source, more, browser = 'Chromium']] of Object.entries(kInPages)) {
  for (const cut of Object.keys(kCuts)) {
    test(`${name}, cut ${cut}, loses nothing and sees nothing else`, { timeout: 60_000 }, async (t) => {
      assert.deepEqual(await cutAndBack(t, inPage(source, browser), cut, more), owed(cut));
    });
  }
}

test('eventsource-client is given its position as an event of that name, and loses nothing', async (t) => {
  const [position, ...rest] = await cutAndBack(t, eventSourceClient, 'right behind its opening');
  assert.match(position, /^~position:\{"position":"[0-9a-z]+-\d+"\}$/);
  assert.deepEqual(rest, owed('right behind its opening'));
});

test('a position from a HEAD, put into the URL, works with every client', async (t) => {
  const { headers } = await request(`${broker.url}/events?channel=clients`, { method: 'HEAD' });
  const more = `&last_event_id=${headers['last-event-id']}`;
  for (const connect of [eventSourceClient, ...Object.values(kClientsThatAsk)]) {
    for (const cut of Object.keys(kCuts)) {
      assert.deepEqual(await cutAndBack(t, connect, cut, more), owed(cut));
    }
  }
});
