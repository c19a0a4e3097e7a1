// HTTP/2 by prior knowledge, with the clients that people have: Node's http2, curl, nghttp, h2load.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { start } from './harness/command.js';
import { until, within } from './harness/wait.js';

let broker;

before(async () => { broker = await Broker.start({ set: ['server.shards=2', 'limits.drain=2s'] }); });
after(async () => { await broker?.stop(); });

// One connection of Node's.
class Session {
  constructor(url) {
    const { hostname, port } = new URL(url);
    this.socket = net.connect(Number(port), hostname);
    this.session = http2.connect(url, { createConnection: () => this.socket });
    this.session.on('error', () => {});
    this.goaways = [];
    this.session.on('goaway', (code) => this.goaways.push(code));
    this.closed = new Promise((resolve) => { this.session.once('close', resolve); });
  }

  ask(path, headers = {}, body) {
    const stream = this.session.request({ ':path': path, ...headers }, { endStream: body === undefined });
    const answer = { stream, text: '', status: 0 };
    stream.setEncoding('utf8');
    stream.on('response', (fields) => { answer.status = fields[':status']; answer.fields = fields; });
    stream.on('data', (text) => { answer.text += text; });
    stream.on('error', () => {});
    answer.ended = new Promise((resolve) => { stream.once('close', () => resolve(stream.rstCode)); });
    if (body !== undefined) stream.end(body);
    return answer;
  }

  destroy() { this.session.destroy(); }
}
const data = ({ text }) => [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => line);
const lastId = ({ text }) => [...text.matchAll(/^id: (.*)$/gm)].at(-1)[1];

test('thirty subscriptions and plain answers share one connection', async () => {
  const before = await broker.metric('connections_open');
  const client = new Session(broker.url);
  const streams = Array.from({ length: 30 }, (_, i) => (i % 2 === 0
    ? client.ask(`/events?channel=tab/${i}`)
    : client.ask('/events', { ':method': 'POST', 'content-type': 'application/json' },
      JSON.stringify({ channels: [`tab/${i}`] }))));
  await until(() => streams.every(({ text }) => text.includes('retry:')), 'all streams are open');
  const answers = Array.from({ length: 20 }, () => client.ask('/fanfare.js'));
  for (const answer of answers) await answer.ended;
  assert.ok(answers.every(({ status, text }) => status === 200 && text.length > 1000));
  for (let round = 0; round < 3; ++round) {
    for (let i = 0; i < 30; ++i) await broker.publish(`tab/${i}`, `${round}.${i}`);
  }
  await until(() => streams.every((stream) => data(stream).length === 3), 'each has its events');
  streams.forEach((stream, i) => assert.deepEqual(data(stream), [`0.${i}`, `1.${i}`, `2.${i}`]));
  await until(async () => (await broker.metric('connections_open')) === before + 1, 'one connection'); // as of the last second
  await until(async () => (await broker.metric('h2_connections_open')) === 1, 'and that is HTTP/2');
  client.destroy();
  await until(async () => (await broker.metric('subscribers')) === 0, 'all of it is free');
});

test('a stream that is reset is free within a second, and its neighbour goes on', async () => {
  const client = new Session(broker.url);
  const closing = client.ask('/events?channel=page');
  const staying = client.ask('/events?channel=page');
  await until(async () => (await broker.metric('subscribers')) === 2, 'both are there');
  closing.stream.close(http2.constants.NGHTTP2_CANCEL);
  await until(async () => (await broker.metric('subscribers')) === 1, 'one is free', 1);
  await broker.publish('page', 'still');
  await until(() => data(staying).length === 1, 'the other goes on');
  client.destroy();
});

test('a client whose connection was cut resumes every stream', async () => {
  let client = new Session(broker.url);
  const channels = ['a', 'b', 'c'];
  let streams = channels.map((name) => client.ask(`/events?channel=cut/${name}`));
  await until(() => streams.every(({ text }) => text.includes('retry:')), 'all streams are open');
  const heard = channels.map(() => []);
  for (let round = 0; round < 5; ++round) {
    for (const name of channels) await broker.publish(`cut/${name}`, `${name}${round}`);
    await until(() => streams.every((stream) => data(stream).length > 0), 'something has come');
    const cursors = streams.map(lastId);
    client.socket.resetAndDestroy();
    streams.forEach((stream, i) => heard[i].push(...data(stream)));
    client.destroy();
    for (const name of channels) await broker.publish(`cut/${name}`, `${name}${round}+`);
    client = new Session(broker.url);
    const cursor = (i) => ({ 'last-event-id': cursors[i] });
    streams = channels.map((name, i) => client.ask(`/events?channel=cut/${name}`, cursor(i)));
    await until(() => streams.every((stream) => data(stream).length > 0), 'what was missed comes');
  }
  streams.forEach((stream, i) => heard[i].push(...data(stream)));
  channels.forEach((name, i) => {
    const expected = Array.from({ length: 5 }, (_, round) => [`${name}${round}`, `${name}${round}+`]);
    assert.deepEqual([...new Set(heard[i])], expected.flat());
  });
  client.destroy();
});

test('curl subscribes by prior knowledge', async () => {
  const running = start('curl', ['-sSNi', '--max-time', '30', '--http2-prior-knowledge',
    `${broker.url}/events?channel=curl`]);
  await until(() => running.stdout.includes('retry:'), 'the stream is open');
  assert.match(running.stdout, /^HTTP\/2 200/);
  assert.doesNotMatch(running.stdout, /^(connection|transfer-encoding|keep-alive):/im);
  await broker.publish('curl', 'hello');
  await until(() => running.stdout.includes('data: hello'), 'the event comes');
  running.child.kill('SIGTERM');
  await running.ended;
});

test('nghttp and h2load get plain answers, many at a time', async () => {
  const one = start('nghttp', ['-v', '-H', 'accept-encoding: identity', `${broker.url}/position?channel=a`]);
  assert.equal((await one.ended).code, 0, one.stderr);
  assert.match(one.stdout, /:status: 200/);
  const load = start('h2load', ['-n', '2000', '-c', '4', '-m', '100', `${broker.url}/fanfare.js`]);
  assert.equal((await load.ended).code, 0, load.stderr);
  assert.match(load.stdout, /2000 succeeded, 0 failed, 0 errored/);
});

test('HTTP/1.1 on the same port is served beside it', async () => {
  const client = new Session(broker.url);
  const stream = client.ask('/events?channel=both');
  const old = start('curl', ['-sSN', '--max-time', '30', `${broker.url}/events?channel=both`]);
  await until(() => old.stdout.includes('retry:') && stream.text.includes('retry:'), 'both are open');
  await broker.publish('both', 'x');
  await until(() => old.stdout.includes('data: x') && data(stream).length === 1, 'both have it');
  old.child.kill('SIGTERM');
  await old.ended;
  client.destroy();
});

test('a broker that stops says goodbye, and tells each stream to come back', async () => {
  const client = new Session(broker.url);
  const streams = Array.from({ length: 10 }, (_, i) => client.ask(`/events?channel=last/${i}`));
  await until(() => streams.every(({ text }) => text.includes('retry:')), 'all streams are open');
  const stopped = broker.stop();
  for (const stream of streams) {
    assert.equal(await within(stream.ended, 'the stream ends'), http2.constants.NGHTTP2_CANCEL);
    assert.equal([...stream.text.matchAll(/^retry: \d+$/gm)].length, 2, 'one at the end, too');
  }
  await within(client.closed, 'the connection ends');
  assert.ok(client.goaways.length > 0 && client.goaways.every((code) => code === 0), 'GOAWAY');
  assert.equal(await stopped, 0);
});
