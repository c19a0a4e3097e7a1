// A keyed channel under 10,000 updates a second, and clients that cannot, or will not, read all of that. What each of them shows
// is at most a second old, and never wrong.
//
// How old: a value is out of date from the moment on at which the publisher was told that the next one of its key is in the log.
// From then on, until the client has read the next value of that key, there is at most a second in which the client could have
// read. So what is measured is not how old a value looks when it comes, but how long the client went on to show it. Time in
// which a client did not read because it did not want to, or had no connection, or this process was not scheduled, does not
// count; time in which the slow one waits in order to be slow does.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { Broker } from './harness/broker.js';
import { temporaryFolder } from './harness/folder.js';
import { dataOf, KeyedPublisher, now } from './harness/keyed_publisher.js';
import { seededRandom } from './harness/random.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const kSlowness = Number(process.env.FANFARE_SLOWNESS ?? 1);
const kOldest = 1000 * kSlowness; // ms
const kChannel = 'm/line';
// 200 keys of some 450 bytes. The slow client reads a MiB a second, a quarter of what is published: it has read each key once in
// 90 ms, and needs some 400 ms for what lies in the kernel's buffers, some 400 KB, where nothing can be made newer any more.
const kKeys = Array.from({ length: 200 }, (_, i) => `machine ${i}/°C`);
const kUpdates = 60_000;
const kBytesPerSecond = 1 << 20;

// Spans of time in which a client did not read, in their order.
class Absences {
  constructor() { this.spans = []; this.from = undefined; }
  begin() { this.from ??= now(); }
  end() {
    if (this.from !== undefined) this.spans.push([this.from, now()]);
    this.from = undefined;
  }
  // How much of [from, to] it did not read.
  within(from, to) {
    let sum = 0;
    for (const [begin, end] of this.spans) sum += Math.max(0, Math.min(end, to) - Math.max(begin, from));
    return sum;
  }
}

class Client {
  constructor(name, broker, context, more = '') {
    this.name = name;
    this.absences = new Absences();
    this.seen = []; // [sequence, key, data or undefined, when], as it came
    this.subscriber = new Subscriber(broker.url, `channel=${kChannel}&with=key${more}`);
    context.after(() => this.subscriber.close());
    this.subscriber.onEvent = (event) => {
      if (event.type === 'gap') return;
      const [id, key] = event.id.split(',');
      const removed = event.type === 'removed';
      this.seen.push([Number(id.split('-')[1]), removed ? JSON.parse(event.data).key : decodeURIComponent(key),
        removed ? undefined : event.data, now()]);
    };
  }

  get map() {
    const map = new Map();
    for (const [, key, data] of this.seen) data === undefined ? map.delete(key) : map.set(key, data);
    return map;
  }
}

// Reads kBytesPerSecond: after each 16 KiB it waits for as long as they should have taken.
async function readSlowly({ subscriber }) {
  const answer = await until(() => subscriber.answer, 'the slow client is answered');
  let due = now();
  let bytes = 0;
  answer.on('data', (piece) => {
    bytes += piece.length;
    if (bytes < 16 << 10) return;
    due = Math.max(now(), due + (bytes / kBytesPerSecond) * 1000);
    bytes = 0;
    answer.pause();
    setTimeout(() => answer.resume(), due - now());
  });
}

// Reads nothing until so many updates more were published, then all there is; again and again.
async function readInBursts(client, publisher, ended) {
  const updates = 12_000;
  while (!ended()) {
    client.absences.begin();
    client.subscriber.pause();
    const from = publisher.acked;
    await until(() => ended() || publisher.acked >= from + updates, 'the publisher goes on', 60);
    client.subscriber.resume();
    client.absences.end();
    // As much again as it has waited for: it stands in the present, and is one that reads.
    const read = client.seen.length;
    await until(() => ended() || client.seen.length >= read + updates / 4, 'the broker goes on', 60);
  }
  client.subscriber.resume();
}

// Is cut, and resumes by its id 50 ms later.
async function beCut(client, random, ended) {
  let cuts = 0;
  for (; !ended(); ++cuts) {
    const events = client.seen.length + random.below(1500);
    await until(() => ended() || client.seen.length > events, 'the stream goes on', 60);
    if (ended()) break;
    client.absences.begin();
    client.subscriber.cut();
    await until(() => !client.subscriber.open, 'it is cut');
    await until(() => client.subscriber.open, 'it is back', 60);
    client.absences.end();
  }
  return cuts;
}

