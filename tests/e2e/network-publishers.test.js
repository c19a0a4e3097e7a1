// Publishing over TCP with a token: redis-cli, curl, Redis libraries as people have them, and lines of JSON; what nobody may
// do without one; keys that are exchanged while publishers are connected.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { fanfare, run } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { TokenIssuer } from './harness/tokens.js';
import { until } from './harness/wait.js';

const require = createRequire(import.meta.url);
const { createClient } = require('@redis/client');
const { Redis } = require('ioredis');

const folder = temporaryFolder();
const keyFile = join(folder, 'publishers.pem');
const issuer = new TokenIssuer('EdDSA');
const tokenFor = (publish, claims = {}) => issuer.token(undefined, { publish, ...claims });
const good = tokenFor(['net/**']);

let broker;
let port;
before(async () => {
  writeFileSync(keyFile, issuer.keyFile);
  broker = await Broker.start({
    set: ['server.shards=2', 'publish.listen=127.0.0.1:0', `publish.keys=${keyFile}`, 'publish.leeway=0s', 'limits.head_time=2s',
      'token.need=optional'],
  });
  port = Number(/publishers, with a token: 127\.0\.0\.1:(\d+)/.exec(broker.log)[1]);
});
after(async () => {
  await broker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function subscribed(context, ...channels) {
  const subscriber = await new Subscriber(broker.url, channels).opened();
  context.after(() => subscriber.close());
  return subscriber;
}
const cli = (...words) => run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...words]);

