// SIGUSR2: another process takes the broker's place, and nobody notices (docs/decisions/0025-hand-over.md).
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import http2 from 'node:http2';
import { join } from 'node:path';
import { test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { fanfare, kBinary, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const number = (id) => Number(id.split('-')[1]);

// Publishes one event after another, each under a key, until it is acked; resolves with what was acked when it is stopped.
function publishing(broker, channels) {
  const acked = [];
  const state = { acked, stopped: false, retries: 0 };
  state.ended = (async () => {
    for (let i = 0; !state.stopped; ++i) {
      const channel = channels[i % channels.length];
      for (;;) {
        try {
          acked.push({ channel, data: `${i}`, id: await broker.publish(channel, `${i}`, { key: `key-${i}` }) });
          break;
        } catch {
          state.retries += 1;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    }
  })();
  state.stop = async () => { state.stopped = true; await state.ended; return acked; };
  return state;
}

// Asks in a loop, each time on a connection of its own: none is refused, none breaks off.
function connecting(broker) {
  const state = { answers: 0, problems: [], stopped: false };
  const ended = (async () => {
    while (!state.stopped) {
      try {
        const { status } = await request(`${broker.url}/position`);
        if (status === 200) state.answers += 1;
        else state.problems.push(status);
      } catch (error) { state.problems.push(`${error}`); }
    }
  })();
  state.stop = async () => { state.stopped = true; await ended; };
  return state;
}

const eventsOf = (text) => [...text.matchAll(/^data: (.*)\nid: (\S+)$/gm)].map(([, data, id]) => ({ id, data }));

for (const [backend, upgrades] of [['io_uring', 10], ['epoll', 4]]) {
  test(`a hundred streams live through ${upgrades} upgrades under load on ${backend}`, async (t) => {
    const broker = await Broker.start({ set: ['server.shards=2', `server.backend=${backend}`, 'delivery.heartbeat=1s'] });
    t.after(() => broker.stop());
    const channels = Array.from({ length: 5 }, (_, i) => `load/${i}`);
    const sources = Array.from({ length: 80 }, (_, i) => new Subscriber(broker.url, i % 2 === 0 ? [`load/${i % 5}`] : ['load/*']));
    const curls = Array.from({ length: 20 }, (_, i) => start('curl', ['-sSN', ...(i === 0 ? ['--http1.0'] : []),
      `${broker.url}/events?channel=load/${i % 5}`]));
    t.after(() => { for (const source of sources) source.close(); for (const curl of curls) curl.child.kill(); });
    await until(async () => (await broker.metric('subscribers')) === 100, 'all are there');
    const load = publishing(broker, channels);
    const asking = connecting(broker);
    let silence = 0;
    let last = performance.now();
    sources[1].onEvent = () => {
      silence = Math.max(silence, performance.now() - last);
      last = performance.now();
    };
    for (let i = 0; i < upgrades; ++i) {
      const before = load.acked.length;
      const said = await broker.upgrade();
      assert.match(said, /took over from process \d+: 100 streams/);
      await until(() => load.acked.length > before + 10, 'publishing goes on');
    }
    await asking.stop();
    const acked = await load.stop();
    const expected = (topic) => acked.filter(({ channel }) => topic === 'load/*' || channel === topic);
    for (const [i, source] of sources.entries()) {
      const wanted = expected(i % 2 === 0 ? `load/${i % 5}` : 'load/*');
      await until(() => source.events.length >= wanted.length, () => `source ${i}: ${source.events.length} of ${wanted.length}`);
      assert.deepEqual(source.events.map(({ id, data }) => ({ id, data })), wanted.map(({ id, data }) => ({ id, data })), `source ${i}`);
      assert.equal(source.connections.length, 1, `source ${i} never came back`);
      assert.equal(source.gaps.length, 0);
    }
    for (const [i, curl] of curls.entries()) {
      const wanted = expected(`load/${i % 5}`);
      await until(() => eventsOf(curl.stdout).length >= wanted.length, `curl ${i} has all`);
      assert.deepEqual(eventsOf(curl.stdout), wanted.map(({ id, data }) => ({ id, data })), `curl ${i}`);
      assert.ok(curl.running, `curl ${i} still streams`);
    }
    assert.deepEqual(asking.problems, []);
    t.diagnostic(`${acked.length} events, ${load.retries} publishes tried again, ${asking.answers} answers; longest silence ${Math.round(silence)} ms`);
    assert.ok(silence < 5000, `${silence} ms`);
    sources[0].close();
    await until(async () => (await broker.metric('subscribers')) === 99, 'one that leaves is noticed');
    assert.equal(await broker.stop(), 0);
  });
}

test('history, keys and finished channels go over; who speaks TLS or HTTP/2 comes back and misses nothing', async (t) => {
  const folder = temporaryFolder();
  const made = await fanfare(['cert', '--self-signed', folder]);
  assert.equal(made.code, 0, made.stderr);
  const certificate = join(folder, 'certificate.pem');
  const manager = start('socat', ['-u', `UNIX-RECVFROM:${join(folder, 'notify.sock')},fork`, `OPEN:${join(folder, 'told')},creat,append`]);
  t.after(() => manager.child.kill());
  await until(() => existsSync(join(folder, 'notify.sock')), 'a service manager listens');
  const told = () => readFileSync(join(folder, 'told'), 'utf8');
  const broker = await Broker.start({ env: { NOTIFY_SOCKET: join(folder, 'notify.sock') },
    set: ['server.shards=2', 'delivery.retry=100ms', 'listen.https=127.0.0.1:0', `tls.certificate=${certificate}`, `tls.key=${join(folder, 'key.pem')}`] });
  t.after(() => broker.stop());
  const port = Number(/subscribers: https:\/\/127\.0\.0\.1:(\d+)/.exec(broker.log)[1]);
  const first = await broker.publish('news', 'one', { key: 'first' });
  await broker.publish('news', 'two');
  await broker.publish('over', 'last words');
  await broker.finish('over');

  const secure = { text: '' };
  secure.request = https.get({ host: '127.0.0.1', port, path: '/events?channel=news&replay=10', rejectUnauthorized: false, agent: false }, (answer) => {
    answer.setEncoding('utf8').on('data', (text) => { secure.text += text; });
    answer.on('error', () => {}).on('close', () => { secure.ended = true; secure.complete = answer.complete; });
  });
  const session = http2.connect(broker.url);
  session.on('error', () => {});
  const multiplexed = { text: '' };
  const stream = session.request({ ':path': '/events?channel=news&replay=10' });
  stream.setEncoding('utf8').on('data', (text) => { multiplexed.text += text; });
  stream.on('error', () => {}).on('close', () => { multiplexed.code = stream.rstCode; });
  await until(() => secure.text.includes('data: two') && multiplexed.text.includes('data: two'), 'both read');

  const said = await broker.upgrade();
  assert.match(said, /took over from process \d+: 0 streams/);
  await until(() => told().includes(`MAINPID=${broker.pid}`) && told().split('READY=1').length === 3, () => `the manager follows: ${told()}`);
  const third = await broker.publish('news', 'three');
  assert.equal(number(third), number(first) + 3, 'numbers go on');
  assert.equal(third.split('-')[0], first.split('-')[0], 'so does the epoch');
  assert.equal(await broker.publish('news', 'again', { key: 'first' }), first, 'its key is known');
  await until(() => secure.ended && multiplexed.code !== undefined, 'both are told to come back');
  assert.equal(secure.complete, false);
  assert.equal(multiplexed.code, http2.constants.NGHTTP2_CANCEL);
  for (const { text } of [secure, multiplexed]) {
    assert.match(text, /^retry: \d+\n+$/m, 'with the time after which');
    const id = eventsOf(text).at(-1).id;
    const rest = new Subscriber(broker.url, ['news'], { headers: { 'Last-Event-ID': id } });
    t.after(() => rest.close());
    assert.deepEqual((await rest.count(1)).map(({ data }) => data), ['three']);
    assert.equal(rest.gaps.length, 0);
  }
  session.destroy();
  assert.equal((await request(`${broker.url}/events?channel=over&last_event_id=${third}`)).status, 204);
  const all = new Subscriber(broker.url, 'channel=news&replay=100');
  t.after(() => all.close());
  assert.deepEqual((await all.count(3)).map(({ data }) => data), ['one', 'two', 'three']);
  assert.equal(all.gaps.length, 0);
});

test('a successor that fails, at whatever moment, changes nothing', async (t) => {
  const binary = join(temporaryFolder(), 'fanfare');
  copyFileSync(kBinary, binary);
  const broker = await Broker.start({ binary, set: ['server.shards=2'] });
  t.after(() => broker.stop());
  const source = new Subscriber(broker.url, ['news']);
  t.after(() => source.close());
  await source.opened();
  const replace = (text) => {
    writeFileSync(`${binary}.new`, text);
    chmodSync(`${binary}.new`, 0o755);
    renameSync(`${binary}.new`, binary);
  };
  const python = (...lines) => ['#!/usr/bin/python3 -IS', 'import os, socket, struct, sys',
    'end = socket.socket(fileno=int(os.environ["FANFARE_HAND_OVER"]))', ...lines, ''].join('\n');
  const ready = (version) => `end.send(struct.pack("=BI", 0, ${version}))`;
  const failures = {
    'does not start': ['no program', /cannot start|did not come up/],
    'ends at once': ['#!/bin/sh\nexit 78\n', /the new process did not come up; this process goes on/],
    'speaks another version': [python(ready(99), 'end.recv(100)'), /speaks version 99 of the hand-over.*restart the broker instead; this process goes on/],
    'dies when it has the log': [python(ready(1), 'end.recv(100000)'), /the new process did not take over; this process goes on/],
    'dies when it has everything': [python(ready(1), 'alls = 0', 'while alls < 2:', '  alls += end.recv(100000) == bytes([4])'), /did not take over/],
  };
  let events = 0;
  for (const [name, [text, expected]] of Object.entries(failures)) {
    replace(text);
    assert.match(await broker.upgrade({ serves: false }), expected, name);
    await broker.publish('news', name);
    await source.count(++events);
    assert.equal((await request(`${broker.url}/position`)).status, 200);
  }
  replace(readFileSync(kBinary));
  await broker.upgrade();
  await broker.publish('news', 'at last');
  await source.count(events + 1);
  assert.deepEqual(source.data, [...Object.keys(failures), 'at last']);
  assert.equal(source.connections.length, 1);
});
