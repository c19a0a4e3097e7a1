// A real browser against the real binary: what fetch, fetch-event-source and a raw fetch reader see, and the
// broker's own pages. What EventSource sees is in event-source.test.js.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launch, Pages } from './harness/browser.js';
import { Broker } from './harness/broker.js';
import { start } from './harness/command.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const kOutput = process.env.FANFARE_OUTPUT ?? fileURLToPath(new URL('../../build/dev/tests/e2e', import.meta.url));
mkdirSync(kOutput, { recursive: true });

let browser;
let pages;
let broker;

before(async () => {
  pages = await Pages.start();
  browser = await launch();
  broker = await Broker.start({
    set: ['server.shards=2', 'delivery.retry=200ms', `cors.origins=${pages.origin}`, 'cors.credentials=true'],
  });
});
after(async () => {
  await browser?.close();
  await broker?.stop();
  pages?.close();
});

async function openPage(context, origin = pages.origin) {
  const page = await browser.newPage();
  context.after(() => page.close());
  await page.goto(origin);
  return page;
}

const events = (channel) => `${broker.url}/events?channel=${channel}`;

// Without the CORS fields a page sees a network error, whatever the answer says.
test('a page of another origin reads why it was refused, whatever the status', async (t) => {
  const page = await openPage(t);
  const answered = (target, init) => page.evaluate(async ([url, options]) => {
    const answer = await fetch(url, options);
    return { status: answer.status, text: await answer.text() };
  }, [`${broker.url}${target}`, init]);
  const post = (body, type = 'application/json') => ({ method: 'POST', headers: { 'Content-Type': type }, body });

  const number = await answered('/events?channel=a', post('{"last_event_id":7}'));
  assert.deepEqual([number.status, /"last_event_id" in the body is a number/.test(number.text)], [400, true], number.text);
  const form = await answered('/events?channel=a', post('channel=b', 'application/x-www-form-urlencoded'));
  assert.deepEqual([form.status, /application\/x-www-form-urlencoded/.test(form.text)], [400, true], form.text);
  const large = await answered('/events', post(JSON.stringify({ channels: ['x'.repeat(70_000)] })));
  assert.deepEqual([large.status, /\[limits\] body_bytes/.test(large.text)], [413, true], large.text);
  const long = await answered(`/events?channel=${'x'.repeat(9_000)}`, {});
  assert.deepEqual([long.status, /\[limits\] target_bytes .*POST \/events/.test(long.text)], [414, true], long.text);
  const many = Object.fromEntries(Array.from({ length: 110 }, (_, i) => [`X-${i}`, 'x']));
  const fields = await answered('/events?channel=a', { headers: many });
  assert.deepEqual([fields.status, /\[limits\] head_fields/.test(fields.text)], [431, true], fields.text);
});

// OpenTelemetry and Sentry add fields to every fetch, which the browser asks about first.
test('a page of another origin may send the fields that tracing adds', async (t) => {
  const page = await openPage(t);
  const status = await page.evaluate(async (url) => {
    const stop = new AbortController();
    const answer = await fetch(url, {
      headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'X-Requested-With': 'fetch' },
      signal: stop.signal,
    });
    stop.abort();
    return answer.status;
  }, events('browser/traced'));
  assert.equal(status, 200);
});

// ---- clients that use fetch

function fetchEventSource(page, url, options) {
  return page.evaluate(async ([address, how]) => {
    const { fetchEventSource: open } = await import('/fetch-event-source/index.js');
    const life = { messages: [], opens: [], errors: 0, closed: 0, resolved: false };
    window.life = life;
    window.abort = new AbortController();
    open(address, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer token' },
      body: JSON.stringify(how.body),
      signal: window.abort.signal,
      openWhenHidden: true,
      onopen: async (response) => { life.opens.push([response.status, response.headers.get('content-type')]); },
      onmessage: ({ id, event, data }) => { life.messages.push({ id, event, json: JSON.parse(data) }); },
      onclose: () => { life.closed += 1; },
      onerror: (error) => { life.errors += 1; life.error = String(error); return 50; },
    }).then(() => { life.resolved = true; });
  }, [url, options]);
}
const life = (page) => page.evaluate(() => window.life);

test('fetch-event-source: POST, no phantom messages, heartbeats unseen', async (t) => {
  const page = await openPage(t);
  await fetchEventSource(page, `${broker.url}/events?heartbeat=1s`, { body: { channels: ['fes/plain', 'fes/more/*'] } });
  await until(async () => (await life(page)).opens.length === 1, 'it opens');
  assert.deepEqual((await life(page)).opens[0], [200, 'text/event-stream; charset=utf-8']);
  await until(async () => (await broker.metric('heartbeats_total')) > 0, 'a heartbeat was sent');
  const id = await broker.publish('fes/plain', '{"a":1}');
  await broker.publish('fes/more/x', '{"b":2}', { event: 'typed' });
  await until(async () => (await life(page)).messages.length === 2, 'two messages');
  const seen = await life(page);
  assert.deepEqual(seen.messages.map(({ event, json }) => [event, json]), [['', { a: 1 }], ['typed', { b: 2 }]]);
  assert.equal(seen.messages[0].id, id);
  assert.equal(seen.errors, 0, seen.error);
});

