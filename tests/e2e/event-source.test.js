// EventSource of real browsers over HTTP/1.1: what a page sees of a stream from its opening to its end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { kBrowserNames, launchAll, listen, Pages, record } from './harness/browser.js';
import { Broker } from './harness/broker.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { until } from './harness/wait.js';

let browsers;
let pages;
let broker;

before(async () => {
  pages = await Pages.start();
  [browsers, broker] = await Promise.all([launchAll(), Broker.start({
    set: ['server.shards=2', 'delivery.retry=200ms', `cors.origins=${pages.origin}`, 'cors.credentials=true'],
  })]);
});
after(async () => {
  await browsers?.close();
  await broker?.stop();
  pages?.close();
});

async function openPage(context, browser, origin = pages.origin) {
  const page = await browser.newPage();
  context.after(() => page.close());
  await page.goto(origin);
  return page;
}

const events = (channel, base = broker.url) => `${base}/events?channel=${channel}`;
const opened = (page, name) => until(async () => (await record(page, name)).state === 1, `${name} is open`);
const arrived = (page, name, count, seconds) => until(async () => {
  const life = await record(page, name);
  return life.events.length >= count && life;
}, `${count} events arrive at ${name}`, seconds);

for (const name of kBrowserNames) {
  test(`${name}: open, message, custom event, lastEventId and origin`, async (t) => {
    const page = await openPage(t, browsers[name]);
    await listen(page, 'plain', events(`${name}/plain`));
    await opened(page, 'plain');
    const ids = [await broker.publish(`${name}/plain`, 'hello'), await broker.publish(`${name}/plain`, 'two\nlines', { event: 'tick' }),
      await broker.publish(`${name}/plain`, '', { event: 'unheard' }), await broker.publish(`${name}/plain`, ' spaces \u2028 \u{1f600}')];
    const life = await arrived(page, 'plain', 3);
    assert.deepEqual(life.log[0], { type: 'open', state: 1, at: life.log[0].at }, 'open comes before any event');
    assert.deepEqual(life.events.map(({ type, data }) => [type, data]),
      [['message', 'hello'], ['tick', 'two\nlines'], ['message', ' spaces \u2028 \u{1f600}']]);
    assert.deepEqual(life.events.map(({ lastEventId }) => lastEventId), [ids[0], ids[1], ids[3]]);
    assert.ok(life.events.every(({ origin }) => origin === broker.url));
    assert.equal(life.errors, 0);
  });

  test(`${name}: close() frees its slot within a second`, async (t) => {
    const page = await openPage(t, browsers[name]);
    await until(async () => (await broker.metric('subscribers')) === 0, 'nobody is left of the test before');
    await listen(page, 'closing', events(`${name}/closing`));
    await opened(page, 'closing');
    await until(async () => (await broker.metric('subscribers')) === 1, 'the shard has counted it');
    await page.evaluate(() => window.sources.closing.source.close());
    await until(async () => (await broker.metric('subscribers')) === 0, 'the slot is free', 1);
  });

  test(`${name}: closing the page frees its slots within a second`, async () => {
    await until(async () => (await broker.metric('subscribers')) === 0, 'nobody is left of the test before');
    const page = await browsers[name].newPage();
    await page.goto(pages.origin);
    for (const id of ['a', 'b', 'c']) await listen(page, id, events(`${name}/${id}`));
    for (const id of ['a', 'b', 'c']) await opened(page, id);
    await until(async () => (await broker.metric('subscribers')) === 3, 'the shards have counted them');
    await page.close();
    await until(async () => (await broker.metric('subscribers')) === 0, 'the slots are free', 1);
  });

  test(`${name}: an allowed origin may send credentials, another origin may do nothing`, async (t) => {
    const page = await openPage(t, browsers[name]);
    await listen(page, 'credentials', events(`${name}/cors`), { withCredentials: true });
    await opened(page, 'credentials');
    await broker.publish(`${name}/cors`, 'for you');
    await arrived(page, 'credentials', 1);

    const stranger = await openPage(t, browsers[name], pages.otherOrigin);
    await listen(stranger, 'refused', events(`${name}/cors`));
    await until(async () => (await record(stranger, 'refused')).state === 2, 'it is refused for good');
    const life = await record(stranger, 'refused');
    assert.deepEqual(life.log, [{ type: 'error', state: 2 }]);
    assert.match(broker.log, /localhost/, 'the operator is told which origin was refused');
  });

  test(`${name}: a page loses nothing, however often its connection is cut`, async (t) => {
    const proxy = await CuttingProxy.start(broker.httpPort);
    t.after(() => proxy.close());
    const page = await openPage(t, browsers[name]);
    await listen(page, 'cut', events(`${name}/cut`, proxy.url));
    await opened(page, 'cut');
    const count = 100;
    for (let i = 0; i < count; ++i) {
      await broker.publish(`${name}/cut`, `${i}`);
      if (i % 20 === 10) proxy.cut();
    }
    const life = await arrived(page, 'cut', count, 20);
    assert.deepEqual(life.events.map(({ data }) => data), Array.from({ length: count }, (_, i) => `${i}`));
    assert.ok(life.opened > 1 && life.errors > 0);
  });

  test(`${name}: a new client that is cut off before its first event resumes from where it began`, async (t) => {
    const proxy = await CuttingProxy.start(broker.httpPort);
    t.after(() => proxy.close());
    const page = await openPage(t, browsers[name]);
    await broker.publish(`${name}/newcomer`, 'before its time');
    await listen(page, 'newcomer', events(`${name}/newcomer`, proxy.url));
    await opened(page, 'newcomer');
    const subscribers = await broker.metric('subscribers');
    proxy.cut();
    await until(async () => (await broker.metric('subscribers')) < subscribers || (await record(page, 'newcomer')).errors > 0, 'the cut is seen');
    await broker.publish(`${name}/newcomer`, 'missed');
    const life = await arrived(page, 'newcomer', 1);
    assert.deepEqual(life.events.map(({ data }) => data), ['missed'], 'neither lost nor too much, and no phantom message');
  });

  test(`${name}: a broker that is killed and restarted: the page reconnects and gets the gap`, async (t) => {
    const own = await Broker.start({ set: ['delivery.retry=200ms', `cors.origins=${pages.origin}`] });
    t.after(() => own.stop());
    const page = await openPage(t, browsers[name]);
    await listen(page, 'restart', events(`${name}/restart`, own.url));
    await opened(page, 'restart');
    const last = await own.publish(`${name}/restart`, 'before');
    await arrived(page, 'restart', 1);
    await own.kill();
    await until(async () => (await record(page, 'restart')).errors > 0, 'the page sees the error');
    assert.equal((await record(page, 'restart')).state, 0, 'and goes on trying');
    await own.begin();
    await own.publish(`${name}/restart`, 'while away');
    const life = await arrived(page, 'restart', 3, 20);
    assert.deepEqual(life.events.map(({ type }) => type), ['message', 'gap', 'message']);
    const gap = JSON.parse(life.events[1].data);
    assert.equal(gap.reason, 'restarted');
    assert.equal(gap.after, last);
    assert.equal(life.events[2].data, 'while away');
  });

  test(`${name}: a finished channel: every event, an end, and 204 stops the page for good`, async (t) => {
    const page = await openPage(t, browsers[name]);
    await listen(page, 'finished', events(`${name}/finished`));
    await opened(page, 'finished');
    await broker.publish(`${name}/finished`, 'last');
    await broker.finish(`${name}/finished`);
    await until(async () => (await record(page, 'finished')).state === 2, 'it has stopped');
    const life = await record(page, 'finished');
    assert.deepEqual(life.events.map(({ data }) => data), ['last']);
    assert.equal(life.opened, 1);
  });
}
