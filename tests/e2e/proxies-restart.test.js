// Behind each of the fronts of deploy/proxy, a page in Chromium while the broker is killed and started again. A front
// answers 502 or 503 meanwhile, which would stop an EventSource for good; the shipped configurations tell it to come back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, listen, Pages, record } from './harness/browser.js';
import { Broker } from './harness/broker.js';
import { Front, kFronts } from './harness/front.js';
import { until } from './harness/wait.js';

let browser;
let page;
let pages;
let broker;
const fronts = {};
const every = (fact, what, seconds) => Promise.all(Object.keys(kFronts)
  .map((name) => until(() => fact(name), `${name}: ${what}`, seconds)));
const types = (life) => life.log.map(({ type, state }) => (state === undefined ? type : `${type} ${state}`));

before(async () => {
  pages = await Pages.start();
  broker = await Broker.start({ set: ['delivery.retry=100ms', `cors.origins=${pages.origin}`, 'fronts.trusted=127.0.0.1'] });
  [browser] = await Promise.all([
    launch({ args: ['--ignore-certificate-errors'] }),
    ...Object.entries(kFronts).map(async ([name, { run }]) => { fronts[name] = await Front.start(broker.httpPort, { run }); }),
  ]);
  page = await browser.newPage();
  await page.goto(pages.origin);
});
after(async () => {
  await browser?.close();
  await Promise.all(Object.values(fronts).map((front) => front.stop()));
  await broker?.stop();
  pages?.close();
});

test('an EventSource outlives a broker that is killed, and is told what is gone', async (t) => {
  const seen = async (name) => (await record(page, name)).events.map(({ data }) => data);
  for (const [name, front] of Object.entries(fronts)) await listen(page, name, `${front.url}/events?channel=restart`);
  await every(async (name) => (await record(page, name)).state === 1, 'it is open');
  await broker.publish('restart', 'before');
  await every(async (name) => (await seen(name)).includes('before'), 'the first event comes');

  await broker.kill();
  // Opened once more, by the front: an answer that says when to come back. Or refused for good.
  await every(async (name) => {
    const life = await record(page, name);
    return kFronts[name].survives ? life.opened === 2 && life.state === 0 : life.state === 2;
  }, 'the front answers for the broker', 20);
  for (const [name, { survives }] of Object.entries(kFronts)) {
    assert.deepEqual(types(await record(page, name)).slice(0, 4),
      survives ? ['open 1', 'message', 'error 0', 'open 1'] : ['open 1', 'message', 'error 0', 'error 2'], name);
  }

  await broker.begin();
  await broker.publish('restart', 'after');
  const surviving = Object.keys(kFronts).filter((name) => kFronts[name].survives);
  await Promise.all(surviving.map((name) => until(async () => (await seen(name)).includes('after'),
    `${name}: it goes on`, 30)));
  for (const name of surviving) {
    const { events, state } = await record(page, name);
    assert.deepEqual(events.map(({ type }) => type), ['message', 'gap', 'message'], name);
    assert.equal(JSON.parse(events[1].data).reason, 'restarted');
    assert.equal(state, 1);
  }
  t.diagnostic(`went on behind ${surviving.join('; ')}`);
});
