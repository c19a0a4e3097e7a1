// The other forms of a stream, as the tools read them that they are for: lines of JSON by jq, Python and fetch, the
// channel of an event and visible heartbeats by a browser's EventSource.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, listen, Pages, record } from './harness/browser.js';
import { Broker } from './harness/broker.js';
import { start } from './harness/command.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { until } from './harness/wait.js';

// Whatever ends a line for somebody, quotes, and what looks like the broker's own.
const kTexts = ['plain', '', 'two\nlines', '"quoted" \\ back', ' \t ', 'a\u2028b\u2029c\u0085d\u000be\u001cf', '\u{1f600} é',
  '{"gap":{"reason":"evicted"}}', '"}\n{"gap":{}}\n', '\u0000\u0001\u007f'];

let broker;
before(async () => { broker = await Broker.start({ set: ['delivery.heartbeat=1s', 'delivery.retry=200ms'] }); });
after(async () => { await broker?.stop(); });

const url = (channel, more) => `${broker.url}/events?channel=${channel}&${more}`;

// Starts a reader and publishes when it is connected, with silences of a heartbeat in between.
async function readBy(t, channel, program, args) {
  const others = await broker.metric('subscriptions_total'); // subscribers that have left make none of them less
  const reader = start(program, args);
  t.after(() => reader.child.kill());
  await until(async () => (await broker.metric('subscriptions_total')) > others, 'the reader is there');
  const beats = await broker.metric('heartbeats_total');
  for (const [index, text] of kTexts.entries()) {
    await broker.publish(channel, text, index === 1 ? { event: 'named "é"' } : {});
    if (index === 0) await until(async () => (await broker.metric('heartbeats_total')) > beats, 'a heartbeat');
  }
  await until(() => reader.stdout.split('\n').length > kTexts.length, 'each event is a line');
  return reader.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

const seen = kTexts.map((text, index) => [index === 1 ? 'named "é"' : 'message', text]);

test('jq reads lines of JSON from curl', async (t) => {
  const events = await readBy(t, 'jq', 'sh', ['-c', `curl -sN '${url('jq', 'format=json')}' | jq --unbuffered -c '[.channel, .event, .data]'`]);
  assert.deepEqual(events, seen.map((one) => ['jq', ...one]));
});

test('Python reads them line by line, as bytes and as text', async (t) => {
  const program = `
import json, sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Accept": "application/x-ndjson"})
with urllib.request.urlopen(request) as answer:
    for line in answer:
        assert len(line.decode().splitlines()) == 1, line
        event = json.loads(line)
        print(json.dumps([event["channel"], event["event"], event["data"]]), flush=True)
`;
  const events = await readBy(t, 'python', 'python3', ['-c', program, `${broker.url}/events?channel=python`]);
  assert.deepEqual(events, seen.map((one) => ['python', ...one]));
});

test('fetch reads them, and resumes after the id of the last whole line', async () => {
  const ids = [];
  for (const text of kTexts) ids.push(await broker.publish('fetch/x', text));
  const lines = async (from, count) => {
    const answer = await fetch(url('fetch/*', `format=json&last_event_id=${from}`));
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
    const found = [];
    let rest = '';
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      const cut = (rest + part).split('\n');
      rest = cut.pop();
      found.push(...cut.map((line) => JSON.parse(line)));
      if (found.length >= count) return found;
    }
    return found;
  };
  const all = await lines('earliest', kTexts.length);
  assert.deepEqual(all.map(({ id, channel, data }) => [id, channel, data]), kTexts.map((text, i) => [ids[i], 'fetch/x', text]));
  for (const { time } of all) assert.ok(Math.abs(Date.now() - new Date(time)) < 60_000, time);
  const [gap] = await lines('zzzzzzz-7,fetch/x', 1);
  assert.deepEqual([gap.gap.reason, gap.gap.after], ['restarted', 'zzzzzzz-7']);
  assert.deepEqual(await lines(ids[4], kTexts.length - 5), all.slice(5));
});

test('a page sees the channel of each event, and resumes by such an id', async (t) => {
  const pages = await Pages.start();
  const browser = await launch();
  const own = await Broker.start({ set: ['delivery.retry=200ms', `cors.origins=${pages.origin}`] });
  const proxy = await CuttingProxy.start(own.httpPort);
  t.after(async () => {
    await browser.close();
    proxy.close();
    pages.close();
    await own.stop();
  });
  const page = await browser.newPage();
  await page.goto(pages.origin);
  await listen(page, 'with', `${proxy.url}/events?channel=with/**&with=channel`);
  await until(async () => (await record(page, 'with')).state === 1, 'it is open');
  const published = [];
  for (let i = 0; i < 40; ++i) {
    const channel = `with/${i % 3}/a:b@c.d_e~`;
    published.push(`${await own.publish(channel, `${i}`)},${channel}`);
    if (i % 10 === 5) {
      await until(async () => (await record(page, 'with')).events.length === published.length, 'it has what there is');
      proxy.cut();
    }
  }
  await until(async () => (await record(page, 'with')).events.length >= published.length, 'all arrive');
  const life = await record(page, 'with');
  assert.ok(life.opened > 1, 'it came back');
  assert.deepEqual(life.events.map(({ lastEventId }) => lastEventId), published, 'each once, none missing');
  await own.kill();
  await own.begin();
  await until(async () => (await record(page, 'with')).events.some(({ type }) => type === 'gap'), 'the gap of a new broker');
  const gap = (await record(page, 'with')).events.find(({ type }) => type === 'gap');
  assert.deepEqual([JSON.parse(gap.data).reason, `${JSON.parse(gap.data).after},with/0/a:b@c.d_e~`], ['restarted', published.at(-1)]);
});

test('a page sees the heartbeats that it asks for, and others do not', async (t) => {
  const pages = await Pages.start();
  const browser = await launch();
  const own = await Broker.start({ set: [`cors.origins=${pages.origin}`] });
  t.after(async () => {
    await browser.close();
    pages.close();
    await own.stop();
  });
  const page = await browser.newPage();
  await page.goto(pages.origin);
  const events = `${own.url}/events?channel=quiet&heartbeat=1`;
  const types = ['ping'];
  await listen(page, 'seen', `${events}&heartbeat_event=ping`, { types });
  await listen(page, 'unseen', events, { types });
  await until(async () => (await own.metric('subscribers')) === 2, 'both are open');
  const id = await own.publish('quiet', 'one');
  await until(async () => (await record(page, 'seen')).events.filter(({ type }) => type === 'ping').length >= 3, 'three pings', 10);
  const life = await record(page, 'seen');
  const pings = life.events.filter(({ type }) => type === 'ping');
  for (const { data, at } of pings) assert.ok(Math.abs(at - new Date(JSON.parse(data).time)) < 30_000, data);
  assert.equal(pings.at(-1).lastEventId, id, 'the id is still that of the event');
  assert.deepEqual((await record(page, 'unseen')).events.map(({ data }) => data), ['one']);
});
