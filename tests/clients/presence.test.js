// An Express application that a page asks who is online, and that the broker tells which rooms are occupied.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Broker } from '../e2e/harness/broker.js';
import { temporaryFolder } from '../e2e/harness/folder.js';
import { Subscriber } from '../e2e/harness/subscriber.js';
import { until } from '../e2e/harness/wait.js';
import { online } from './apps/online.js';

const kSecret = 'between the two';

test('who is online, from a page through the application', async (t) => {
  const folder = temporaryFolder();
  let served;
  const config = join(folder, 'broker.toml');
  const port = await new Promise((resolve) => {
    served = online({ socket: join(folder, 'ingest.sock'), secret: kSecret });
    const server = served.app.listen(0, '127.0.0.1', () => resolve(server.address().port));
    t.after(() => { server.closeAllConnections(); server.close(); });
  });
  writeFileSync(config, `[[hook]]\nurl = "http://127.0.0.1:${port}/hooks"\nchannels = ["room/*"]\n` +
    `secret = "${kSecret}"\nsettle = "200ms"\n\n[token]\nneed = "optional"\n`);
  const broker = await Broker.start({ config, set: [`listen.ingest=${join(folder, 'ingest.sock')}`] });
  broker.socket = join(folder, 'ingest.sock');
  t.after(() => broker.stop());
  const ticket = async (sub) => {
    const { request } = await import('node:http');
    return new Promise((resolve, reject) => {
      request({ socketPath: broker.socket, path: '/ticket', method: 'POST' }, async (answer) => {
        let text = '';
        for await (const piece of answer) text += piece;
        resolve(JSON.parse(text).ticket);
      }).on('error', reject).end(JSON.stringify({ channels: ['room/*'], sub }));
    });
  };
  const streams = [];
  for (const sub of ['ann', 'ann', 'bob']) {
    streams.push(await new Subscriber(broker.url, `channel=room/7&ticket=${await ticket(sub)}`).opened());
  }
  const page = async () => (await fetch(`http://127.0.0.1:${port}/online/7`)).json();
  assert.deepEqual(await page(), ['ann', 'bob']);
  await until(() => served.rooms.has('room/7'), 'the room is occupied');
  const forged = await fetch(`http://127.0.0.1:${port}/hooks`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"events":[{"name":"reset"}]}',
  });
  assert.equal(forged.status, 401);
  for (const stream of streams) stream.close();
  await until(() => !served.rooms.has('room/7'), 'the room is vacant');
  assert.deepEqual(await page(), []);
});
