// The data screens: as deploy/quickstart shows them, and their kit with a page of this test's own, whose every event is known.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Broker } from './harness/broker.js';
import { launch } from './harness/browser.js';
import { kBinary, start } from './harness/command.js';
import { CuttingProxy } from './harness/cutting_proxy.js';
import { temporaryFolder } from './harness/folder.js';
import { freePort } from './harness/free_port.js';
import { Publisher } from './harness/publisher.js';
import { until } from './harness/wait.js';

const deploy = (path) => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kSizes = { wall: { width: 1920, height: 1080 }, wall4k: { width: 3840, height: 2160 }, phone: { width: 390, height: 844 } };
const kScreens = { machine: 'feeder', 'shop-floor': 'screens/shop-floor', orders: 'screens/orders' };
const folder = process.env.FANFARE_SCREENSHOTS; // where pictures go, for those who want to look
let browser;
let broker;
const ownPages = new Map(); // name -> HTML, of the tests that run

// Answers the broker for its routes as deploy/screens/serve does, and with this test's own page.
function serve(socket) {
  const types = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
  const server = http.createServer((request, response) => {
    const name = request.url.split('?')[0].slice('/screens/'.length);
    response.setHeader('Content-Type', types[name.split('.').at(-1)]);
    response.end(ownPages.get(name) ?? readFileSync(deploy(`screens/${name}`)));
  });
  return new Promise((resolve) => server.listen(socket, () => resolve(server)));
}

const shared = temporaryFolder();
const config = join(shared, 'broker.toml');
const kKeyed = ['floor/machines', 'floor/lines', 'floor/alarms', 'orders/stages', 'orders/cities', 'orders/docks', 'own/keyed'];
writeFileSync(config, [
  ...['{file}', 'kit/{file}'].map((path) => `[[route]]\npath = "/screens/${path}"\nmethods = ["GET"]\nupstream = "unix:${join(shared, 'screens.sock')}"\n`),
  ...kKeyed.map((name) => `[[channel]]\nmatch = "${name}"\nkeep = "latest"\nslow = "latest"\n`),
].join(''));
const startBroker = () => Broker.start({ config, set: ['delivery.retry=200ms'] });

let files;
before(async () => {
  files = await serve(join(shared, 'screens.sock'));
  [browser, broker] = await Promise.all([launch({ args: ['--ignore-certificate-errors'] }), startBroker()]);
});
after(async () => {
  await browser?.close();
  await broker?.stop();
  files?.closeAllConnections();
  files?.close();
});

// A page, with what went wrong in it and which protocol brought each answer, by its path.
async function open(context, url, size = kSizes.wall, options = {}) {
  const page = await browser.newPage({ viewport: size, locale: 'en-GB', colorScheme: 'dark', ...options });
  context.after(() => page.close());
  const problems = [];
  const protocols = {};
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) problems.push(message.text()); });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  devtools.on('Network.responseReceived', ({ response }) => { protocols[new URL(response.url).pathname] = response.protocol; });
  await page.goto(url);
  const state = () => page.getAttribute('ff-screen', 'data-state');
  return { page, problems, protocols, devtools, state };
}
const shoot = async (page, name) => { if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true }); };

