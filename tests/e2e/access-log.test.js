// The access log as an operator has it: a file, moved away by logrotate, and nothing secret in it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { fanfare, run } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { TokenIssuer } from './harness/tokens.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const log = join(folder, 'access.log');
const keyFile = join(folder, 'token.pem');
const issuer = new TokenIssuer('EdDSA');
const lines = (file = log) => (existsSync(file) ? readFileSync(file, 'utf8') : '').split('\n').filter(Boolean).map((line) => JSON.parse(line));

let broker;
before(async () => {
  writeFileSync(keyFile, issuer.keyFile);
  broker = await Broker.start({ set: ['server.shards=2', `access.log=${log}`, `token.keys=${keyFile}`] });
});
after(async () => {
  await broker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('curl and a stream have a line each, without their token', async () => {
  const token = issuer.token(['news'], { sub: 'ann' });
  await run('curl', ['-sS', '-A', 'curl "8"', `${broker.url}/events?channel=news`]);
  const subscriber = await new Subscriber(broker.url, `channel=news&token=${token}`).opened();
  subscriber.close();
  await until(() => lines().length === 2, 'two lines');
  // Each shard hands its lines over by itself.
  const [stream, refused] = lines().sort((one, other) => one.status - other.status);
  assert.equal(refused.status, 401);
  assert.equal(refused.agent, 'curl "8"');
  assert.equal(refused.client, '127.0.0.1');
  assert.equal(stream.subject, 'ann');
  assert.deepEqual(stream.channels, ['news']);
  assert.equal(stream.end, 'peer_closed');
  assert.ok(!readFileSync(log, 'utf8').includes(token.split('.')[2]));
});

test('SIGHUP opens the file anew, as logrotate wants it', async () => {
  const before = lines().length;
  renameSync(log, `${log}.1`);
  broker.process.child.kill('SIGHUP');
  await until(() => existsSync(log), 'the new file');
  await run('curl', ['-sS', `${broker.url}/nowhere`]);
  await until(() => lines().length === 1, 'its first line');
  assert.equal(lines(`${log}.1`).length, before);
});

test('a place that cannot be opened is a configuration error at the start', async () => {
  const { code, stderr } = await fanfare(['serve', '--set', `access.log=${folder}/no/such/file`, '--set', 'listen.http=127.0.0.1:0',
    '--set', 'listen.admin=', '--set', `listen.ingest=${folder}/other.sock`]);
  assert.equal(code, 78);
  assert.match(stderr, /\[access\] log: .* cannot be opened/);
});
