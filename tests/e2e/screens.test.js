// The data screens, as deploy/quickstart shows them: in a real browser, fed through a real broker.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launch } from './harness/browser.js';
import { kBinary, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { freePort } from './harness/free_port.js';
import { until } from './harness/wait.js';

const kQuickstart = fileURLToPath(new URL('../../deploy/quickstart', import.meta.url));
const folder = process.env.FANFARE_SCREENSHOTS ?? temporaryFolder();
let browser;

before(async () => { browser = await launch({ args: ['--ignore-certificate-errors'] }); });
after(() => browser?.close());

// deploy/quickstart until it has said where the screen is, with ports and files of its own.
async function quickstart(context, ...more) {
  const own = temporaryFolder();
  const [http, https, admin] = [await freePort(), await freePort(), await freePort()];
  const running = start(kQuickstart, ['--no-open', '--no-install', ...more], {
    env: {
      FANFARE_BINARY: kBinary, FANFARE_HTTP_PORT: http, FANFARE_HTTPS_PORT: https, FANFARE_ADMIN_PORT: admin,
      FANFARE_INGEST: join(own, 'ingest.sock'), FANFARE_TLS: join(own, 'tls'),
    },
  });
  context.after(async () => {
    running.child.kill('SIGTERM');
    await running.ended;
  });
  const said = (pattern) => until(() => pattern.exec(running.stdout), () => `${pattern} in:\n${running.stdout}${running.stderr}`, 30);
  const [, url] = await said(/the data screen +(\S+)/);
  const [, pid] = await said(/kill -9 (\d+)/);
  return { url, pid: Number(pid), said, admin: `http://127.0.0.1:${admin}`, socket: join(own, 'ingest.sock') };
}

// A page, with what went wrong in it and which protocol brought each answer, by its path.
async function open(context, url, size = { width: 1920, height: 1080 }) {
  const page = await browser.newPage({ viewport: size });
  context.after(() => page.close());
  const problems = [];
  const protocols = {};
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) problems.push(message.text()); });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  devtools.on('Network.responseReceived', ({ response }) => { protocols[new URL(response.url).pathname] = response.protocol; });
  await page.goto(url);
  return { page, problems, protocols };
}

test('quickstart --https: the screen and its events come over one HTTP/2 connection', async (t) => {
  const { url, admin } = await quickstart(t, '--https');
  assert.match(url, /^https:/);
  const { page, problems, protocols } = await open(t, url);
  await until(() => page.evaluate(() => document.querySelector('#lamp').classList.contains('live')), 'the lamp says live');
  assert.equal(protocols['/events'], 'h2');
  assert.deepEqual([...new Set(Object.values(protocols))], ['h2'], JSON.stringify(protocols));
  const metrics = async () => (await fetch(`${admin}/metrics`)).text();
  await until(async () => /^fanfare_h2_connections_open 1$/m.test(await metrics()), 'one connection');
  await page.screenshot({ path: join(folder, 'https.png') });
  assert.deepEqual(problems, []);
});
