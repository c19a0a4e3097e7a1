// A broker with a journal is killed, again and again, under load: what was acknowledged is there under the same ids, and
// subscribers go on as if nothing had happened (docs/JOURNAL.md).
import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const number = (id) => Number(id.split('-')[1]);
const eventsOf = (text) => [...text.matchAll(/^data: (.*)\nid: (\S+)$/gm)].map(([, data, id]) => ({ id, data }));

// All that a channel has, answer by answer.
async function history(broker, channel) {
  const all = [];
  for (let cursor = 'earliest'; ;) {
    const { body } = await request(`${broker.url}/events?channel=${channel}&poll=1&last_event_id=${cursor}`);
    const events = eventsOf(body);
    if (events.length === 0) return all;
    all.push(...events);
    cursor = events.at(-1).id;
  }
}

// Publishes one event after another over HTTP, each under a key, until it is acked.
function overHttp(broker, channel) {
  const acked = [];
  let stopped = false;
  const ended = (async () => {
    for (let i = 0; !stopped; ++i) {
      const data = `http-${i}`;
      for (;;) {
        try {
          acked.push({ data, id: await broker.publish(channel, data, { key: `${channel}-${i}` }) });
          break;
        } catch {
          if (stopped) return;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    }
  })();
  return { acked, stop: async () => { stopped = true; await ended; } };
}

// The same in lines: `line(i)` is said, and what `read` finds in the replies is an id each. What was not acked is published
// again under the same key.
function overSocket(broker, line, read) {
  const acked = [];
  let stopped = false;
  const ended = (async () => {
    let next = 0;
    while (!stopped) {
      await new Promise((resolve) => {
        let heard = '';
        let said = next;
        const socket = net.connect(broker.socket);
        const say = () => {
          for (; said < next + 16; ++said) socket.write(line(said));
        };
        socket.on('connect', say);
        socket.on('data', (bytes) => {
          heard += bytes;
          for (let found = read(heard); found !== null; found = read(heard)) {
            heard = heard.slice(found.end);
            acked.push({ data: found.data ?? null, index: next, id: found.id });
            next += 1;
          }
          if (stopped) socket.destroy();
          else say();
        });
        socket.on('error', () => {});
        socket.on('close', () => setTimeout(resolve, 5));
      });
    }
  })();
  return { acked, stop: async () => { stopped = true; await ended; } };
}

const overNdjson = (broker) => overSocket(
  broker,
  (i) => `${JSON.stringify({ channel: 'lines', data: `line-${i}`, id: `lines-${i}` })}\n`,
  (heard) => {
    const end = heard.indexOf('\n');
    if (end < 0) return null;
    return { end: end + 1, id: JSON.parse(heard.slice(0, end)).id };
  });

const overResp = (broker) => overSocket(
  broker,
  (i) => `XADD redis * data redis-${i}\r\n`,
  (heard) => {
    const found = /^\$\d+\r\n([^\r]+)\r\n/.exec(heard);
    return found === null ? null : { end: found[0].length, id: found[1] };
  });

for (const level of ['always', 'interval']) {
  test(`${level}: nothing that was acked is lost by ${level === 'always' ? 30 : 15} kills`, async (t) => {
    const path = temporaryFolder();
    const broker = await Broker.start({
      set: [`journal.path=${path}`, `journal.level=${level}`, 'journal.rewrite=1MiB', 'server.shards=3',
        'history.events=1000000', 'history.bytes=64MiB'],
    });
    t.after(() => broker.stop());
    const subscriber = new Subscriber(broker.url, 'channel=http&channel=lines&channel=redis&last_event_id=earliest');
    t.after(() => subscriber.close());
    const publishers = [overHttp(broker, 'http'), overNdjson(broker), overResp(broker)];
    const kills = level === 'always' ? 30 : 15;
    const first = (await request(`${broker.url}/position`)).body;
    for (let kill = 0; kill < kills; ++kill) {
      const before = publishers.map(({ acked }) => acked.length);
      await until(() => publishers.every(({ acked }, i) => acked.length > before[i] + 20), 'events are acked', 30);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      await broker.restart();
    }
    for (const publisher of publishers) await publisher.stop();
    assert.equal((await request(`${broker.url}/position`)).body.split('-')[0], first.split('-')[0], 'the epoch stays');
    const all = {};
    for (const channel of ['http', 'lines', 'redis']) all[channel] = await history(broker, channel);
    const [http, lines, redis] = publishers.map(({ acked }) => acked);
    const byId = new Map(Object.values(all).flat().map(({ id, data }) => [id, data]));
    for (const { id, data } of http) assert.equal(byId.get(id), data);
    for (const { id, index } of lines) assert.equal(byId.get(id), `line-${index}`);
    for (const { id } of redis) assert.match(byId.get(id), /^redis-\d+$/);
    assert.equal(new Set(all.http.map(({ data }) => data)).size, all.http.length, 'a key is good for one event');
    assert.equal(new Set(all.lines.map(({ data }) => data)).size, all.lines.length, 'a key is good for one event');
    const newest = Math.max(...[...byId.keys()].map(number));
    await until(() => subscriber.events.length > 0 && number(subscriber.events.at(-1).id) >= newest, 'the subscriber has all', 30);
    assert.deepEqual(subscriber.gaps, [], 'no gap was sent');
    const seen = subscriber.events.map(({ id }) => number(id));
    for (let i = 1; i < seen.length; ++i) assert.ok(seen[i] > seen[i - 1], 'ids rise');
    for (const { id, data } of subscriber.events) assert.equal(byId.get(id), data, 'an id means one event');
    assert.equal(subscriber.events.length, byId.size, 'each was sent once');
  });
}

test('what a channel was is brought back: finished, deleted, keyed, not kept', async (t) => {
  const path = temporaryFolder();
  const config = join(temporaryFolder(), 'broker.toml');
  writeFileSync(config, `[journal]\npath = "${path}"\n[[channel]]\nmatch = "keyed"\nkeep = "latest"\nhistory_events = 1
[[channel]]\nmatch = "fleeting"\njournal = false\n`);
  const broker = await Broker.start({ config });
  t.after(() => broker.stop());
  await broker.publish('finished', 'last words');
  await request(`http://x/finish/finished`, { method: 'POST', socketPath: broker.socket });
  const deleted = await broker.publish('deleted', 'gone');
  await request(`http://x/channels/deleted`, { method: 'DELETE', socketPath: broker.socket });
  for (const [key, data] of [['a', '1'], ['b', '2'], ['a', '3']]) {
    await request(`http://x/publish/keyed?key=${key}`, { method: 'POST', body: data, socketPath: broker.socket });
  }
  const fleeting = await broker.publish('fleeting', 'one');
  await broker.publish('fleeting', 'two');
  for (const how of ['kill', 'stop']) {
    await broker[how]();
    await broker.begin();
    assert.equal((await request(`${broker.url}/events?channel=finished&last_event_id=earliest&poll=1`)).body.includes('last words'), true);
    const old = await request(`${broker.url}/events?channel=deleted&poll=1`, { headers: { 'Last-Event-ID': `${deleted.split('-')[0]}-0` } });
    assert.match(old.body, /"reason":"evicted"/);
    const keyed = eventsOf((await request(`${broker.url}/events?channel=keyed&poll=1&last_event_id=earliest`)).body);
    assert.deepEqual(keyed.map(({ data }) => data).sort(), ['2', '3']);
    const lost = await request(`${broker.url}/events?channel=fleeting&poll=1`, { headers: { 'Last-Event-ID': fleeting } });
    assert.match(lost.body, /"reason":"evicted"/);
    assert.doesNotMatch(lost.body, /two/);
  }
});

test('a second broker is refused the folder', async (t) => {
  const path = temporaryFolder();
  const broker = await Broker.start({ set: [`journal.path=${path}`] });
  t.after(() => broker.stop());
  await assert.rejects(Broker.start({ set: [`journal.path=${path}`] }), /another broker writes the journal/);
});

test('damage is told from a write that was cut off', async (t) => {
  const path = temporaryFolder();
  const broker = await Broker.start({ set: [`journal.path=${path}`] });
  t.after(() => broker.stop());
  const ids = [];
  for (let i = 0; i < 20; ++i) ids.push(await broker.publish('a', `event-${i}`));
  await broker.kill();
  const segment = join(path, readdirSync(path).filter((name) => name.startsWith('segment-')).sort().at(-1));
  const cut = openSync(segment, 'r+');
  ftruncateSync(cut, statSync(segment).size - 5);
  closeSync(cut);
  await broker.begin();
  assert.match(broker.log, /bytes of a write that was cut off were removed/);
  assert.deepEqual((await history(broker, 'a')).map(({ id }) => id), ids.slice(0, 19));
  await broker.kill();
  const bytes = readFileSync(segment);
  bytes[bytes.indexOf('event-3')] ^= 1;
  writeFileSync(segment, bytes);
  await assert.rejects(broker.begin(), /the journal is damaged: .*segment-\d+: what was written at byte \d+, after event \d+, is not there/);
  assert.equal((await broker.process.ended).code, 78);
});