test('redis-cli publishes with -a, and is told why without', async (t) => {
  const seen = await subscribed(t, 'net/cli');
  assert.match((await cli('PUBLISH', 'net/cli', 'no')).stdout, /^NOAUTH a publisher's token is needed here/);
  assert.equal((await cli('--no-auth-warning', '-a', good, 'PUBLISH', 'net/cli', 'one')).stdout, '1\n');
  assert.equal((await cli('--no-auth-warning', '--user', 'app', '--pass', good, '-3', 'PUBLISH', 'net/cli', 'two')).stdout, '1\n');
  assert.match((await cli('--no-auth-warning', '-a', good, 'PUBLISH', 'other', 'no')).stdout,
    /^NOPERM the token does not grant the channel "other"/);
  assert.match((await cli('--no-auth-warning', '-a', `${good.slice(0, -8)}AAAAAAAA`, 'PING')).stderr, /AUTH failed: WRONGPASS/);
  await seen.count(2);
  assert.deepEqual(seen.data, ['one', 'two']);
});

test('curl publishes with a bearer token; a body without one is not read', async (t) => {
  const seen = await subscribed(t, 'net/curl');
  const url = `http://127.0.0.1:${port}/publish/net/curl`;
  const without = await run('curl', ['-sS', '-i', '-d', 'no', url]);
  assert.match(without.stdout, /^HTTP\/1.1 401 Unauthorized\r\n[^]*WWW-Authenticate: Bearer realm="fanfare"\r\n/);
  const bearer = ['-H', `Authorization: Bearer ${good}`];
  assert.match((await run('curl', ['-sS', ...bearer, '-d', 'one', url])).stdout, /^\{"id":"/);
  const lines = '{"channel":"net/curl","data":"two"}\n{"channel":"other","data":"no"}\n';
  const batch = await run('curl', ['-sS', ...bearer, '-H', 'Content-Type: application/x-ndjson', '--data-binary', lines,
    `http://127.0.0.1:${port}/publish`]);
  assert.match(batch.stdout, /^\{"ok":true,[^\n]*\n\{"ok":false,"error":"the token does not grant the channel/);
  const refused = await run('curl', ['-sS', '-i', ...bearer, '-d', 'no', `http://127.0.0.1:${port}/publish/other`]);
  assert.match(refused.stdout, /^HTTP\/1.1 403 [^]*error="insufficient_scope"/);
  await seen.count(2);
  assert.deepEqual(seen.data, ['one', 'two']);
});

test('node-redis publishes with a password, in RESP3 and in transactions', async (t) => {
  const seen = await subscribed(t, 'net/node');
  const client = createClient({ socket: { host: '127.0.0.1', port }, password: good });
  client.on('error', (error) => assert.fail(error));
  await client.connect();
  t.after(() => client.destroy());
  assert.match(await client.sendCommand(['CLIENT', 'INFO']), /resp=3/);
  assert.equal(await client.publish('net/node', 'one'), 1);
  assert.deepEqual(await client.multi().publish('net/node', 'two').publish('net/node', 'three').exec(), [1, 1]);
  await assert.rejects(client.publish('other', 'no'), /NOPERM/);
  await assert.rejects(client.multi().publish('net/node', 'no').publish('other', 'no').exec());
  await seen.count(3);
  assert.deepEqual(seen.data, ['one', 'two', 'three']);
});

test('node-redis without a password, or with a bad one, does not connect', async () => {
  for (const password of [undefined, 'guess']) {
    const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false }, password });
    client.on('error', () => {});
    await assert.rejects(async () => { await client.connect(); await client.ping(); }, /NOAUTH|WRONGPASS/);
    client.destroy();
  }
});

test('ioredis publishes with a password', async (t) => {
  const seen = await subscribed(t, 'net/io');
  const client = new Redis({ host: '127.0.0.1', port, username: 'app', password: good, retryStrategy: null });
  t.after(() => client.disconnect());
  assert.equal(await client.publish('net/io', 'one'), 1);
  assert.deepEqual(await client.multi().publish('net/io', 'two').exec(), [[null, 1]]);
  await seen.count(2);
});

// One line at a time, each with its answer.
async function converse(lines) {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', (bytes) => { heard += bytes; });
  socket.on('error', () => {});
  const ended = new Promise((resolve) => { socket.on('close', resolve); });
  for (const line of lines) {
    const before = heard.split('\n').length;
    socket.write(`${JSON.stringify(line)}\n`);
    await until(() => heard.split('\n').length > before, `an answer to ${JSON.stringify(line).slice(0, 60)}`);
  }
  return { socket, ended, answers: () => heard.trim().split('\n').map((line) => JSON.parse(line)) };
}

test('lines of JSON begin with the token', async (t) => {
  const seen = await subscribed(t, 'net/lines');
  const { socket, answers } = await converse([
    { channel: 'net/lines', data: 'no' },
    { op: 'auth', token: good },
    { channel: 'net/lines', data: 'one' },
    { channel: ['net/lines', 'other'], data: 'no' },
    { op: 'watch' },
    { op: 'ticket', channels: ['net/lines'] },
    { op: 'ticket', channels: ['**'] },
  ]);
  socket.end();
  assert.deepEqual(answers().map(({ ok }) => ok), [false, true, true, false, false, true, false]);
  await seen.count(1);
  assert.deepEqual(seen.data, ['one']);
});

test('a token that expires publishes no more, and its connection ends', async () => {
  const brief = tokenFor(['net/**'], { seconds: 2 });
  const { socket, ended } = await converse([{ op: 'auth', token: brief }, { channel: 'net/brief', data: 'one' }]);
  let refused = '';
  socket.on('data', (bytes) => { refused += bytes; });
  await until(() => {
    socket.write('{"channel":"net/brief","data":"again"}\n');
    return /the token has expired/.test(refused);
  }, 'the refusal');
  await ended;
  await until(async () => (await broker.metric('closes_total{reason="token_expired"}')) >= 1, 'it is counted');
});

test('a stranger that says nothing, or guesses, is disconnected', async () => {
  const silent = connect(port, '127.0.0.1');
  silent.on('error', () => {});
  await new Promise((resolve) => { silent.on('close', resolve); silent.resume(); });
  const { ended, answers } = await converse([1, 2, 3].map((n) => ({ op: 'auth', token: `guess ${n}` })));
  await ended;
  assert.deepEqual(answers().map(({ ok }) => ok), [false, false, false]);
  await until(async () => (await broker.metric('closes_total{reason="publish_refused"}')) >= 2, 'both are counted');
  assert.match(broker.log, /a publisher at 127\.0\.0\.1:\d+ was refused: /);
  assert.ok(!broker.log.includes(good.split('.')[2]), 'no signature is in the log');
});

test('after a SIGHUP with another key the old one publishes no more', async (t) => {
  const next = new TokenIssuer('ES256');
  const client = new Redis({ host: '127.0.0.1', port, password: good, retryStrategy: null });
  client.on('error', () => {});
  t.after(() => client.disconnect());
  assert.equal(await client.publish('net/rotate', 'one'), 0);
  writeFileSync(keyFile, next.keyFile);
  broker.process.child.kill('SIGHUP');
  await until(() => /publishers' tokens: 1 key: ES256/.test(broker.log), 'the new key is read');
  await until(async () => client.publish('net/rotate', 'again').then(() => false, (error) => /NOAUTH/.test(error.message)), 'the refusal');
  const other = new Redis({ host: '127.0.0.1', port, password: next.token(undefined, { publish: ['net/rotate'] }), retryStrategy: null });
  t.after(() => other.disconnect());
  assert.equal(await other.publish('net/rotate', 'two'), 0);
});

test('without keys, publishing over TCP is a configuration error', async () => {
  const { code, stderr } = await fanfare(['check', '--set', 'publish.listen=127.0.0.1:7600']);
  assert.equal(code, 78);
  assert.match(stderr, /publishing over TCP needs a token: name the keys/);
});
