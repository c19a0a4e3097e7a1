// Polling: the same events without a stream, from curl and from a browser's EventSource.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launch, listen, Pages, record } from './harness/browser.js';
import { Broker } from './harness/broker.js';
import { start } from './harness/command.js';
import { until } from './harness/wait.js';

let browser;
let pages;
let broker;

before(async () => {
  pages = await Pages.start();
  browser = await launch();
  broker = await Broker.start({ set: ['server.shards=2', 'delivery.retry=200ms', `cors.origins=${pages.origin}`] });
});
after(async () => {
  await browser?.close();
  await broker?.stop();
  pages?.close();
});

async function curl(...args) {
  const head = join(mkdtempSync(join(tmpdir(), 'polls-')), 'head');
  const running = start('curl', ['-sS', '--max-time', '60', '-D', head, ...args]);
  const { code } = await running.ended;
  assert.equal(code, 0, running.stderr);
  const fields = readFileSync(head, 'utf8');
  return { body: running.stdout, cursor: /^Last-Event-ID: (.*?)\r$/mi.exec(fields)[1], fields };
}
const poll = (channel, more) => `${broker.url}/events?channel=${channel}&poll=1${more}`;
const number = (id) => Number(id.split('-')[1]);
const data = (text) => [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => line);

test('a script polls with curl, from one cursor to the next', async () => {
  let { cursor, body } = await curl(poll('script/*', ''));
  assert.deepEqual(data(body), [], 'it is told the position');
  const heard = [];
  for (let round = 0; round < 3; ++round) {
    for (let i = 0; i < 3; ++i) await broker.publish(`script/${i}`, `${round}.${i}`);
    const answer = await curl('-H', `Last-Event-ID: ${cursor}`, poll('script/*', ''));
    heard.push(...data(answer.body));
    cursor = answer.cursor;
  }
  assert.deepEqual(heard, ['0.0', '0.1', '0.2', '1.0', '1.1', '1.2', '2.0', '2.1', '2.2']);
  assert.deepEqual(data((await curl(poll('script/*', `&last_event_id=${cursor}`))).body), []);
});

test('curl waits for an event, and no longer than it was told to', async () => {
  const { cursor } = await curl(poll('waiting', ''));
  const waiting = curl(poll('waiting', `&wait=25s&last_event_id=${cursor}`));
  await until(async () => (await broker.metric('polls_waiting')) === 1, 'it waits');
  const id = await broker.publish('waiting', 'here');
  const answer = await waiting;
  assert.deepEqual(data(answer.body), ['here']);
  assert.ok(number(answer.cursor) >= number(id), 'the log may have gone on');
  assert.match(answer.fields, /^Content-Length: /mi);
  const empty = await curl(poll('waiting', `&wait=1s&last_event_id=${id}`));
  assert.deepEqual(data(empty.body), []);
  assert.ok(number(empty.cursor) >= number(id));
});

for (const [name, more] of [['polls', ''], ['polls and waits', '&wait=25s']]) {
  test(`an EventSource ${name}: the same events as from a stream, once each`, async (t) => {
    const page = await browser.newPage();
    t.after(() => page.close());
    await page.goto(pages.origin);
    const channel = `browser/poll${more.length}`;
    await listen(page, 'slow', poll(channel, more));
    await until(async () => (await record(page, 'slow')).opened >= 1, 'it has its position');
    const sent = [];
    for (let i = 0; i < 30; ++i) {
      await broker.publish(channel, `${i}`);
      sent.push(`${i}`);
      if (i % 10 !== 9 || more !== '') continue; // one that waits is answered when there is an event
      const { opened } = await record(page, 'slow');
      await until(async () => (await record(page, 'slow')).opened > opened, 'it polls again', 20);
    }
    const life = await until(async () => {
      const seen = await record(page, 'slow');
      return seen.events.length >= 30 && seen;
    }, 'all of them arrive', 30);
    assert.deepEqual(life.events.map((event) => event.data), sent);
    assert.ok(life.opened >= 2, `${life.opened} answers`);
    await broker.finish(channel);
    await until(async () => (await record(page, 'slow')).state === 2, 'a finished channel stops it', 30);
  });
}

test('a poll that waits is answered when the broker stops', async () => {
  const other = await Broker.start({});
  const { cursor } = await curl(`${other.url}/events?channel=a&poll=1`);
  const waiting = curl(`${other.url}/events?channel=a&poll=1&wait=50s&last_event_id=${cursor}`);
  await until(async () => (await other.metric('polls_waiting')) === 1, 'it waits');
  assert.equal(await other.stop(), 0);
  const answer = await waiting;
  assert.match(answer.fields, /^HTTP\/\S+ 200 /);
  assert.ok(number(answer.cursor) >= number(cursor));
});