// They wait most of the time, each for facts of its own.
describe('data screens', { concurrency: 5 }, () => {
  // ---- the quickstart

  test('quickstart --https: the screen and its events come over one HTTP/2 connection', async (t) => {
    const own = temporaryFolder();
    const [plain, https, admin] = [await freePort(), await freePort(), await freePort()];
    const running = start(deploy('quickstart'), ['--no-open', '--no-install', '--https', '--screen', 'shop-floor'], {
      env: {
        FANFARE_BINARY: kBinary, FANFARE_HTTP_PORT: plain, FANFARE_HTTPS_PORT: https, FANFARE_ADMIN_PORT: admin,
        FANFARE_INGEST: join(own, 'ingest.sock'), FANFARE_TLS: join(own, 'tls'),
      },
    });
    t.after(async () => {
      running.child.kill('SIGTERM');
      await running.ended;
    });
    const [, url] = await until(() => /the data screen +(\S+)/.exec(running.stdout), () => `the address in:\n${running.stdout}${running.stderr}`, 30);
    assert.match(url, /^https:/);
    const { page, problems, protocols, state } = await open(t, url);
    await until(async () => (await state()) === 'live', 'the screen is live');
    await until(() => page.evaluate(() => document.querySelectorAll('.cell[data-tone]').length === 24), 'all machines are shown');
    assert.equal(protocols['/events'], 'h2');
    assert.deepEqual([...new Set(Object.values(protocols))], ['h2'], JSON.stringify(protocols));
    const metrics = async () => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    await until(async () => /^fanfare_h2_connections_open 1$/m.test(await metrics()), 'one connection');
    await shoot(page, 'https');
    assert.deepEqual(problems, []);
  });

  // ---- the three screens, at three sizes

  // What a reader needs, measured in the page. Contrast as WCAG 2 computes it, of each text to what is painted behind it.
  function inspect() {
    const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (colour) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = rgba(getComputedStyle(at).backgroundColor);
        if (colour[3] === 255) return colour;
      }
      return rgba(getComputedStyle(document.documentElement).backgroundColor);
    };
    const texts = [];
    const walker = document.createTreeWalker(document.querySelector('ff-screen'), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (node.data.trim() === '' || !element.checkVisibility() || element.closest('[aria-hidden=true]')) continue;
      const style = getComputedStyle(element);
      const [a, b] = [light(rgba(style.color)), light(behind(element))].sort((x, y) => y - x);
      const box = element.getBoundingClientRect();
      const tile = element.closest('main > *')?.getBoundingClientRect();
      texts.push({
        text: node.data.trim(), size: parseFloat(style.fontSize), contrast: (a + 0.05) / (b + 0.05), big: element.matches('.big b') && !element.closest('.cell'),
        cut: (style.overflow !== 'visible' && element.scrollWidth > element.clientWidth + 1) || (tile && (box.bottom > tile.bottom + 1 || box.right > tile.right + 1)),
      });
    }
    const { scrollWidth, scrollHeight } = document.documentElement;
    return { texts, scrollWidth, scrollHeight, width: innerWidth, height: innerHeight };
  }

  // The least sizes of text and of figures: on a wall of 55 inches, 1080 pixels high, 19 px are capitals of 9 mm, and 38 px of 17 mm.
  const kLeast = { wall: [19, 38], wall4k: [38, 76], phone: [13.5, 24] };

  const kViews = [['wall', 'dark', 'en'], ['wall', 'light', 'zh'], ['wall4k', 'light', 'en'], ['phone', 'light', 'zh'], ['phone', 'dark', 'en']];

  function check({ texts, scrollWidth, scrollHeight, width, height }, size, language, where) {
    assert.equal(scrollWidth, width, `${where}: nothing lies beyond the right edge`);
    if (size !== 'phone') assert.equal(scrollHeight, height, `${where}: nothing lies below the screen`);
    const [least, leastBig] = kLeast[size];
    for (const { text: seen, size: pixels, contrast, big, cut } of texts) {
      assert.ok(pixels >= (big ? leastBig : least) - 0.01, `${where}: "${seen}" has ${pixels} px`);
      assert.ok(contrast >= 4.5, `${where}: "${seen}" has a contrast of ${contrast}`);
      assert.ok(!cut, `${where}: "${seen}" is cut`);
    }
    if (language !== 'zh') return;
    const foreign = texts.map(({ text: seen }) => seen).filter((seen) => /[a-z]{4}/i.test(seen.replace(/Fanfare|English|\b\w{7}-\d+\b/g, '')));
    assert.deepEqual(foreign, [], `${where}: everything is Chinese`);
  }

  for (const [name, generator] of Object.entries(kScreens)) {
    test(`${name}: readable at three sizes, dark and light, in English and Chinese`, async (t) => {
      const feeding = start(deploy(generator), ['--socket', broker.socket, ...(name === 'machine' ? [] : ['--seed', '7'])]);
      t.after(async () => {
        feeding.child.kill('SIGTERM');
        await feeding.ended;
      });
      const { page, problems, state } = await open(t, `${broker.url}/screens/${name}.html?lang=en`);
      await until(async () => (await state()) === 'live', 'it is live');
      await until(() => page.evaluate(() => ![...document.querySelectorAll('.big b')].some(({ textContent }) => textContent === '–')), 'every figure is known');
      let [theme, language] = ['dark', 'en'];
      for (const [size, wantedTheme, wantedLanguage] of kViews) {
        await page.setViewportSize(kSizes[size]);
        // As a visitor chooses them.
        if (theme !== wantedTheme) await page.getByRole('button', { name: language === 'zh' ? /[深浅]色/ : /Dark|Light/ }).click();
        if (language !== wantedLanguage) await page.getByRole('button', { name: language === 'zh' ? 'English' : '中文' }).click();
        [theme, language] = [wantedTheme, wantedLanguage];
        await becomes(page, '.lamp b', language === 'zh' ? '实时' : 'Live');
        assert.equal(await page.getAttribute('html', 'data-theme'), theme);
        check(await page.evaluate(inspect), size, language, `${name} ${size} ${theme}`);
        await shoot(page, `${name}-${size}-${theme}`);
      }
      await page.evaluate(kAxe);
      const { violations } = await page.evaluate(() => window.axe.run('ff-screen', { resultTypes: ['violations'] }));
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
      assert.deepEqual(problems, []);
    });
  }

  // ---- the kit, with a page whose every event is known

  const kHead = '<!doctype html><html lang="en"><head><title>own</title><link rel="icon" href="kit/logo.svg"><meta name="viewport" content="width=device-width">' +
    '<link rel="stylesheet" href="kit/screen.css"><script type="module" src="kit/screen.js"></script></head><body>';
  async function own(context, body, { words = {}, base = broker.url, screen = '' } = {}) {
    const name = `own-${ownPages.size}.html`;
    ownPages.set(name, `${kHead}<ff-screen label="Own" ${screen}>${body}</ff-screen><script type="application/json" id="words">${JSON.stringify(words)}</script></body></html>`);
    const opened = await open(context, `${base}/screens/${name}?lang=en&theme=dark`);
    await until(async () => ['waiting', 'live', 'silent'].includes(await opened.state()), 'it is connected');
    return opened;
  }
  const say = (channel, data) => broker.publish(channel, typeof data === 'string' ? data : JSON.stringify(data));
  const text = (page, selector) => page.locator(selector).first().innerText().then((seen) => seen.replace(/\s+/g, ' ').trim());
  const becomes = (page, selector, wanted) => until(async () => (await text(page, selector)) === wanted || null, () => `${selector} says "${wanted}"`);
  const kMarkup = '<img src=x onerror="window.broken=1"><b>bold</b>';

  test('values are what was published, in the form that was asked for', async (t) => {
    const value = (name, attributes) => `<ff-value id="${name}" channel="own/value" field="${name}" label="${name}" ${attributes}></ff-value>`;
    const { page, problems } = await own(t, [
      value('plain', ''), value('digits', 'digits="1" unit="kW" warn="10" alarm="20"'), value('share', 'format="percent" warn="50" alarm="20"'), value('size', 'format="bytes"'),
      value('money', 'format="CNY"'), value('many', 'compact'), value('name', 'format="text"'), value('missing', ''), value('inner', '').replace('field="inner"', 'field="a.b"'),
      '<ff-gauge id="gauge" channel="own/value" field="digits" max="limit" digits="0" label="Gauge"></ff-gauge>',
      '<ff-value id="second" channel="own/list" by="id" key="two" field="n" label="Second"></ff-value>',
    ].join(''));
    await say('own/value', {
      t: Date.now(), plain: 1234567.5, digits: 12.34, share: 15.5, size: 3 * 1024 ** 3, money: 98765, many: 1234567, name: 'steel', limit: 40, a: { b: -7 },
    });
    for (const [id, n] of [['one', 1], ['two', 2], ['three', 3]]) await say('own/list', { id, n });
    await becomes(page, '#plain .big', '1,234,568');
    const seen = async (...names) => Object.fromEntries(await Promise.all(names.map(async (name) => [name, await text(page, `#${name} .big`)])));
    assert.deepEqual(await seen('digits', 'share', 'size', 'money', 'many', 'name', 'missing', 'inner', 'gauge'),
      { digits: '12.3 kW', share: '15.5 %', size: '3.00 GiB', money: '¥ 98,765', many: '1.2 M', name: 'steel', missing: '–', inner: '-7', gauge: '12' });
    await becomes(page, '#second .big', '2');
    assert.equal(await page.getAttribute('#digits', 'data-tone'), 'warn');
    assert.equal(await text(page, '#share .chip'), '■ Alarm');
    const meter = page.getByRole('meter', { name: 'Gauge' });
    assert.deepEqual(await Promise.all(['aria-valuemin', 'aria-valuemax', 'aria-valuenow'].map((name) => meter.getAttribute(name))), ['0', '40', '12.34']);
    await page.getByRole('button', { name: '中文' }).click();
    await becomes(page, '#many .big', '123.5 万');
    assert.deepEqual(problems, []);
  });

  test('the marks of an axis differ, also where little moves', async (t) => {
    const { page } = await own(t, '<ff-trend id="little" channel="own/little" field="n" format="bytes/s" label="Little"></ff-trend>');
    await say('own/little', { n: 0.4, t: Date.now() });
    await until(async () => (await page.evaluate(() => [...document.querySelectorAll('#little .levels > *')].map((mark) => mark.textContent).join(' ').replace(/\s+/g, ' '))) === '2 B/s 1 B/s 0 B/s', async () => `three marks: ${await page.evaluate(() => document.querySelector('#little .levels').innerHTML)}`);
  });

  test('what an event says is text, whatever it looks like', async (t) => {
    const { page, problems } = await own(t,
      '<ff-value id="value" channel="own/text" field="n" format="text" label="Value"></ff-value>' +
      '<ff-table id="table" channel="own/text" by="id" rows="20"><ff-column field="id" format="text"></ff-column><ff-column bar field="n"></ff-column><ff-column field="t" format="time"></ff-column></ff-table>' +
      '<ff-trend channel="own/text" field="n" label="Trend"></ff-trend><ff-gauge channel="own/text" field="n" max="t" label="Gauge"></ff-gauge>' +
      '<ff-map channel="own/text" items="list.0" format="bytes" label="Items"></ff-map>' +
      '<ff-map id="map" channel="own/text" by="id" field="n" tone="state" tones="running=ok" label="Map"></ff-map>', { words: { en: { running: kMarkup } } });
    await say('own/text', kMarkup); // no JSON at all
    await say('own/text', '[1,{"id":"in a list"}]');
    await say('own/text', 'null');
    for (const odd of ['1e309', '-1e300', '"x"', '{}', '[[]]', 'true', 'null', '1e-300', '""']) {
      await say('own/text', `{"t":${odd},"id":"odd","n":${odd},"state":${odd},"list":[${odd}]}`);
      await say('own/text', `{"id":"odd","list":[[${odd},${odd}]]}`);
    }
    for (const id of ['__proto__', 'constructor', kMarkup]) await say('own/text', `{"id":${JSON.stringify(id)},"n":${JSON.stringify(kMarkup)},"state":"toString"}`);
    await say('own/text', { id: 'last', n: kMarkup, state: 'running' });
    await until(() => page.evaluate(() => document.querySelectorAll('#map .cell').length >= 4), 'every key has a cell');
    await becomes(page, '#value .big', kMarkup);
    const cells = await page.evaluate(() => [...document.querySelectorAll('#map .cell')].map((cell) => [cell.dataset.key, cell.querySelector('.word').textContent]));
    assert.deepEqual(cells.filter(([key]) => key !== ''), [['__proto__', 'toString'], [kMarkup, 'toString'], ['constructor', 'toString'], ['last', kMarkup], ['odd', '']]);
    await page.getByRole('button', { name: 'last' }).hover();
    assert.match(await text(page, '#map .detail'), /last/);
    assert.deepEqual(await page.evaluate(() => [document.querySelectorAll('img, b b').length, window.broken]), [0, undefined]);
    assert.deepEqual(problems, []);
  });

  test('a table and a map show the newest event of each key, and drop what is done', async (t) => {
    const { page } = await own(t,
      '<ff-table id="table" channel="own/rows" by="id" order="-n" without="state=done" rows="4"><ff-column field="id" format="text"></ff-column><ff-column bar field="n"></ff-column></ff-table>' +
      '<ff-table id="newest" channel="own/rows" order="newest" rows="3"><ff-column field="id" format="text"></ff-column></ff-table>' +
      '<ff-map id="map" channel="own/rows" by="id" field="n" tone="state" tones="on=ok off=alarm" places="a b . c / d d . c" label="Map"></ff-map>');
    const rows = [['a', 1, 'on'], ['b', 2, 'on'], ['c', 3, 'off'], ['d', 4, 'on'], ['e', 5, 'on'], ['a', 9, 'on'], ['d', 4, 'done']];
    for (const [id, n, state] of rows) await say('own/rows', { id, n, state });
    const lines = (selector) => page.evaluate((of) => [...document.querySelectorAll(`${of} tbody tr:not(.blank)`)].map((row) => row.innerText.replace(/\s+/g, ' ').trim()), selector);
    await until(async () => (await lines('#table')).join() === 'a 9,e 5,c 3,b 2', async () => `the rows in order: ${await lines('#table')}`);
    assert.deepEqual(await lines('#newest'), ['d', 'a', 'e']);
    await becomes(page, '#map .aside', '● 3 on ■ 1 off');
    const places = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll('#map .cell')].map((cell) => [cell.dataset.key, [getComputedStyle(cell).gridColumn, getComputedStyle(cell).gridRow].join(' ')])));
    assert.deepEqual([places.b, places.c, places.d], ['2 / 3 1 / 2', '4 / 5 1 / 3', '1 / 3 2 / 3']);
  });

  test('a channel that keeps the latest of each key: a newcomer sees all of them, and a removed one goes', async (t) => {
    const lines = await new Publisher(broker.socket, 'ndjson').connect();
    t.after(() => lines.close());
    const publish = (key, data) => {
      lines.pending.push({ channel: 'own/keyed', data });
      lines.socket.write(`${JSON.stringify({ channel: 'own/keyed', key, ...(data && { data: { name: `n:${key}`, ...data } }) })}\n`);
    };
    for (const key of ['EUR/USD', 'a, b', '<i>']) publish(key, { n: 1, t: Date.now() });
    for (let n = 2; n < 1200; ++n) publish('EUR/USD', { n, t: Date.now() }); // the others have left the history
    await lines.settled();
    const { page, problems } = await own(t,
      '<ff-map id="map" channel="own/keyed" field="n" label="Map"></ff-map><ff-value id="one" channel="own/keyed" key="a, b" field="n" label="One"></ff-value>' +
      '<ff-table id="by" channel="own/keyed" by="name"><ff-column field="n" label="N"></ff-column></ff-table>' +
      '<ff-value id="other" channel="own/other" field="n" label="Other"></ff-value>', { screen: 'keyed="own/keyed"' });
    const cells = () => page.evaluate(() => [...document.querySelectorAll('#map .cell')].map((cell) => [cell.dataset.key, cell.querySelector('.number').textContent].join(' = ')).sort().join('; '));
    await until(async () => (await cells()) === '<i> = 1; EUR/USD = 1,199; a, b = 1', async () => `the latest of each key: ${await cells()}`);
    await say('own/other', { n: 5 });
    await becomes(page, '#other .big', '5');
    await becomes(page, '#one .big', '1');
    publish('a, b');
    await until(async () => (await cells()) === '<i> = 1; EUR/USD = 1,199', async () => `the removed one goes: ${await cells()}`);
    await becomes(page, '#one .big', '–');
    const rows = () => page.evaluate(() => document.querySelectorAll('#by tbody tr:not(.blank)').length);
    await until(async () => await rows() === 2, async () => `also where rows have a key of their own: ${await rows()}`);
    await new Promise((resolve, reject) => {
      http.request({ socketPath: broker.socket, method: 'DELETE', path: '/channels/own/keyed' }, (answer) => answer.resume().on('end', resolve))
        .on('error', reject).end();
    });
    await until(async () => (await cells()) === '' && await rows() === 0, async () => `all go with their channel: ${await cells()}`);
    await becomes(page, '#other .big', '5');
    publish('a, b', { n: 7, t: Date.now() });
    await becomes(page, '#one .big', '7');
    assert.deepEqual(problems, []);
  });

  test('a map is walked with the arrow keys, and says what it knows of a cell', async (t) => {
    const { page } = await own(t, '<ff-map channel="own/walk" by="id" field="n" tone="state" tones="on=ok" places="a b c / d e f" label="Map"></ff-map>');
    for (const id of 'abcdef') await say('own/walk', { id, n: id.charCodeAt(0), state: 'on', heat: 41 });
    await page.locator('.cell[data-key=f][data-tone=ok]').waitFor();
    await page.getByRole('button', { name: 'Full screen' }).focus();
    const walked = [];
    for (const key of ['Tab', 'ArrowRight', 'ArrowDown', 'ArrowLeft', 'End', 'Home', 'ArrowUp']) {
      await page.keyboard.press(key);
      walked.push(await page.evaluate(() => document.activeElement.dataset.key));
    }
    assert.deepEqual(walked, ['a', 'b', 'e', 'd', 'f', 'a', 'a']);
    assert.equal(await text(page, '.detail'), 'a n 97 state on heat 41');
    await page.getByRole('button', { name: 'a 97 on' }).waitFor();
  });

  test('old values, a lost connection, its return and a gap are shown as what they are', async (t) => {
    const other = await startBroker();
    const proxy = await CuttingProxy.start(other.httpPort);
    t.after(async () => {
      proxy.close();
      await other.stop();
    });
    const say = (channel, data) => other.publish(channel, JSON.stringify(data));
    const { page, problems, state } = await own(t,
      '<ff-value id="old" channel="own/old" field="n" stale="30s" label="Old"></ff-value><ff-trend id="trend" channel="own/state" field="n" label="Trend"></ff-trend>' +
      '<ff-map id="map" channel="own/state" by="id" field="n" label="Map"></ff-map><ff-journal id="journal" label="Journal"></ff-journal>', { base: proxy.url, screen: 'stale="3s"' });
    const journal = () => text(page, '#journal ol');
    await say('own/old', { t: Date.now() - 90_000, n: 5 });
    await say('own/state', { t: Date.now() - 2000, id: 'x', n: 1 });
    await becomes(page, '#old .chip', '1 min old');
    assert.equal(await page.getAttribute('#old', 'data-stale'), 'yes');
    await say('own/old', { t: Date.now(), n: 6 });
    await becomes(page, '#old .chip', '');
    await until(async () => (await state()) === 'silent', 'nothing new is said to be so');
    assert.equal(await page.getAttribute('#trend', 'data-stale'), 'yes');

    proxy.cut();
    for (let n = 2; n < 7; ++n) await say('own/state', { t: Date.now(), id: 'x', n });
    await until(async () => (await state()) === 'recovered', 'it says that nothing was lost');
    await until(async () => /caught up: 5/.test(await journal()), 'and how much was caught up');
    assert.equal(await page.getAttribute('ff-screen', 'data-contact'), 'yes');

    // A connection that died without a word: the screen opens another one, from where it was.
    const anew = page.waitForRequest(/last_event_id=\w+-\d+/);
    await page.evaluate(() => { document.querySelector('ff-screen').streams[0].byteAt -= 60_000; });
    await anew;
    await until(async () => /Silence: connecting anew/.test(await journal()), 'the journal says why');
    await until(async () => (await page.getAttribute('ff-screen', 'data-contact')) === 'yes', 'it is connected again');

    await other.kill();
    await until(async () => (await state()) === 'away', 'the loss is shown');
    assert.match(await text(page, '.lamp'), /^Reconnecting data as of \d\d:\d\d:\d\d$/);
    assert.equal(await page.getAttribute('ff-screen', 'data-contact'), 'no');
    await shoot(page, 'away');
    await other.begin();
    await until(async () => /Gap: broker restarted/.test(await journal()), 'the gap is in the journal', 20);
    await becomes(page, '#map .cell .word', 'before the gap');
    await say('own/state', { t: Date.now(), id: 'x', n: 8 });
    await becomes(page, '#map .cell .big', '8');
    await until(() => page.evaluate(() => document.querySelector('#map .cell').dataset.stale === undefined), 'what came after the gap is good');
    await until(() => page.evaluate(() => document.querySelectorAll('#trend .curtains .gap').length === 1), 'a curtain hangs where data is missing');
    await until(async () => (await state()) === 'gap', 'the lamp says so');
    await shoot(page, 'gap');
    assert.deepEqual(problems.filter((problem) => !/ERR_|Failed to load/.test(problem)), []);
  });

  test('thousands of updates cost as many drawings as frames, and no memory', async (t) => {
    const { page, devtools } = await own(t,
      '<ff-value id="value" channel="own/fast" field="n" spark="1min" label="Value"></ff-value><ff-trend channel="own/fast" field="n" label="Trend"></ff-trend>' +
      '<ff-table channel="own/fast" by="id" keep="50" rows="8"><ff-column field="id" format="text"></ff-column><ff-column bar field="n"></ff-column></ff-table>' +
      '<ff-map channel="own/fast" by="place" field="n" label="Map"></ff-map>');
    await page.evaluate(() => {
      window.changes = 0;
      window.frames = 0;
      new MutationObserver((list) => { window.changes += list.length; }).observe(document.querySelector('#value .big b'), { childList: true, characterData: true, subtree: true });
      (function frame() {
        window.frames += 1;
        requestAnimationFrame(frame);
      })();
    });
    const publisher = await new Publisher(broker.socket, 'ndjson').connect();
    t.after(() => publisher.close());
    let n = 0;
    const burst = async (count) => {
      for (let i = 0; i < count; ++i) publisher.publish('own/fast', JSON.stringify({ t: Date.now(), id: `key ${n}`, place: `p${n % 24}`, n: ++n }));
      await publisher.settled();
      await becomes(page, '#value .big', n.toLocaleString('en'));
    };
    const facts = async () => {
      await devtools.send('HeapProfiler.collectGarbage');
      const { usedSize } = await devtools.send('Runtime.getHeapUsage');
      const { metrics } = await devtools.send('Performance.getMetrics');
      const metric = (name) => metrics.find((one) => one.name === name).value;
      return { heap: usedSize, nodes: metric('Nodes'), listeners: metric('JSEventListeners'), layouts: metric('LayoutCount'), ...await page.evaluate(() => ({ changes: window.changes, frames: window.frames })) };
    };
    await devtools.send('Performance.enable');
    await burst(6000);
    const before = await facts();
    for (let i = 0; i < 4; ++i) await burst(5000);
    const after = await facts();
    const frames = after.frames - before.frames;
    assert.ok(after.changes - before.changes <= frames, `${after.changes - before.changes} changes in ${frames} frames`);
    assert.ok(after.layouts - before.layouts <= frames + 5, `${after.layouts - before.layouts} layouts in ${frames} frames`);
    assert.ok(after.heap - before.heap < 400_000, `the heap grew by ${after.heap - before.heap} bytes`);
    assert.ok(Math.abs(after.nodes - before.nodes) < 200, `${after.nodes - before.nodes} nodes more`);
    assert.equal(after.listeners, before.listeners);
  });
});
