// The data screens: as deploy/quickstart shows them, and their kit with a page of this test's own, whose every event is known.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Broker } from './harness/broker.js';
import { launch } from './harness/browser.js';
import { kBinary, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { freePort } from './harness/free_port.js';
import { Publisher } from './harness/publisher.js';
import { until } from './harness/wait.js';

const deploy = (path) => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
const kAxe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const kSizes = { wall: { width: 1920, height: 1080 }, wall4k: { width: 3840, height: 2160 }, phone: { width: 390, height: 844 } };
const kScreens = { machine: 'feeder', 'shop-floor': 'screens/shop-floor', orders: 'screens/orders' };
const folder = process.env.FANFARE_SCREENSHOTS ?? temporaryFolder();
let browser;
let broker;
let ownPage = ''; // of the test that runs

// Answers the broker for its routes as deploy/screens/serve does, and with this test's own page.
function serve(socket) {
  const types = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
  const server = http.createServer((request, response) => {
    const name = request.url.split('?')[0].slice('/screens/'.length);
    response.setHeader('Content-Type', types[name.split('.').at(-1)]);
    response.end(name === 'own.html' ? ownPage : readFileSync(deploy(`screens/${name}`)));
  });
  return new Promise((resolve) => server.listen(socket, () => resolve(server)));
}

let files;
before(async () => {
  const own = temporaryFolder();
  files = await serve(join(own, 'screens.sock'));
  const config = join(own, 'broker.toml');
  writeFileSync(config, ['{file}', 'kit/{file}'].map((path) => `[[route]]\npath = "/screens/${path}"\nmethods = ["GET"]\nupstream = "unix:${join(own, 'screens.sock')}"\n`).join(''));
  [browser, broker] = await Promise.all([
    launch({ args: ['--ignore-certificate-errors', '--enable-precise-memory-info'] }),
    Broker.start({ config, set: ['delivery.retry=200ms', 'history.events=2000'] }),
  ]);
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
const shoot = (page, name) => page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });

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
      text: node.data.trim(), size: parseFloat(style.fontSize), contrast: (a + 0.05) / (b + 0.05), big: element.matches('.big b'),
      cut: (style.overflow !== 'visible' && element.scrollWidth > element.clientWidth + 1) || (tile && (box.bottom > tile.bottom + 1 || box.right > tile.right + 1)),
    });
  }
  const { scrollWidth, scrollHeight } = document.documentElement;
  return { texts, scrollWidth, scrollHeight, width: innerWidth, height: innerHeight };
}

// The least sizes: on a wall of 55 inches, 1080 pixels high, 18 px are capitals of 8 mm, and 48 px of 21 mm.
const kLeast = { wall: [18, 38], wall4k: [36, 76], phone: [13.5, 24] };

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
    for (const [size, viewport] of Object.entries(kSizes)) {
      await page.setViewportSize(viewport);
      for (const [theme, language] of [['dark', 'en'], ['light', 'zh']]) {
        await page.getByRole('button', { name: theme === 'dark' ? 'Light' : '深色' }).waitFor();
        const seen = await page.evaluate(inspect);
        await shoot(page, `${name}-${size}-${theme}`);
        const where = `${name} ${size} ${theme}`;
        assert.equal(seen.scrollWidth, seen.width, `${where}: nothing lies beyond the right edge`);
        if (size !== 'phone') assert.equal(seen.scrollHeight, seen.height, `${where}: nothing lies below the screen`);
        const [least, leastBig] = kLeast[size];
        for (const { text, size: pixels, contrast, big, cut } of seen.texts) {
          assert.ok(pixels >= (big ? leastBig : least) - 0.01, `${where}: "${text}" has ${pixels} px`);
          assert.ok(contrast >= 4.5, `${where}: "${text}" has a contrast of ${contrast}`);
          assert.ok(!cut, `${where}: "${text}" is cut`);
        }
        if (language === 'zh') {
          const foreign = seen.texts.map(({ text }) => text).filter((text) => /[a-z]{4}/i.test(text.replace(/Fanfare|English|\b\w{7}-\d+\b/g, '')));
          assert.deepEqual(foreign, [], `${where}: everything is Chinese`);
        }
        // The other language and theme, as a visitor chooses them.
        await page.getByRole('button', { name: theme === 'dark' ? 'Light' : '深色' }).click();
        await page.getByRole('button', { name: language === 'en' ? '中文' : 'English' }).click();
      }
    }
    assert.deepEqual(problems, []);
  });
}
