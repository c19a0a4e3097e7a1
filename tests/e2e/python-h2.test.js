// Python's h2 as a client, in clear and over TLS: it has windows of 64 KiB, and takes a GOAWAY for the end of its connection.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Broker } from './harness/broker.js';
import { fanfare, start } from './harness/command.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { temporaryFolder } from './harness/folder.js';
import { until, within } from './harness/wait.js';

const kReader = fileURLToPath(new URL('../clients/readers/h2_reader.py', import.meta.url));
const folder = temporaryFolder();
const certificate = join(folder, 'certificate.pem');
let broker;

before(async () => {
  await fanfare(['cert', '--self-signed', folder, '--name', '127.0.0.1']);
  const set = [`tls.certificate=${certificate}`, `tls.key=${join(folder, 'key.pem')}`,
    'server.shards=2', 'delivery.retry=100ms', 'limits.drain=500ms'];
  broker = await Broker.start({ set: ['listen.https=127.0.0.1:0', ...set] });
  broker.set = [`listen.https=127.0.0.1:${port('https')}`, ...set]; // the same when it begins again
});
after(() => broker?.stop());

const port = (scheme) => Number(new RegExp(`subscribers: ${scheme}://127\\.0\\.0\\.1:(\\d+)`).exec(broker.log)[1]);

// One connection with a stream for each of `channels`.
class Reader {
  constructor(t, scheme, to, channels) {
    this.channels = channels;
    const urls = channels.map((channel) => `${scheme}://127.0.0.1:${to}/events?channel=${channel}`);
    this.program = start('/usr/bin/python3', [kReader, '--ca', certificate, ...urls], { stdin: 'pipe' });
    t.after(() => this.program.child.kill('SIGKILL'));
  }

  async open() {
    await until(() => this.channels.every((_, i) => this.lines(i).includes('open')),
      () => `all streams are open: ${this.program.stdout}${this.program.stderr}`);
    return this;
  }

  // Not by a pattern's "." and "$": U+2028 ends a line there.
  lines(i) { return this.program.stdout.split('\n').filter((line) => line.startsWith(`${i} `)).map((line) => line.slice(`${i} `.length)); }
  events(i) { return this.lines(i).filter((line) => line.includes(':')); }
  count(word) { return this.program.stdout.split('\n').filter((line) => line === word).length; }
  say(line) { this.program.child.stdin.write(`${line}\n`); }

  // Kills nobody: the program has to end by itself.
  async ended() { return (await within(this.program.ended, 'the program ends')).code; }
}

const numbered = (name, count) => Array.from({ length: count }, (_, i) => `${name} ${i} `);

for (const scheme of ['http', 'https']) {
  const over = scheme === 'https' ? 'over TLS' : 'by prior knowledge';

  test(`${over}: streams share a connection, one is reset, and the others go on until they are finished`, async (t) => {
    const channels = ['a', 'b', 'c'].map((name) => `${scheme}/${name}`);
    const reader = await new Reader(t, scheme, port(scheme), channels).open();
    for (const channel of channels) await broker.publish(channel, `to ${channel} 一\u2028`, { event: 'tick' });
    await until(() => channels.every((_, i) => reader.events(i).length === 1), 'each has its event');
    channels.forEach((channel, i) => assert.deepEqual(reader.events(i), [`tick:to ${channel} 一\u2028`]));
    await until(async () => (await broker.metric('subscribers')) === 3, 'all are counted'); // once a second
    await until(async () => (await broker.metric('h2_connections_open')) === 1, 'on one connection');
    reader.say('reset 1');
    await until(async () => (await broker.metric('subscribers')) === 2, 'a stream that is reset is free', 2); // counted once a second
    for (const channel of channels) await broker.publish(channel, 'more');
    await until(() => [0, 2].every((i) => reader.events(i).length === 2), 'the others go on');
    for (const channel of channels) await broker.finish(channel);
    assert.equal(await reader.ended(), 0, reader.program.stderr);
    assert.deepEqual([0, 1, 2].map((i) => reader.lines(i).at(-1)), ['finished', `tick:to ${channels[1]} 一\u2028`, 'finished']);
  });

  test(`${over}: a stream that acknowledges late has everything in the end, and its neighbours do not wait`, async (t) => {
    const channels = ['late', 'prompt', 'too'].map((name) => `${scheme}/${name}`);
    const reader = await new Reader(t, scheme, port(scheme), channels).open();
    reader.say('hold 0');
    const kEvents = 40;
    const filler = 'x'.repeat(8_000); // each stream is sent five windows' worth
    for (let i = 0; i < kEvents; ++i) {
      for (const channel of channels) await broker.publish(channel, `${channel} ${i} ${filler}`);
    }
    const seen = (i) => reader.events(i).map((line) => line.slice('message:'.length, -filler.length));
    await until(() => [1, 2].every((i) => seen(i).length === kEvents), 'its neighbours have everything');
    const early = seen(0).length;
    assert.ok(early < 8, `${early} of ${kEvents} events came on a stream that has acknowledged none`);
    reader.say('release 0');
    await until(() => seen(0).length === kEvents, 'it has everything when it has acknowledged');
    channels.forEach((channel, i) => assert.deepEqual(seen(i), numbered(channel, kEvents)));
    assert.equal(reader.count('connected'), 1);
    assert.ok(!reader.lines(0).includes('reset'));
  });

  test(`${over}: every stream resumes when the connection is cut`, async (t) => {
    const proxy = await CuttingProxy.start(port(scheme));
    t.after(() => proxy.close());
    const channels = ['x', 'y'].map((name) => `${scheme}/${name}`);
    const reader = await new Reader(t, scheme, proxy.port, channels).open();
    const kCuts = 5;
    for (let i = 0; i < kCuts; ++i) {
      for (const channel of channels) await broker.publish(channel, `${channel} ${2 * i} `);
      await until(() => channels.every((_, j) => reader.events(j).length > 2 * i), 'it is there');
      proxy.cut();
      for (const channel of channels) await broker.publish(channel, `${channel} ${2 * i + 1} `);
    }
    await until(() => channels.every((_, j) => reader.events(j).length >= 2 * kCuts), 'everything has come');
    channels.forEach((channel, j) => assert.deepEqual(reader.events(j), numbered(`message:${channel}`, 2 * kCuts)));
    assert.ok(reader.count('connected') > kCuts);
  });

  test(`${over}: a broker that stops says GOAWAY, and every stream comes back when it is there again`, async (t) => {
    const channels = ['one', 'two'].map((name) => `${scheme}/${name}`);
    const reader = await new Reader(t, scheme, port(scheme), channels).open();
    for (const channel of channels) await broker.publish(channel, 'before');
    await until(() => channels.every((_, i) => reader.events(i).length === 1), 'each has its event');
    assert.equal(await broker.stop(), 0);
    await until(() => reader.count('goaway') > 0, 'it is told');
    await broker.begin();
    for (const channel of channels) await broker.publish(channel, 'after');
    await until(() => channels.every((_, i) => reader.events(i).length === 3), 'each comes back');
    channels.forEach((_, i) => {
      const [before, gap, after] = reader.events(i);
      assert.deepEqual([before, after], ['message:before', 'message:after']);
      assert.match(gap, /^gap:.*"reason":"restarted"/);
    });
  });
}
