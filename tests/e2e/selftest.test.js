// The self-test page in Chromium: what it says of no proxy at all, and of those that buffer, cut, compress and strip; in both
// languages, light and dark, on a telephone. And that it opens nothing it should not.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { launch } from './harness/browser.js';
import { fanfare, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { freePort } from './harness/free_port.js';
import { TokenIssuer } from './harness/tokens.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const at = (name) => join(folder, name);
const output = process.env.FANFARE_OUTPUT ?? folder;
const issuer = new TokenIssuer('EdDSA');
const ports = {};
const fronts = [];
let broker;
let closed;
let browser;

const nginx = () => `daemon off; pid ${at('nginx.pid')}; error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${at(`tmp/${kind}`)};`).join('\n  ')}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server { listen 127.0.0.1:${ports.buffers}; location / {
    proxy_pass http://127.0.0.1:${broker.httpPort}; proxy_http_version 1.0; proxy_ignore_headers X-Accel-Buffering; } }
  server { listen 127.0.0.1:${ports.compresses}; gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any; location / {
    proxy_pass http://127.0.0.1:${broker.httpPort}; proxy_buffering off; } }
  server { listen 127.0.0.1:${ports.strips}; location / {
    proxy_pass http://127.0.0.1:${broker.httpPort}; proxy_buffering off; proxy_set_header Last-Event-ID ""; } }
}
`;
const haproxy = () => `defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 3s
listen cuts
  bind 127.0.0.1:${ports.cuts}
  option forwardfor
  server fanfare 127.0.0.1:${broker.httpPort}
`;
const answers = (port) => request(`http://127.0.0.1:${port}/selftest`).then(({ status }) => status === 200, () => false);

before(async () => {
  assert.equal((await fanfare(['cert', '--self-signed', at('tls')])).code, 0);
  writeFileSync(at('keys.pem'), issuer.keyFile);
  mkdirSync(at('tmp'));
  for (const way of ['buffers', 'compresses', 'strips', 'cuts']) ports[way] = await freePort();
  const [https, certificate, key] = ['listen.https=127.0.0.1:0', `tls.certificate=${at('tls/certificate.pem')}`, `tls.key=${at('tls/key.pem')}`];
  [broker, closed, browser] = await Promise.all([
    Broker.start({ set: ['subscribe.selftest=open', https, certificate, key] }),
    Broker.start({ set: ['subscribe.selftest=token', `token.keys=${at('keys.pem')}`] }),
    launch(),
  ]);
  ports.none = broker.httpPort;
  ports.tls = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(broker.log)[1]);
  writeFileSync(at('nginx.conf'), nginx());
  writeFileSync(at('haproxy.cfg'), haproxy());
  const PATH = `${process.env.PATH}:/usr/sbin`;
  fronts.push(start('nginx', ['-p', folder, '-c', at('nginx.conf'), '-e', 'stderr'], { env: { PATH } }),
    start('haproxy', ['-q', '-f', at('haproxy.cfg')], { env: { PATH } }));
  for (const way of ['buffers', 'compresses', 'strips', 'cuts']) {
    await until(() => answers(ports[way]), () => `${way} answers: ${fronts.map(({ stderr }) => stderr)}`, 20);
  }
});
after(async () => {
  await browser?.close();
  for (const front of fronts) { // nginx's worker goes with it
    front.child.kill('SIGTERM');
    await front.ended;
  }
  await broker?.stop();
  await closed?.stop();
});

// The page when it is done: {state, probes: {name: [state, text]}, remedies: {problem: text}, overflow, problems}.
async function look(url, { idle = 4, width = 1280, height = 900, dark = false, lang = 'en', picture } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', ignoreHTTPSErrors: true, locale: lang });
  try {
    const page = await context.newPage();
    const problems = [];
    page.on('console', (message) => { if (/Content Security Policy|SyntaxError|TypeError/.test(message.text())) problems.push(message.text()); });
    page.on('pageerror', (error) => problems.push(`${error}`));
    page.on('request', (asked) => { if (new URL(asked.url()).origin !== new URL(url).origin && !asked.url().startsWith('data:')) problems.push(asked.url()); });
    await page.goto(`${url}${url.includes('?') ? '&' : '?'}idle=${idle}`);
    await page.waitForFunction(() => document.documentElement.dataset.state !== 'run', undefined, { timeout: 40_000 });
    if (picture) await page.screenshot({ path: join(output, `selftest-${picture}.png`), fullPage: true });
    const seen = await page.evaluate(() => ({
      state: document.documentElement.dataset.state, verdict: document.querySelector('#verdict').innerText,
      language: document.documentElement.lang, overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      probes: Object.fromEntries([...document.querySelectorAll('#probes li')].map((row) => [row.dataset.probe, [row.dataset.state, row.querySelector('p').textContent]])),
      remedies: Object.fromEntries([...document.querySelectorAll('#remedies article')].map((card) => [card.dataset.problem, card.innerText])),
    }));
    assert.deepEqual(problems, []);
    assert.ok(seen.overflow <= 0, `nothing is wider than the page: ${seen.overflow} px`);
    return seen;
  } finally {
    await context.close();
  }
}
const states = ({ probes }) => Object.fromEntries(Object.entries(probes).map(([name, [state]]) => [name, state]));
const kGood = { way: 'good', fields: 'good', stream: 'good', compress: 'good', ends: 'good', source: 'good', idle: 'good' };
const http = (way) => `http://127.0.0.1:${ports[way]}/selftest`;

describe('what the page says', { concurrency: 3 }, () => {
  test('over HTTP/2 and TLS, with nothing in between, all is well', async () => {
    const seen = await look(`https://localhost:${ports.tls}/selftest`, { picture: 'good-light' });
    assert.deepEqual(states(seen), kGood, JSON.stringify(seen.probes));
    assert.equal(seen.state, 'good');
    assert.match(seen.probes.way[1], /^HTTP\/2 from your browser, HTTP\/2 at the broker/);
    assert.deepEqual(seen.remedies, {});
  });

  test('over HTTP/1.1 it names the six connections', async () => {
    const seen = await look(http('none'), { dark: true, picture: 'six-dark' });
    assert.deepEqual(states(seen), { ...kGood, way: 'note' }, JSON.stringify(seen.probes));
    assert.match(seen.probes.way[1], /six connections/);
    assert.deepEqual(Object.keys(seen.remedies), ['version']);
  });

  test('nginx that buffers is found, named, and told what to change', async () => {
    const seen = await look(http('buffers'), { picture: 'buffers-light' });
    assert.equal(seen.state, 'bad');
    assert.equal(seen.probes.stream[0], 'bad', JSON.stringify(seen.probes));
    assert.match(seen.probes.way[1], /to nginx/);
    assert.match(seen.remedies.buffer, /In nginx[^]*proxy_buffering off;/);
  });

  test('HAProxy with a short time-out is found by what it does', async () => {
    const seen = await look(http('cuts'), { idle: 8, width: 390, height: 844, dark: true, picture: 'cuts-phone-dark' });
    assert.equal(seen.probes.idle[0], 'bad', JSON.stringify(seen.probes));
    // HAProxy cuts after 3 s; a busy machine sees it later.
    const [, cut] = /cut after (\d\.\d) s, before the broker's heartbeat \(each 15 s\)/.exec(seen.probes.idle[1]) ?? assert.fail(seen.probes.idle[1]);
    assert.ok(cut > 2.4, cut);
    const [, heartbeat] = /HAProxy, if it is one[^]*timeout server 1h[^]*heartbeat = "(\d+)s"/.exec(seen.remedies.cut) ?? assert.fail(seen.remedies.cut);
    assert.ok(heartbeat >= 1 && Math.abs(heartbeat - cut / 2) <= 1, `a heartbeat each ${heartbeat} s halves ${cut} s`);
    assert.equal(seen.probes.stream[0], 'good', 'heartbeats pass');
  });

  test('a front that compresses is found, in Chinese on a telephone', async () => {
    const seen = await look(http('compresses'), { lang: 'zh-CN', width: 390, height: 844, picture: 'compresses-phone-zh' });
    assert.equal(seen.language, 'zh-CN');
    assert.equal(seen.probes.compress[0], 'bad', JSON.stringify(seen.probes));
    assert.match(seen.probes.compress[1], /gzip/);
    assert.match(seen.remedies.compress, /在 nginx 中[^]*gzip off;/);
  });

  test('a front that takes Last-Event-ID away is found, and the page is whole at 320 pixels', async () => {
    const seen = await look(http('strips'), { lang: 'zh-CN', width: 320, height: 640, dark: true, picture: 'strips-320-zh-dark' });
    assert.deepEqual([seen.probes.fields[0], seen.probes.source[0]], ['bad', 'bad'], JSON.stringify(seen.probes));
    assert.match(seen.remedies.fields, /last_event_id/);
  });

  test('where it needs a token, it says so, and takes one from its address', async () => {
    const url = `${closed.url}/selftest`;
    const without = await look(url, { picture: 'token-light' });
    assert.equal(without.state, 'closed');
    assert.match(without.verdict, /\/selftest\?token=/);
    const seen = await look(`${url}?token=${issuer.token(['a'])}`);
    assert.equal(seen.probes.stream[0], 'good', JSON.stringify(seen.probes));
  });
});

test('it is off unless it is asked for, and in no other place', async (t) => {
  const usual = await Broker.start();
  t.after(() => usual.stop());
  for (const path of ['/selftest', '/selftest/echo', '/selftest/stream']) assert.equal((await request(`${usual.url}${path}`)).status, 404);
  for (const path of ['/selftestx', '/selftest/', '/selftest/other']) assert.equal((await request(`${broker.url}${path}`)).status, 404, path);
  assert.equal((await request(`${broker.url}/selftest`, { method: 'POST' })).status, 405);
});

test('with a token, nothing but its files is for strangers', async () => {
  for (const path of ['/selftest', '/selftest/page.js']) assert.equal((await request(`${closed.url}${path}`)).status, 200);
  for (const path of ['/selftest/echo', '/selftest/end', '/selftest/stream']) assert.equal((await request(`${closed.url}${path}`)).status, 401, path);
});

test('what it echoes is little: fields by name, cut, and no address', async () => {
  const headers = {
    'Last-Event-ID': `"\\<script>${'x'.repeat(5000)}`, Via: 'é'.repeat(200), 'X-Forwarded-For': '10.1.2.3', Cookie: 'secret=1', Authorization: 'Bearer secret',
    'Fanfare-Selftest': 'a;b',
  };
  const { body, headers: answered } = await request(`${broker.url}/selftest/echo`, { headers });
  const seen = JSON.parse(body);
  assert.ok(body.length < 1000, `${body.length}`);
  assert.ok(!/secret|10\.1\.2\.3/.test(body), body);
  assert.equal(seen.fields['last-event-id'].length, 120);
  assert.deepEqual(seen.noticed, ['x-forwarded-for']);
  assert.equal(answered['fanfare-selftest'], undefined, 'only letters and digits come back in a field');
  assert.equal(answered['content-type'], 'application/json');
  assert.equal(answered['access-control-allow-origin'], undefined);
  const { headers: page } = await request(`${broker.url}/selftest`);
  assert.match(page['content-security-policy'], /default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/);
});

test('its stream is nobody\'s channel, and holds a place as any other', async (t) => {
  const broker_ = await Broker.start({ set: ['subscribe.selftest=open', 'limits.streams_per_address=1'] });
  t.after(() => broker_.stop());
  const reading = start('curl', ['-sN', `${broker_.url}/selftest/stream?heartbeat=1s&channel=other&replay=5`]);
  t.after(() => reading.child.kill());
  await until(async () => (await broker_.metric('subscribers')) === 1, 'it is open');
  await broker_.publish('other', 'nothing for it');
  await until(() => /\n:\n/.test(reading.stdout), 'a heartbeat comes');
  assert.ok(!/nothing for it/.test(reading.stdout));
  const second = start('curl', ['-sN', `${broker_.url}/selftest/stream`]);
  assert.equal((await second.ended).code, 18, 'one more is told to come back: an answer that breaks off');
  await until(async () => (await broker_.metric('streams_over_address_total')) === 1, 'it is counted');
});
