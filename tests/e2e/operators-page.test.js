// The operators' page in Chromium: the lists move, a connection is closed, a channel is watched. Screenshots, light and dark.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { launch } from './harness/browser.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const kOutput = process.env.FANFARE_OUTPUT ?? temporaryFolder();
const kToken = '0123456789abcdef';
let broker;
let browser;
const streams = [];
before(async () => {
  const token = join(temporaryFolder(), 'token');
  writeFileSync(token, kToken, { mode: 0o600 });
  [broker, browser] = await Promise.all([
    Broker.start({ set: ['server.shards=2', `listen.admin_token_file=${token}`] }), launch()]);
  for (let i = 0; i < 12; ++i) streams.push(await new Subscriber(broker.url, `channel=room/${i % 4}&channel=hall`).opened());
  for (let i = 0; i < 4; ++i) await broker.publish(`room/${i}`, `hello ${i}`);
});
after(async () => {
  streams.forEach((stream) => stream.close());
  await browser?.close();
  await broker?.stop();
});

async function open(t, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 }, httpCredentials: { username: 'anybody', password: kToken }, ...options });
  t.after(() => page.close());
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(`${broker.adminUrl}/connections`);
  await until(async () => (await page.locator('#connection-rows tr').count()) === 12, 'all are listed');
  return { page, problems };
}

test('connections are listed, filtered, sorted by a click, and one is closed with a reason', async (t) => {
  const { page, problems } = await open(t);
  await page.fill('#connection-filter [name=channel]', 'room/1');
  await page.press('#connection-filter [name=channel]', 'Enter');
  await until(async () => (await page.locator('#connection-rows tr').count()) === 3, 'those that get the channel');
  await page.click('#connection-head button:has-text("Age")');
  await until(async () => (await page.getAttribute('#connection-head th[aria-sort]', 'aria-sort')) === 'descending', 'sorted by age');
  await page.locator('#connection-rows button').first().click();
  await page.fill('#closing [name=retry]', '1s');
  await page.fill('#closing [name=reason]', 'maintenance');
  await page.click('#closing .danger');
  await until(() => streams.some((stream) => stream.connections.length > 1 && stream.open), 'its client was told to come back');
  assert.equal(streams.filter((stream) => stream.connections.length > 1).length, 1);
  assert.equal(await page.isVisible('#problem'), false);
  await page.fill('#connection-filter [name=address]', '10.0.0');
  await page.press('#connection-filter [name=address]', 'Enter');
  await until(async () => /address: /.test(await page.textContent('#problem')), 'what is wrong is said');
  assert.deepEqual(problems, []);
});

test('a channel of the list is watched, and a test event is seen in it, whatever its text is', async (t) => {
  const { page, problems } = await open(t);
  await page.click('#tab-channels');
  await until(async () => (await page.locator('#channel-rows tr').count()) === 4, 'the channels');
  await page.locator('#channel-rows tr', { hasText: 'room/2' }).locator('button').click();
  await until(async () => (await page.textContent('#seen')).includes('hello 2'), 'what was there is replayed');
  await page.fill('#publish [name=event]', 'try');
  await page.fill('#publish [name=data]', '<b>bold</b> 你好');
  await page.click('#publish button');
  await until(async () => (await page.textContent('#seen')).includes('<b>bold</b> 你好'), 'the event is seen');
  await until(async () => /-\d+, to 4/.test(await page.textContent('#publish-state')), 'the answer, which may come after the event, counts this page');
  assert.deepEqual(problems, []);
});

test('it is readable in light and dark, wide and narrow, in both languages', async (t) => {
  for (const colorScheme of ['dark', 'light']) {
    for (const [width, height, lang] of [[1920, 1080, 'en'], [390, 844, 'zh']]) {
      const { page } = await open(t, { colorScheme, viewport: { width, height }, locale: lang });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 0, `${width} wide: ${overflow} too much`);
      for (const tab of ['connections', 'channels']) {
        await page.click(`#tab-${tab}`);
        await until(async () => (await page.locator(`#${tab} tbody tr`).count()) > 0, `there are ${tab}`);
        // The client or the channel, and the button, are seen without scrolling sideways. In one go: the rows are replaced every two seconds.
        const [beyond, ...parts] = await page.evaluate((id) => {
          const rows = document.querySelector(`#${id} .rows`);
          const boxes = ['.who', '.act button'].map((part) => rows.querySelector(`tbody ${part}`).getBoundingClientRect());
          return [rows.scrollWidth - rows.clientWidth, ...boxes.map(({ left, right }) => [left, right])];
        }, tab);
        assert.ok(beyond <= 0, `${tab}, ${width} wide: ${beyond} beyond the edge`);
        for (const [left, right] of parts) assert.ok(left >= 0 && right > left && right <= width, `${tab}, ${width} wide: from ${left} to ${right}`);
      }
      const dot = await page.evaluate(() => getComputedStyle(document.querySelector('.logo circle')).fill);
      assert.equal(dot, await page.evaluate(() => getComputedStyle(document.body).color), 'the dot of the logo is seen as well as text');
      await page.screenshot({ path: join(kOutput, `operators-${colorScheme}-${width}.png`) });
    }
  }
});
