// A browser over HTTP/2, which it speaks over TLS only: many streams of one page on one connection.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launch, listen, Pages, record } from './harness/browser.js';
import { Broker } from './harness/broker.js';
import { fanfare } from './harness/command.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { temporaryFolder } from './harness/folder.js';
import { until } from './harness/wait.js';

const kStreams = 30; // over HTTP/1.1 the seventh would wait
const folder = temporaryFolder();
let broker;
let pages;
let browser;
let proxy;
let url;

before(async () => {
  await fanfare(['cert', '--self-signed', join(folder, 'tls')]);
  pages = await Pages.start();
  broker = await Broker.start({
    set: ['listen.https=127.0.0.1:0', `tls.certificate=${join(folder, 'tls/certificate.pem')}`, `tls.key=${join(folder, 'tls/key.pem')}`,
      `cors.origins=${pages.origin}`, 'delivery.retry=200ms'],
  });
  proxy = await CuttingProxy.start(Number(/subscribers: https:\/\/127\.0\.0\.1:(\d+)/.exec(broker.log)[1]));
  url = proxy.url.replace('http:', 'https:');
  browser = await launch({ args: ['--ignore-certificate-errors'] });
});
after(async () => {
  await browser?.close();
  proxy?.close();
  pages?.close();
  await broker?.stop();
});

test('thirty EventSources and plain answers of one page share a connection, and resume when it is cut', async () => {
  const page = await browser.newPage();
  await page.goto(pages.origin);
  const all = Array.from({ length: kStreams }, (_, i) => i);
  const have = async (count) => (await Promise.all(all.map((i) => record(page, `s${i}`)))).every(({ events }) => events.length === count);
  for (const i of all) await listen(page, `s${i}`, `${url}/events?channel=tab/${i}`);
  await until(async () => (await broker.metric('subscribers')) === kStreams, 'all are open');
  const positions = await page.evaluate((address) => Promise.all(Array.from({ length: 5 }, async () => {
    const answer = await fetch(`${address}/position`);
    return [answer.status, await answer.text()];
  })), url);
  // The broker's own page has an event every second, so that this may be any number.
  assert.ok(positions.every(([status, text]) => status === 200 && /^\w{7}-\d+\n$/.test(text)), JSON.stringify(positions));
  for (const i of all) await broker.publish(`tab/${i}`, `first ${i}`);
  await until(() => have(1), 'each has its event');
  await until(async () => (await broker.metric('h2_connections_open')) === 1, 'one connection carries them');

  proxy.cut();
  for (const i of all) await broker.publish(`tab/${i}`, `second ${i}`);
  await until(() => have(2), 'each comes back, with what it missed');
  for (const i of all) {
    const { events, opened } = await record(page, `s${i}`);
    assert.deepEqual(events.map(({ data }) => data), [`first ${i}`, `second ${i}`]);
    assert.ok(opened >= 2, `stream ${i} was opened ${opened} times`);
  }

  await page.close();
  await until(async () => (await broker.metric('subscribers')) === 0, 'a closed tab frees its streams', 2); // counted once a second
});
