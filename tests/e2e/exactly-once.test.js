// Exactly once, or a gap: under cuts, slow readers, many-channel and pattern subscriptions, publishers
// on every dialect, two shards and brokers that die, what each client received is strictly increasing
// and complete, or each hole is named by a gap.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Broker } from './harness/broker.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { kDialects, Publisher } from './harness/publisher.js';
import { seededRandom } from './harness/random.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const kChannels = ['a/1', 'a/2', 'a/3', 'b/deep/er', 'c'];

function matches(topic, channel) {
  const pattern = topic.split('/').map((part) => (part === '**' ? '.+' : part.replaceAll('*', '[^/]+')));
  return new RegExp(`^${pattern.join('/')}$`).test(channel);
}

// Everything the brokers acknowledged, over all their lives, in the order of the log.
class Ledger {
  constructor() {
    this.lives = new Map(); // epoch -> which life
    this.events = new Map(); // id -> {channel, data}
  }

  add({ id, channel, data }) {
    const epoch = id.split('-')[0];
    if (!this.lives.has(epoch)) this.lives.set(epoch, this.lives.size);
    assert.ok(!this.events.has(id), `the id ${id} was given twice`);
    this.events.set(id, { channel, data });
  }

  // Comparable: lives are apart further than any sequence.
  place(id) {
    const [epoch, sequence] = id.split('-');
    assert.ok(this.lives.has(epoch), `the epoch of ${id} is known`);
    return this.lives.get(epoch) * 1e9 + Number(sequence);
  }
}

// Fails with the events that `subscriber` neither got nor was sent a gap for.
function examine(subscriber, topics, ledger) {
  const about = `${topics.join(' ')} (${subscriber.connections.length} connections)`;
  let last = -1;
  const received = new Set();
  for (const { id, data } of subscriber.events) {
    assert.ok(ledger.place(id) > last, `${about}: ${id} comes after the event before it`);
    last = ledger.place(id);
    received.add(id);
    const published = ledger.events.get(id);
    if (published === undefined) continue; // its ack was lost with its broker
    assert.equal(data, published.data, `${about}: the data of ${id}`);
    assert.ok(topics.some((topic) => matches(topic, published.channel)), `${about}: ${id} was asked for`);
  }
  const gaps = subscriber.gaps.map(({ after, resumed }) => ({ after: ledger.place(after), resumed: ledger.place(resumed) }));
  const first = ledger.place(subscriber.events[0].id);
  const silent = [];
  for (const [id, { channel }] of ledger.events) {
    const place = ledger.place(id);
    if (place < first || received.has(id) || !topics.some((topic) => matches(topic, channel))) continue;
    if (!gaps.some(({ after, resumed }) => after < place && place <= resumed)) silent.push(id);
  }
  assert.deepEqual(silent, [], `${about}: lost in silence; gaps: ${JSON.stringify(subscriber.gaps)}`);
}

class Storm {
  constructor(broker, proxy, random, size) {
    Object.assign(this, { broker, proxy, random, size, number: 0, publishers: [] });
  }

  async connect() {
    this.publishers = await Promise.all(kDialects.map((dialect) => new Publisher(this.broker.socket, dialect).connect()));
  }

  // Some events on every dialect at once; what was acked goes into the ledger, in the order of ids.
  async publish(ledger, events, { wait = true } = {}) {
    for (let i = 0; i < events; ++i) {
      const filler = '·'.repeat(this.random.below(this.size));
      this.random.pick(this.publishers).publish(this.random.pick(kChannels), `${this.number++}${filler}`);
    }
    if (wait) await this.settle(ledger);
  }

  async settle(ledger) {
    await Promise.all(this.publishers.map((publisher) => publisher.settled()));
    const acked = this.publishers.flatMap((publisher) => publisher.acked.splice(0));
    for (const publisher of this.publishers) assert.deepEqual(publisher.refused, []);
    for (const event of acked) ledger.add(event);
  }

  // The broker is killed while publishes are under way, and comes back with a new epoch.
  async killAndRestart(ledger) {
    await this.publish(ledger, 200, { wait: false });
    await this.broker.kill();
    await this.settle(ledger);
    for (const publisher of this.publishers) publisher.close();
    await this.broker.begin();
    await this.connect();
    // A gap may name the new epoch before anything else does.
    await this.publish(ledger, kChannels.length);
  }

  close() {
    for (const publisher of this.publishers) publisher.close();
  }
}

async function subscribe(proxy, context, topics, broker, storm, ledger) {
  const subscriber = new Subscriber(proxy.url, topics);
  context.after(() => subscriber.close());
  await subscriber.opened();
  return subscriber;
}

// Every subscriber has seen an event of each kind, so that each holds a cursor from here on.
async function firstEvents(storm, ledger, subscribers) {
  await until(async () => {
    for (const channel of kChannels) storm.publishers[0].publish(channel, `first ${storm.number++}`);
    await storm.settle(ledger);
    return subscribers.every(({ subscriber }) => subscriber.events.length > 0);
  }, 'every subscriber has a first event');
}

