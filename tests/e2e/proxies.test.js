// Behind each of the fronts of deploy/proxy, on the configuration that is there: what an HTTP/2 client gets through it, and
// what the broker notices of that client. The fronts run side by side, before one broker.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { temporaryFolder } from './harness/folder.js';
import { Front, kFronts } from './harness/front.js';
import { H2Client } from './harness/h2_client.js';
import { Publisher } from './harness/publisher.js';
import { until } from './harness/wait.js';

// An hour of silence, on a smaller scale: the shortest heartbeat is a second.
const kSilence = 2;

const folder = temporaryFolder();
const accessLog = join(folder, 'access.log');
let broker;

before(async () => {
  const config = join(folder, 'broker.toml');
  writeFileSync(config, `
[[route]]
path = "/short-lived"
stream_life = "1s"
`);
  broker = await Broker.start({
    config,
    set: ['server.shards=2', 'delivery.heartbeat=1s', 'delivery.stall=2s', 'delivery.end_event=end', 'fronts.trusted=127.0.0.1',
      `access.log=${accessLog}`],
  });
});
after(() => broker?.stop());

const subscribers = async (channel) => {
  const { body } = await request(`http://x/channels/${channel}/subscribers`, { socketPath: broker.socket });
  return JSON.parse(body).count;
};
const accessLines = (channel) => readFileSync(accessLog, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
  .filter(({ channels }) => channels?.includes(channel));
const ending = (channel) => until(() => accessLines(channel).at(-1)?.end, `the stream on ${channel} has ended`);
const opened = (...streams) => until(() => streams.every(({ text }) => text.includes('retry: ')),
  () => `the streams are open: ${streams.map(({ status, text }) => `${status} ${text}`)}`);

describe('fronts', { concurrency: true }, () => {
  for (const [index, [name, facts]] of Object.entries(kFronts).entries()) {
    const address = `127.0.1.${index + 1}`;
    describe(name, { concurrency: 1 }, () => cases(name.replace(/\W+/g, '-'), address, facts));
  }
});

function cases(name, address, facts) {
  let front;
  let client;
  before(async () => {
    front = await Front.start(broker.httpPort, facts);
    client = new H2Client(front.url, address);
  });
  after(async () => {
    client?.close();
    await front?.stop();
  });
  const events = (channel) => `/events?channel=${channel}`;

  it('an event reaches an HTTP/2 client within 300 ms', async (t) => {
    const channel = `${name}/quick`;
    const stream = client.ask(events(channel));
    await opened(stream);
    assert.equal(stream.status, 200);
    assert.match(stream.fields['content-type'], /^text\/event-stream/);
    // Others work on this machine meanwhile: one round of five has to keep the time, every round its events.
    const slowest = [];
    while (slowest.length < 5 && !slowest.some((ms) => ms < 300)) {
      let longest = 0;
      for (let i = 0; i < 5; ++i) {
        const begun = performance.now();
        await broker.publish(channel, `${slowest.length}.${i}`);
        await until(() => stream.data.at(-1) === `${slowest.length}.${i}`, 'the event comes');
        longest = Math.max(longest, performance.now() - begun);
      }
      slowest.push(longest);
    }
    t.diagnostic(`${name}: the slowest of five took ${slowest.map((ms) => ms.toFixed(0))} ms`);
    assert.ok(Math.min(...slowest) < 300, `${slowest}`);
    stream.leave();
  });

  it('heartbeats keep a silent stream open, past the time-out of the front', async (t) => {
    const impatient = await Front.start(broker.httpPort, { ...facts, silence: kSilence });
    const page = new H2Client(impatient.url, address);
    t.after(async () => {
      page.close();
      await impatient.stop();
    });
    const beaten = page.ask(events(`${name}/silent`));
    const silent = page.ask(`${events(`${name}/silent`)}&heartbeat=60`);
    await opened(beaten, silent);
    const begun = performance.now();
    await until(() => beaten.heartbeats > 3 && performance.now() - begun > kSilence * 1000, 'heartbeats, for longer than that');
    assert.equal(beaten.ended, false, 'the stream with heartbeats goes on');
    if (facts.cuts) await until(() => silent.ended, 'the front cuts the one without');
    if (facts.cuts === false) assert.equal(silent.ended, false);
    await broker.publish(`${name}/silent`, 'after the silence');
    await until(() => beaten.data.includes('after the silence'), 'an event comes');
  });

  it('a client that presents its last id gets what it missed', async () => {
    const channel = `${name}/resume`;
    const first = client.ask(events(channel));
    await opened(first);
    await broker.publish(channel, 'one');
    await until(() => first.data.length === 1, 'the first event comes');
    first.leave();
    for (const data of ['two', 'three']) await broker.publish(channel, data);
    const second = client.ask(events(channel), { 'last-event-id': first.lastId });
    await until(() => second.data.length === 2, 'what it missed comes');
    assert.deepEqual(second.data, ['two', 'three']);
    second.leave();
  });

  it('a client that has left is gone', async () => {
    const channel = `${name}/leaving`;
    const leaving = client.ask(events(channel));
    const neighbour = client.ask(events(channel));
    await opened(leaving, neighbour);
    await until(async () => (await subscribers(channel)) === 2, 'both are there');
    leaving.leave();
    await until(async () => (await subscribers(channel)) === 1, 'one is there', 5);
    await broker.publish(channel, 'still there');
    await until(() => neighbour.data.length === 1, 'it gets its events');
    neighbour.leave();
  });

  it('a stream that is complete has its end event, and one that is to come back has none', async () => {
    const complete = client.ask(events(`${name}/finished`));
    const comeBack = client.ask(`/short-lived?channel=${name}/unfinished`);
    await opened(complete, comeBack);
    await broker.publish(`${name}/finished`, 'last');
    await broker.finish(`${name}/finished`);
    await until(() => complete.ended && comeBack.ended, 'both end');
    assert.match(complete.text, /data: last\n.*event: end\n/s);
    assert.equal(complete.clean, true);
    assert.equal(await ending(`${name}/finished`), 'stream_complete');
    assert.doesNotMatch(comeBack.text, /^event: end$/m);
    assert.equal(await ending(`${name}/unfinished`), 'lived_out');
    assert.equal(comeBack.clean ? 'clean' : 'unclean', facts.comeBack);
    const again = client.ask(events(`${name}/finished`), { 'last-event-id': complete.lastId });
    await until(() => again.ended, 'it is answered');
    assert.equal(again.status, 204);
  });

  it('the access log has the address of the client, not that of the front', async () => {
    const channel = `${name}/address`;
    const stream = client.ask(events(channel), { 'x-forwarded-for': '192.0.2.1' });
    await opened(stream);
    stream.leave();
    await ending(channel);
    assert.equal(accessLines(channel)[0].client, address);
  });

  it('a client that does not read is disconnected, and harms no other', async (t) => {
    const channel = `${name}/slow`;
    const other = new H2Client(front.url, address);
    t.after(() => other.close());
    const slow = client.ask(events(channel));
    const neighbours = [other, ...(facts.blocks ? [] : [client])].map((one) => one.ask(events(channel)));
    await opened(slow, ...neighbours);
    slow.stream.pause();
    const publisher = await new Publisher(broker.socket, 'ndjson').connect();
    t.after(() => publisher.close());
    const text = 'x'.repeat(60_000);
    const count = 100; // six megabytes: more than the buffers on the way hold
    for (let sent = 0; sent < count; ++sent) {
      publisher.publish(channel, `${sent} ${text}`);
      await until(() => neighbours.every(({ data }) => data.length > sent), () => `all have event ${sent}: ${neighbours.map(({ data }) => data.length)}`);
    }
    const ended = () => accessLines(channel)[0]?.end;
    if (facts.slow) {
      await until(ended, 'the broker ends the stream');
      assert.equal(ended(), 'slow_stalled');
    } else {
      const heartbeats = () => neighbours[0].heartbeats;
      const seen = heartbeats();
      await until(() => heartbeats() > seen + 3, 'longer than a stream may stall');
      assert.equal(ended(), undefined, 'the front takes everything, and the broker cannot notice');
    }
    await broker.publish(channel, `${count} is the last`);
    await until(() => neighbours.every(({ data }) => data.length > count), 'the neighbours go on');
    for (const { data, ended: over } of neighbours) {
      assert.deepEqual(data.map((one) => parseInt(one, 10)), Array.from({ length: count + 1 }, (_, i) => i));
      assert.equal(over, false);
    }
    slow.leave();
    for (const one of neighbours) one.leave();
  });
}
