// Silence: streams on which nothing is published outlive every timer of nginx (60 seconds by default).
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { launch, listen, Pages, record } from './harness/browser.js';
import { Broker } from './harness/broker.js';
import { Front } from './harness/front.js';
import { until } from './harness/wait.js';

test('idle streams outlive a minute behind nginx', async (t) => {
  const pages = await Pages.start();
  const broker = await Broker.start({ set: [`cors.origins=${pages.origin}`] });
  const front = await Front.start(broker.httpPort);
  const browser = await launch({ args: ['--ignore-certificate-errors'] });
  t.after(async () => {
    await browser.close();
    await front.stop();
    await broker.stop();
    pages.close();
  });
  const page = await browser.newPage();
  await page.goto(pages.origin);
  const names = ['a', 'b', 'c'];
  for (const name of names) await listen(page, name, `${front.url}/events?channel=idle/${name}`);
  for (const name of names) await until(async () => (await record(page, name)).state === 1, `${name} is open`);
  const begun = performance.now();
  // Three streams, five heartbeats each: 75 seconds.
  await until(async () => (await broker.metric('heartbeats_total')) >= 15, 'five heartbeats on each stream', 120);
  assert.ok(performance.now() - begun > 61_000, 'more than a minute of silence');
  for (const name of names) await broker.publish(`idle/${name}`, 'after the silence');
  for (const name of names) {
    const life = await until(async () => {
      const now = await record(page, name);
      return now.events.length > 0 && now;
    }, 'the event arrives');
    assert.deepEqual([life.opened, life.errors, life.events.map(({ data }) => data)], [1, 0, ['after the silence']]);
  }
});