test('fetch-event-source: a cut connection is resumed with its last event id', async (t) => {
  const proxy = await CuttingProxy.start(broker.httpPort);
  t.after(() => proxy.close());
  const page = await openPage(t);
  await fetchEventSource(page, `${proxy.url}/events`, { body: { channels: ['fes/cut'] } });
  await until(async () => (await life(page)).opens.length === 1, 'it opens');
  for (let i = 0; i < 30; ++i) {
    await broker.publish('fes/cut', `${i}`);
    if (i === 0) await until(async () => (await life(page)).messages.length === 1, 'the first message');
    if (i % 10 === 5) proxy.cut();
  }
  await until(async () => (await life(page)).messages.length >= 30, 'all messages');
  assert.deepEqual((await life(page)).messages.map(({ json }) => json), Array.from({ length: 30 }, (_, i) => i));
  assert.ok((await life(page)).errors > 0);
});

test('fetch-event-source: a finished channel resolves, a drained one does not', async (t) => {
  const page = await openPage(t);
  await fetchEventSource(page, `${broker.url}/events`, { body: { channels: ['fes/finished'] } });
  await until(async () => (await life(page)).opens.length === 1, 'it opens');
  await broker.publish('fes/finished', '"end"');
  await broker.finish('fes/finished');
  await until(async () => (await life(page)).resolved, 'the promise resolves');
  assert.deepEqual((await life(page)).messages.map(({ json }) => json), ['end']);
  assert.equal((await life(page)).errors, 0);

  const own = await Broker.start({ set: ['limits.drain=200ms', `cors.origins=${pages.origin}`] });
  t.after(() => own.stop());
  const other = await openPage(t);
  await fetchEventSource(other, `${own.url}/events`, { body: { channels: ['fes/drained'] } });
  await until(async () => (await life(other)).opens.length === 1, 'it opens');
  assert.equal(await own.stop(), 0);
  await until(async () => (await life(other)).errors > 0, 'it sees an error, not an end');
  assert.equal((await life(other)).closed, 0);
  assert.equal((await life(other)).resolved, false);
});

test('a raw fetch reader gets the text and its end, and nothing else', async (t) => {
  const page = await openPage(t);
  await page.evaluate(async (url) => {
    const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"channels":["raw"]}' });
    window.raw = { type: answer.headers.get('content-type'), output: '', done: false };
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    (async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        window.raw.output += value;
      }
      window.raw.done = true;
    })();
  }, `${broker.url}/events?format=raw`);
  const text = '你好 undefined 😀\n: not a comment\n\ndata: neither\r\nend';
  for (const point of text) await broker.publish('raw', point);
  await broker.finish('raw');
  await until(() => page.evaluate(() => window.raw.done), 'the reader is done');
  assert.equal(await page.evaluate(() => window.raw.output), text.replaceAll('\r', '\n'), 'a CR is a line end everywhere');
  assert.match(await page.evaluate(() => window.raw.type), /^text\/plain; charset=utf-8/);
});

test('a cancelled reader frees its slot within a second', async (t) => {
  const page = await openPage(t);
  await until(async () => (await broker.metric('subscribers')) === 0, 'nobody is left of the test before');
  await page.evaluate(async (url) => { window.reader = (await fetch(url)).body.getReader(); }, events('raw/cancelled'));
  await until(async () => (await broker.metric('subscribers')) === 1, 'it is subscribed');
  await page.evaluate(() => window.reader.cancel());
  await until(async () => (await broker.metric('subscribers')) === 0, 'the slot is free', 1);
});

// ---- the broker's own pages

const kFeeder = fileURLToPath(new URL('../../deploy/feeder', import.meta.url));

// A broker fed with this machine's own figures, and one of its pages.
async function pageOf(context, path) {
  const own = await Broker.start({ set: ['delivery.retry=500ms'] });
  const feeder = start(kFeeder, ['--socket', own.socket]);
  const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
  context.after(async () => {
    await page.close();
    feeder.child.kill();
    await own.stop();
  });
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(`${own.adminUrl}${path}`);
  const text = (id) => page.textContent(`#${id}`);
  // How much of a chart's curve there is: pixels that are neither transparent nor grid.
  const drawn = (id) => page.evaluate((plot) => {
    const canvas = document.querySelector(`#${plot} canvas`);
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let count = 0;
    for (let at = 0; at < pixels.length; at += 4) {
      const [red, green, blue, alpha] = pixels.subarray(at, at + 4);
      if (alpha > 128 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) count += 1;
    }
    return count;
  }, id);
  const live = () => until(() => page.evaluate(() => document.querySelector('#lamp').classList.contains('live')), 'the lamp says live', 20);
  const shoot = (name) => page.screenshot({ path: join(kOutput, `${name}.png`) });
  return { own, page, problems, text, drawn, live, shoot };
}

test('the live page draws rates, channels and disconnects, and recovers when the broker is killed', async (t) => {
  const { own, problems, text, drawn, live, shoot } = await pageOf(t, '/');
  const crowd = Array.from({ length: 5 }, () => new Subscriber(own.url, ['metrics/**']));
  t.after(() => crowd.forEach((subscriber) => subscriber.close()));
  await live();
  await until(async () => (await text('busiest')).includes('metrics/cpu'), 'the busiest channels are named', 20);
  await until(async () => (await text('subscribers')) === '5', 'five subscribers, without this page', 20);
  const before = await drawn('plot-deliveries');
  await until(async () => (await drawn('plot-deliveries')) > before, 'the curve grows', 20);
  crowd.pop().close();
  await until(async () => (await text('closes')).includes('metrics/**'), 'who left is shown', 20);
  await shoot('live');
  const facts = await text('facts');
  await own.kill();
  await until(async () => !(await text('lamp')).includes('Live'), 'the lamp says that the broker is away', 20);
  await own.begin();
  await live();
  await until(async () => (await text('facts')) !== facts && (await text('busiest')).includes('metrics/cpu'), 'the new life is shown', 20);
  assert.deepEqual(problems, []);
});
