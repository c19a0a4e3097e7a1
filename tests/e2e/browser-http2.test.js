// Browsers over HTTP/2, which they speak over TLS only: many streams of one page on one connection.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { kBrowserNames, launchAll, listen, Pages, records } from './harness/browser.js';
import { Broker, request } from './harness/broker.js';
import { fanfare } from './harness/command.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { temporaryFolder } from './harness/folder.js';
import { until } from './harness/wait.js';

const kStreams = 30; // over HTTP/1.1 the seventh would wait
const kAll = Array.from({ length: kStreams }, (_, i) => i);
const folder = temporaryFolder();
let broker;
let pages;
let proxy;
let url;
let browsers;

before(async () => {
  await fanfare(['cert', '--self-signed', join(folder, 'tls')]);
  pages = await Pages.start();
  const set = [`tls.certificate=${join(folder, 'tls/certificate.pem')}`, `tls.key=${join(folder, 'tls/key.pem')}`,
    `cors.origins=${pages.origin}`, 'cors.credentials=true', 'delivery.retry=200ms', 'limits.drain=500ms'];
  broker = await Broker.start({ set: ['listen.https=127.0.0.1:0', ...set] });
  const port = Number(/subscribers: https:\/\/127\.0\.0\.1:(\d+)/.exec(broker.log)[1]);
  broker.set = [`listen.https=127.0.0.1:${port}`, ...set]; // the same when it begins again
  proxy = await CuttingProxy.start(port);
  url = proxy.url.replace('http:', 'https:');
  browsers = await launchAll();
});
after(async () => {
  await browsers?.close();
  proxy?.close();
  pages?.close();
  await broker?.stop();
});

const publishToAll = async (what) => { for (const i of kAll) await broker.publish(`tab/${i}`, `${what} ${i}`); };
const lives = (page) => records(page, kAll.map((i) => `s${i}`));
const have = async (page, count) => (await lives(page)).every(({ events }) => events.length === count);

async function openPage(name) {
  const page = await browsers[name].newPage({ ignoreHTTPSErrors: true });
  await page.goto(pages.origin);
  // With the page's cookies, as the fetches: Firefox keeps requests with and without in connections of their own. And it
  // has to have been told once that there is HTTP/2: of thirty that begin at the same time it puts some on a second connection.
  const open = (i) => listen(page, `s${i}`, `${url}/events?channel=tab/${i}`, { withCredentials: true });
  await open(0);
  await until(async () => (await records(page, ['s0']))[0].state === 1, 'the first is open');
  await Promise.all(kAll.slice(1).map(open));
  await until(async () => (await broker.metric('subscribers')) === kStreams, 'all are open');
  return page;
}

for (const name of kBrowserNames) {
  test(`${name}: thirty EventSources and plain answers of one page share a connection, and resume when it is cut`, async () => {
    const page = await openPage(name);
    const positions = await page.evaluate((address) => Promise.all(Array.from({ length: 5 }, async () => {
      const answer = await fetch(`${address}/position`, { credentials: 'include' });
      return [answer.status, await answer.text()];
    })), url);
    // The broker's own page has an event every second, so that this may be any number.
    assert.ok(positions.every(([status, text]) => status === 200 && /^\w{7}-\d+\n$/.test(text)), JSON.stringify(positions));
    await publishToAll('first');
    await until(() => have(page, 1), 'each has its event');
    await until(async () => (await broker.metric('h2_connections_open')) === 1, 'one connection carries them');

    proxy.cut();
    await publishToAll('second');
    await until(() => have(page, 2), 'each comes back, with what it missed');
    for (const [i, { events, opened }] of (await lives(page)).entries()) {
      assert.deepEqual(events.map(({ data }) => data), [`first ${i}`, `second ${i}`]);
      assert.ok(opened >= 2, `stream ${i} was opened ${opened} times`);
    }

    await page.close();
    await until(async () => (await broker.metric('subscribers')) === 0, 'a closed tab frees its streams', 2); // counted once a second
  });

  // What the broker says last is on its way when it ends the stream, and says when to come back.
  test(`${name}: EventSources have what was said right before their streams were ended`, async () => {
    const page = await openPage(name);
    await publishToAll('first');
    await until(() => have(page, 1), 'each has its event');
    const ended = Date.now();
    const closing = request(`${broker.adminUrl}/api/close?address=127.0.0.1&retry=4s`, { method: 'POST' });
    assert.ok(JSON.parse((await closing).body).closed >= kStreams); // and a connection that the browser has in reserve
    await until(async () => (await lives(page)).every(({ opened }) => opened === 2), 'each comes back', 20);
    for (const [i, { log }] of (await lives(page)).entries()) {
      const again = log.findLast(({ type }) => type === 'open').at - ended;
      assert.ok(again >= 4000, `stream ${i} came back after ${again} ms`);
    }
    await page.close();
    await until(async () => (await broker.metric('subscribers')) === 0, 'a closed tab frees its streams', 2);
  });

  // GOAWAY, and RST_STREAM(CANCEL) on each stream; then nobody listens for a while.
  test(`${name}: thirty EventSources come back to a broker that stops and begins again`, async () => {
    const page = await openPage(name);
    await publishToAll('before');
    await until(() => have(page, 1), 'each has its event');
    assert.equal(await broker.stop(), 0);
    await until(async () => (await lives(page)).every(({ errors, state }) => errors > 0 && state === 0),
      async () => `each tries again: ${JSON.stringify((await lives(page)).map(({ errors, state }) => [errors, state]))}`, 20);
    await broker.begin();
    await publishToAll('after');
    await until(() => have(page, 3), 'each comes back', 20);
    for (const [i, { events }] of (await lives(page)).entries()) {
      assert.deepEqual(events.map(({ type, data }) => (type === 'gap' ? JSON.parse(data).reason : data)),
        [`before ${i}`, 'restarted', `after ${i}`]);
    }
    await page.close();
    await until(async () => (await broker.metric('subscribers')) === 0, 'a closed tab frees its streams', 2);
  });
}