// This process was not scheduled for so long that nobody here could read.
function watchOurselves(clients) {
  let last = now();
  const timer = setInterval(() => {
    const at = now();
    if (at - last > 40) for (const { absences } of clients) absences.spans.push([last, at]);
    last = at;
  }, 10);
  return () => clearInterval(timer);
}

// Returns the longest time for which the client went on to show a value, in ms.
function examine(client, published) {
  const { updates, acked, next, numbers } = published;
  const shown = new Map(); // key -> number of the update
  let [last, oldest] = [0, 0];
  for (const [sequence, key, data, at] of client.seen) {
    assert.ok(sequence > last, `${client.name}: ids increase: ${sequence} after ${last}`);
    last = sequence;
    const number = numbers.get(sequence);
    assert.ok(number !== undefined, `${client.name}: ${sequence} was published`);
    assert.equal(key, updates[number].key, `${client.name}: the key of ${sequence}`);
    assert.equal(data, updates[number].removes ? undefined : dataOf(key, number), `${client.name}: the value of ${sequence}`);
    const before = shown.get(key);
    shown.set(key, number);
    if (before === undefined || next[before] === undefined) continue;
    const since = acked[next[before]];
    if (at - since <= oldest) continue;
    oldest = Math.max(oldest, at - since - client.absences.within(since, at));
  }
  return oldest;
}

test('a client that lags behind a keyed channel shows values that are a second old at most', async (t) => {
  const random = seededRandom();
  t.diagnostic(`FANFARE_SEED=${random.seed}`);
  const config = join(temporaryFolder(), 'broker.toml');
  await writeFile(config, '[[channel]]\nmatch = "m/**"\nkeep = "latest"\nslow = "latest"\n');
  const broker = await Broker.start({ config, set: ['history.events=500', 'delivery.retry=100ms'] });
  t.after(() => broker.stop());
  const client = (name, more) => new Client(name, broker, t, more);
  const prompt = client('the prompt one');
  const slow = client('the slow one');
  const bursts = client('the one that reads in bursts');
  const cut = client('the one that is cut');
  const paced = client('the one with max_rate', '&max_rate=5');
  const clients = [prompt, slow, bursts, cut, paced];
  await Promise.all(clients.map(({ subscriber }) => subscriber.opened()));
  await readSlowly(slow);
  const stopWatching = watchOurselves(clients);
  t.after(stopWatching);
  const publisher = new KeyedPublisher(broker.socket,
    { channel: kChannel, keys: kKeys, rate: 10_000, most: kUpdates, seconds: 10, removals: 20, seed: random.seed });
  let over = false;
  const ended = () => over;
  const acting = [readInBursts(bursts, publisher, ended), beCut(cut, random, ended)];
  const published = await publisher.ended;
  over = true;
  const [, cuts] = await Promise.all(acting);
  assert.deepEqual(published.refused, []);
  const count = published.updates.length;
  const last = published.ids.at(-1);
  for (const { name, seen } of clients) {
    await until(() => seen.at(-1)?.[0] === last, () => `${name} has ${last}: ${seen.at(-1)}`, 20);
  }
  stopWatching();

  published.numbers = new Map(published.ids.map((id, number) => [id, number]));
  const truth = new Map();
  const newest = new Map();
  published.next = []; // number -> that of the key's next update
  for (const [number, { key, removes }] of published.updates.entries()) {
    if (newest.has(key)) published.next[newest.get(key)] = number;
    newest.set(key, number);
    removes ? truth.delete(key) : truth.set(key, dataOf(key, number));
  }
  const sorted = (map) => [...map].sort();
  for (const one of clients) {
    const oldest = examine(one, published);
    t.diagnostic(`${one.name}: ${one.seen.length} of ${count}, ${Math.round(oldest)} ms`);
    assert.ok(oldest <= kOldest, `${one.name} showed a value for ${oldest} ms that was no longer true`);
    assert.deepEqual(sorted(one.map), sorted(truth), `${one.name} ends with what the publisher has`);
    const reasons = new Set(one.subscriber.gaps.map(({ reason }) => reason));
    assert.deepEqual([...reasons], one === cut && reasons.size > 0 ? ['conflated'] : [], `${one.name} misses nothing that is true`);
  }
  for (const one of [slow, bursts, paced]) assert.ok(one.seen.length < count, `${one.name} is spared some of ${count}`);
  assert.ok(cuts > 3, `${cuts} cuts`);
  assert.ok(await broker.metric('conflated_total') > 0, 'somebody lagged');
  t.diagnostic(`${count} updates, ${Math.round(count / published.seconds)} a second; ${cuts} cuts`);
});
