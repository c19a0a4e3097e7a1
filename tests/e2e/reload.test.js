// SIGHUP with a real file: what changes at once, what waits, and what is wrong with the new file.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true, force: true }));

async function metric(broker, name) {
  const text = await (await fetch(`${broker.adminUrl}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line && Number(line.split(' ')[1]);
}

async function serving(name, text, options = {}) {
  const config = join(folder, name);
  writeFileSync(config, text);
  const broker = await Broker.start({ config, ...options });
  const reload = async (next) => {
    if (next === null) rmSync(config); else writeFileSync(config, next);
    const before = broker.log.length;
    broker.signal('SIGHUP');
    await until(() => /reload: .*\n/.test(broker.log.slice(before)), 'the log tells of the reload');
    return () => broker.log.slice(before);
  };
  return { broker, reload };
}

async function status(broker, path, headers = {}) {
  const answer = await fetch(`${broker.url}${path}`, { headers });
  await answer.body?.cancel();
  return answer.status;
}

test('limits of a head, channels and history change at once, in /metrics too', async (t) => {
  const { broker, reload } = await serving('limits.toml',
    '[limits]\nhead_bytes = "1KiB"\ntarget_bytes = "512B"\nchannels = 1\n[history]\nevents = 100\n');
  t.after(() => broker.stop());
  for (let i = 0; i < 10; ++i) await broker.publish('a', `${i}`);
  await assert.rejects(broker.publish('b', 'x'));
  const large = { 'X-Large': 'x'.repeat(2000) };
  assert.equal(await status(broker, '/nothing', large), 431);
  await reload('[limits]\nhead_bytes = "4KiB"\ntarget_bytes = "512B"\nchannels = 2\n[history]\nevents = 3\n');
  await until(async () => await status(broker, '/nothing', large) === 404, 'a larger head is read');
  await broker.publish('b', 'x');
  await until(async () => await metric(broker, 'fanfare_limit_head_bytes') === 4096, '/metrics follows');
  assert.equal(await metric(broker, 'fanfare_limit_channels'), 2);
  assert.equal(await metric(broker, 'fanfare_limit_history_events'), 3);
  await until(async () => {
    const seen = await new Subscriber(broker.url, 'channel=a&replay=100', { reconnect: false }).opened();
    t.after(() => seen.close());
    await seen.count(3);
    return seen.data[0] === '7';
  }, 'a channel that exists came down to the new limit');
});

test('a key that needs a restart keeps its value, and the log says so each time', async (t) => {
  const { broker, reload } = await serving('waits.toml', '[limits]\nconnections = 50\n[server]\nshards = 1\n');
  t.after(() => broker.stop());
  const changed = '[limits]\nconnections = 70\n[server]\nshards = 2\n';
  for (let i = 0; i < 2; ++i) {
    const log = await reload(changed);
    await until(() => /limits\.connections: 50 -> 70 \(at the next start\)/.test(log()) &&
                      /server\.shards: 1 -> 2 \(at the next start\)/.test(log()), 'both are named');
  }
  assert.equal(await metric(broker, 'fanfare_limit_connections'), 50);
  assert.equal(await metric(broker, 'fanfare_shards'), 1);
});

test('a bad file changes nothing and the log names every problem; the same for a missing file', async (t) => {
  const { broker, reload } = await serving('bad.toml', '[delivery]\nretry = "2s"\n[limits]\nhead_fields = 50\n');
  t.after(() => broker.stop());
  const log = await reload('[delivery]\nretry = 7\n[limits]\nhead_fields = 60\nhead_bites = 1\n[nonsense]\n');
  await until(() => /nothing was changed/.test(log()), 'nothing is taken over');
  assert.match(log(), /bad\.toml:2:/);
  assert.match(log(), /head_bites/);
  assert.match(log(), /nonsense/);
  assert.equal(await metric(broker, 'fanfare_limit_head_fields'), 50);
  const gone = await reload(null);
  await until(() => /nothing was changed/.test(gone()), 'nothing is taken over');
  assert.match(gone(), /cannot be read/);
  await broker.publish('a', 'still here');
});

test('[[channel]] and [[route]] change at once', async (t) => {
  const { broker, reload } = await serving('rules.toml', '[[route]]\npath = "/old"\nchannels = ["a"]\n');
  t.after(() => broker.stop());
  assert.equal(await status(broker, '/old'), 200);
  assert.equal(await status(broker, '/new'), 404);
  for (let i = 0; i < 10; ++i) await broker.publish('a', `${i}`);
  const log = await reload('[[route]]\npath = "/new"\nchannels = ["a"]\n[[channel]]\nmatch = "a"\nhistory_events = 2\n');
  await until(() => /\[\[channel\]\] rules changed/.test(log()) && /\[\[route\]\] rules changed/.test(log()), 'both are named');
  await until(async () => await status(broker, '/new') === 200, 'the new route is there');
  assert.equal(await status(broker, '/old'), 404);
  await until(async () => {
    const answer = await fetch(`${broker.url}/events?channel=a&replay=100`);
    const reader = answer.body.getReader();
    const text = new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    return (text.match(/data: /g) ?? []).length === 2;
  }, 'the channel keeps two events');
});