// A frozen reader does not see that it was cut: it is woken.
async function mostConnected(proxy, subscribers) {
  await until(() => {
    if (proxy.pairs.size >= subscribers.length / 2) return true;
    for (const { subscriber } of subscribers) subscriber.resume();
    return false;
  }, 'most subscribers are connected again');
}

async function lastEvents(storm, ledger, subscribers) {
  for (const { subscriber } of subscribers) subscriber.resume();
  for (const channel of kChannels) storm.publishers[0].publish(channel, `last ${channel}`);
  await storm.settle(ledger);
  for (const { subscriber, topics } of subscribers) {
    const expected = kChannels.filter((channel) => topics.some((topic) => matches(topic, channel)));
    await until(() => {
      subscriber.resume();
      const seen = new Set(subscriber.events.slice(-1000).map(({ data }) => data));
      return expected.every((channel) => seen.has(`last ${channel}`));
    }, `the last events reach ${topics}`, 60);
  }
}

const kTopics = [['a/1'], ['c'], ['a/1', 'c'], ['a/*'], ['**'], ['b/**', 'a/2'], kChannels, ['a/*', 'a/1', 'c']];

test('cuts and restarts lose nothing and repeat nothing', async (t) => {
  const random = seededRandom();
  t.diagnostic(`FANFARE_SEED=${random.seed}`);
  const broker = await Broker.start({ set: ['server.shards=2', 'delivery.retry=100ms', 'history.events=5000', 'history.bytes=8MiB'] });
  const proxy = await CuttingProxy.start(broker.httpPort);
  const storm = new Storm(broker, proxy, random, 300);
  const ledger = new Ledger();
  t.after(async () => { storm.close(); proxy.close(); await broker.stop(); });
  await storm.connect();
  const subscribers = [];
  for (const topics of [...kTopics, ...kTopics]) {
    subscribers.push({ topics, subscriber: await subscribe(proxy, t, topics) });
  }
  await firstEvents(storm, ledger, subscribers);
  for (let round = 0; round < 40; ++round) {
    if (random() < 0.7) await mostConnected(proxy, subscribers); // else: cut while they come back
    const publishing = storm.publish(ledger, 300);
    if (random() < 0.7) proxy.cut(random(), random);
    for (const { subscriber } of subscribers) random() < 0.2 ? subscriber.pause() : subscriber.resume();
    await publishing;
    if (round % 13 === 12) await storm.killAndRestart(ledger);
  }
  await lastEvents(storm, ledger, subscribers);
  for (const { subscriber, topics } of subscribers) examine(subscriber, topics, ledger);
  const gaps = subscribers.flatMap(({ subscriber }) => subscriber.gaps);
  assert.ok(gaps.every(({ reason }) => reason === 'restarted'), 'only restarts made holes');
  assert.ok(proxy.cuts > 50, 'the proxy did cut');
  t.diagnostic(`${ledger.events.size} events, ${proxy.cuts} cuts, ${gaps.length} gaps, ` +
    `${subscribers.reduce((sum, { subscriber }) => sum + subscriber.events.length, 0)} deliveries`);
});

for (const slow of ['skip', 'disconnect']) {
  test(`readers too slow for a short history are told what they missed (slow = ${slow})`, async (t) => {
    const random = seededRandom();
    t.diagnostic(`FANFARE_SEED=${random.seed}`);
    const broker = await Broker.start({
      set: ['server.shards=2', `delivery.slow=${slow}`, 'delivery.retry=100ms', 'history.events=40', 'history.bytes=256KiB'],
    });
    const proxy = await CuttingProxy.start(broker.httpPort);
    const storm = new Storm(broker, proxy, random, 16_000);
    const ledger = new Ledger();
    t.after(async () => { storm.close(); proxy.close(); await broker.stop(); });
    await storm.connect();
    const subscribers = [];
    for (const topics of kTopics) {
      // Straight to the broker: a proxy's buffers would hide a slow reader.
      subscribers.push({ topics, subscriber: await subscribe({ url: broker.url }, t, topics) });
      subscribers.push({ topics, subscriber: await subscribe(proxy, t, topics) });
    }
    await firstEvents(storm, ledger, subscribers);
    for (let round = 0; round < 30; ++round) {
      for (const { subscriber } of subscribers) random() < 0.5 ? subscriber.pause() : subscriber.resume();
      if (random() < 0.3) proxy.cut(0.3, random);
      await storm.publish(ledger, 200);
    }
    await lastEvents(storm, ledger, subscribers);
    for (const { subscriber, topics } of subscribers) examine(subscriber, topics, ledger);
    const gaps = subscribers.flatMap(({ subscriber }) => subscriber.gaps);
    assert.ok(gaps.length > 0, 'the history was too short for somebody');
    assert.ok(gaps.every(({ reason }) => reason === 'evicted' || reason === 'slow'), JSON.stringify(gaps[0]));
    t.diagnostic(`${ledger.events.size} events, ${gaps.length} gaps`);
  });
}
