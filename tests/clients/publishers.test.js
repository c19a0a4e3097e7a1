// Applications that publish, each a program of its own, and the document that shows them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { run } from '../e2e/harness/command.js';
import { Subscriber } from '../e2e/harness/subscriber.js';
import { until } from '../e2e/harness/wait.js';
import { ingest } from './apps/ingest.js';
import { shows } from './harness/stage.js';

const kBrowserless = { browserless: true };
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const subscriber = (t, stage, channel) => {
  const made = new Subscriber(stage.broker.url, [channel]);
  t.after(() => made.close());
  return made.opened();
};

shows("Python's own library", async (t, stage) => {
  const listening = await subscriber(t, stage, 'news');
  const { stdout } = await run('/usr/bin/python3', [here('apps/publish.py'), stage.broker.socket, 'news'], { input: 'one\n两\n' });
  const events = await listening.count(2);
  assert.deepEqual(events.map(({ data }) => data), ['one', '两']);
  assert.equal(stdout, `${events[0].id}\n${events[1].id}\n`);
  return `${listening.data} with the ids that it printed`;
}, kBrowserless);

shows('JSON lines from node: a broker that is killed is an error, and the next publish connects again', async (t, stage) => {
  const broker = ingest(stage.broker.socket);
  t.after(() => broker.close());
  const listening = await subscriber(t, stage, 'news');
  const { id } = await broker.publish('news', { n: 1 }, { event: 'tick' });
  await assert.rejects(broker.publish('no good name', ''), /name/);
  await listening.count(1); // so that it has an id to come back with
  await stage.broker.kill();
  await assert.rejects(broker.publish('news', 'lost'), /went away/);
  await stage.broker.begin();
  await broker.publish('news', 'two');
  await broker.finish('news');
  await until(() => listening.finished, 'it ends', 20);
  assert.deepEqual(listening.data, ['{"n":1}', 'two']);
  return `${id}, then an error while the broker was away, then "two" without another word`;
}, kBrowserless);

// A block that names a file shows it whole.
test('docs/CLIENTS.md shows the files that these tests run', () => {
  const text = readFileSync(here('../../docs/CLIENTS.md'), 'utf8');
  const blocks = [...text.matchAll(/^```\w+ ((?:tests\/clients|docs\/examples)\/\S+)\n(.*?)^```$/gms)];
  assert.ok(blocks.length >= 6, `${blocks.length} blocks`);
  for (const [, path, shown] of blocks) assert.equal(shown, readFileSync(here(`../../${path}`), 'utf8'), path);
});
