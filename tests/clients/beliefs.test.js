// What readers of tutorials expect of event streams, and what happens instead. docs/CLIENTS.md has the list.
import assert from 'node:assert/strict';

import { request } from '../e2e/harness/broker.js';
import { listen, record } from '../e2e/harness/browser.js';
import { until } from '../e2e/harness/wait.js';
import { shows } from './harness/stage.js';

const kEvents = 'http://127.0.0.1:3000/events?channel=beliefs';
const opened = (page, name) => until(async () => (await record(page, name)).state === 1, `${name} is open`, 20);
const arrived = (page, name, count) => until(async () => {
  const life = await record(page, name);
  return life.events.length >= count && life;
}, `${count} events arrive at ${name}`, 20);

shows('"EventSource takes headers and a retryInterval": it ignores both, and waits as long as the broker says', async (t, stage) => {
  const page = await stage.open(t, 'empty');
  const requests = [];
  page.on('request', (one) => { if (one.url().includes('beliefs')) requests.push([one, performance.now()]); });
  await page.evaluate((url) => {
    const source = new EventSource(url, { headers: { Authorization: 'Bearer x' }, retryInterval: 60_000 });
    source.onerror = () => window.seen.push({ what: 'error' });
  }, kEvents);
  await stage.subscribers(1);
  stage.proxy.cut();
  await until(() => requests.length >= 2, 'it reconnects long before a minute is over', 20);
  assert.equal((await requests[0][0].allHeaders()).authorization, undefined);
  const waited = Math.round(requests[1][1] - requests[0][1]);
  assert.ok(waited < 20_000);
  return `no Authorization was sent; it came back after ${waited} ms: the broker had said 200 ms or a little more`;
});

shows('"a page cannot close a stream, or open it again": it can, and the new one knows the old one\'s id only from its URL', async (t, stage) => {
  const page = await stage.open(t, 'empty');
  await listen(page, 'first', kEvents);
  await opened(page, 'first');
  await stage.broker.publish('beliefs', 'one');
  const id = (await arrived(page, 'first', 1)).events[0].lastEventId;
  await page.evaluate(() => window.sources.first.source.close());
  await stage.subscribers(0);
  await stage.broker.publish('beliefs', 'while closed');
  await listen(page, 'plain', kEvents);
  await listen(page, 'resuming', `${kEvents}&last_event_id=${id}`);
  await opened(page, 'plain');
  await stage.broker.publish('beliefs', 'live');
  const plain = (await arrived(page, 'plain', 1)).events.map(({ data }) => data);
  const resuming = (await arrived(page, 'resuming', 2)).events.map(({ data }) => data);
  assert.deepEqual([plain, resuming], [['live'], ['while closed', 'live']]);
  return `without an id: ${plain}; with last_event_id in the URL: ${resuming.join(', ')}`;
});

shows('"the end of a stream is an error": onerror is called, and the answer to the next request is the end', async (t, stage) => {
  const page = await stage.open(t, 'empty');
  await listen(page, 'ending', kEvents);
  await opened(page, 'ending');
  await stage.broker.publish('beliefs', 'last');
  await stage.broker.finish('beliefs');
  await until(async () => (await record(page, 'ending')).state === 2, 'it has stopped', 20);
  const { log } = await record(page, 'ending');
  assert.deepEqual(log.map(({ type, state, data }) => [type, state ?? data]), [['open', 1], ['message', 'last'], ['error', 0], ['error', 2]]);
  return 'open, the last message, error with readyState 0, error with readyState 2: look at readyState before you call it an error';
});

shows('"event names are free": open and error reach the handlers of the connection itself', async (t, stage) => {
  const page = await stage.open(t, 'empty');
  await page.evaluate((url) => {
    const source = new EventSource(url);
    source.onerror = (event) => window.seen.push({ what: 'onerror', data: event.data, state: source.readyState });
    source.onmessage = ({ data }) => window.seen.push({ what: 'onmessage', data });
  }, kEvents);
  await stage.subscribers(1);
  await stage.broker.publish('beliefs', 'not a fault', { event: 'error' });
  await stage.broker.publish('beliefs', 'last');
  await until(async () => (await page.evaluate(() => window.seen)).length === 2, 'both have come');
  assert.deepEqual(await page.evaluate(() => window.seen),
    [{ what: 'onerror', data: 'not a fault', state: 1 }, { what: 'onmessage', data: 'last' }]);
  return 'an event named "error" called onerror, with data and readyState 1';
});

shows('"withCredentials is for other origins": it needs an origin that is listed, and does not work with "*"', async (t, stage) => {
  const page = await stage.open(t, 'empty');
  await listen(page, 'plain', kEvents);
  await listen(page, 'credentials', kEvents, { withCredentials: true });
  await opened(page, 'plain');
  await until(async () => (await record(page, 'credentials')).state === 2, 'it is refused for good', 20);
  return 'without it the page of another origin opens; with it, readyState 2 for good';
}, { set: ['cors.origins=*', 'cors.credentials=false'] });

shows('"binary data", "messages of any size": refused where they are published, with what would be right', async (t, stage) => {
  const post = (body) => request('http://x/publish/beliefs', { method: 'POST', body, socketPath: stage.broker.socket });
  const binary = await post(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff]));
  assert.equal(binary.status, 400);
  assert.match(binary.body, /base64/);
  const large = await post('x'.repeat(65_537));
  assert.equal(large.status, 413);
  assert.match(large.body, /\[limits\] event_bytes/);
  const page = await stage.open(t, 'empty');
  await listen(page, 'base64', kEvents);
  await opened(page, 'base64');
  await stage.broker.publish('beliefs', Buffer.from([0x89, 0x50, 0xff, 0x0d]).toString('base64'));
  await arrived(page, 'base64', 1);
  const bytes = await page.evaluate(() => Array.from(atob(window.sources.base64.life.log.at(-1).data), (one) => one.charCodeAt(0)));
  assert.deepEqual(bytes, [0x89, 0x50, 0xff, 0x0d]);
  return `${binary.status} ${binary.body.trim()}; ${large.status} ${large.body.trim()}; base64 arrives byte for byte`;
});
