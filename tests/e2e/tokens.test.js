// Tokens signed by an application, presented by a browser, by curl and by fetch; how a stream ends when its token expires,
// and how keys are exchanged while the broker runs.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launch, listen, Pages, record } from './harness/browser.js';
import { Broker, request } from './harness/broker.js';
import { fanfare, run } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { RawConnection } from './harness/raw.js';
import { Subscriber } from './harness/subscriber.js';
import { TokenIssuer } from './harness/tokens.js';
import { kEncrypted } from './harness/transport.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const keyFile = join(folder, 'token.pem');
const jwksFile = join(folder, 'jwks.json');
const issuer = new TokenIssuer('EdDSA');
const others = ['ES256', 'RS256', 'HS256'].map((algorithm) => new TokenIssuer(algorithm, `the-${algorithm}`));

let broker;
let browser;
let pages;

before(async () => {
  writeFileSync(keyFile, issuer.keyFile);
  writeFileSync(jwksFile, JSON.stringify({ keys: others.map((other) => other.jwk) }));
  pages = await Pages.start();
  browser = await launch();
  broker = await Broker.start({
    set: ['server.shards=2', 'delivery.retry=200ms', `token.keys=${keyFile}`, `token.jwks=${jwksFile}`, 'token.leeway=1s',
      `cors.origins=${pages.origin}`, 'cors.credentials=true'],
  });
});
after(async () => {
  await browser?.close();
  await broker?.stop();
  pages?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function answer(path, headers = {}) {
  const got = await fetch(`${broker.url}${path}`, { headers });
  const body = got.status === 200 ? '' : await got.text();
  if (got.status === 200) await got.body.cancel();
  return { status: got.status, challenge: got.headers.get('www-authenticate'), body };
}
const bearer = (token) => ({ Authorization: `Bearer ${token}` });

test('tokens of each algorithm are good, from a key file and from a JWKS', async () => {
  for (const by of [issuer, ...others]) {
    assert.equal((await answer('/events?channel=a', bearer(by.token(['a'])))).status, 200, by.header.alg);
    const forged = new TokenIssuer(by.header.alg, by.header.kid).token(['a']);
    assert.equal((await answer('/events?channel=a', bearer(forged))).status, 401, by.header.alg);
  }
  assert.match(broker.log, /tokens: 4 keys: EdDSA, ES256 "the-ES256", RS256 "the-RS256", HS256 "the-HS256"/);
});

test('curl is told what is missing, then gets its stream', async () => {
  const url = `${broker.url}/events?channel=chat/1`;
  const without = await run('curl', ['-sS', '-i', url]);
  assert.match(without.stdout, /^HTTP\/(1.1 401 Unauthorized|2 401 )\r\n/);
  assert.match(without.stdout, /WWW-Authenticate: Bearer realm="fanfare"\r\n/i);
  assert.match(without.stdout, /a token is needed here/);
  const narrow = await run('curl', ['-sS', '-i', '-H', `Authorization: Bearer ${issuer.token(['chat/2'])}`, url]);
  assert.match(narrow.stdout, /^HTTP\/\S+ 403 /);
  assert.match(narrow.stdout, /the token does not grant the channel "chat\/1"/);
  const id = await broker.publish('chat/1', 'hello');
  const good = await run('curl', ['-sS', '-N', '-m', '1', '-H', `Authorization: Bearer ${issuer.token(['chat/*'])}`,
    `${url}&replay=1`]);
  assert.match(good.stdout, new RegExp(`id: ?${id}\n`));
  assert.match(good.stdout, /data: ?hello\n/);
});

test("a browser's EventSource is let in by its cookie, resumes, and stops for good when it is refused", async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(pages.origin);
  const url = `${broker.url}/events?channel=user/ann/1`;
  await listen(page, 'stranger', url, { withCredentials: true });
  await until(async () => (await record(page, 'stranger')).state === 2, 'a stranger is refused, for good');
  const cookie = (seconds) => context.addCookies([{ name: 'fanfare_token', url: broker.url, httpOnly: true,
    ...(kEncrypted ? { secure: true, sameSite: 'None' } : {}),
    value: issuer.token(['user/ann/**'], { sub: 'ann', seconds }) }]);
  await cookie(3);
  await listen(page, 'ann', url, { withCredentials: true });
  await until(async () => (await record(page, 'ann')).opened === 1, 'the cookie lets it in');
  await broker.publish('user/ann/1', 'before');
  await cookie(600); // renewed by the application before the first one expires
  await until(async () => (await record(page, 'ann')).errors === 1, 'the stream ends when its token has', 15);
  await broker.publish('user/ann/1', 'between');
  await until(async () => (await record(page, 'ann')).opened === 2, 'it comes back by itself, with the new cookie');
  await broker.publish('user/ann/1', 'after');
  const life = await until(async () => {
    const seen = await record(page, 'ann');
    return seen.events.length >= 3 && seen;
  }, 'it goes on where it was');
  assert.deepEqual(life.events.map(({ data }) => data), ['before', 'between', 'after']);
  await until(async () => (await broker.metric('stream_ends_total{reason="token_expired"}')) >= 1, 'it is counted');
});

test('the query carries a token too, and nobody is shown it', async (t) => {
  const watcher = await RawConnection.open(broker.socket);
  t.after(() => watcher.socket.destroy());
  watcher.send('{"op":"watch"}\n');
  await until(() => watcher.received.includes('"ok":true'), 'it watches');
  const token = issuer.token(['secret/**']);
  const stream = await new Subscriber(broker.url, `user=1&token=${token}&channel=secret/a`).opened();
  await until(() => watcher.received.includes('"query":"user=1&channel=secret/a"'), 'the notice comes without it');
  stream.close();
  await until(() => /unsubscribe","channel":"secret\/a"/.test(watcher.received), 'and so does the second one');
  assert.equal((await answer(`/events?channel=secret/a&token=${issuer.token(['b'])}`, bearer(token))).status, 400);
  assert.equal((await answer(`/events?channel=secret/a&token=${token}x`)).status, 401);
  const shown = [watcher.received, broker.log, await (await fetch(`${broker.adminUrl}/metrics`)).text()].join('\n');
  assert.ok(!shown.includes(token.slice(-40)), 'nowhere');
});

test('an EventSource gets in with a ticket, once, on any shard', async (t) => {
  const issue = async (body) => {
    const answer_ = await request('http://x/ticket', { method: 'POST', body: JSON.stringify(body), socketPath: broker.socket });
    assert.equal(answer_.status, 200, answer_.body);
    return JSON.parse(answer_.body).ticket;
  };
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(pages.origin);
  for (const name of ['first', 'second', 'third']) {
    const ticket = await issue({ channels: ['tickets/*'], expires: '30s', sub: 'ann' });
    const url = `${broker.url}/events?channel=tickets/a&ticket=${ticket}`;
    await listen(page, name, url);
    await until(async () => (await record(page, name)).opened === 1, 'the ticket lets it in');
    assert.equal((await answer(`/events?channel=tickets/a&ticket=${ticket}`)).status, 401, 'once');
  }
  await broker.publish('tickets/a', 'hello');
  await until(async () => (await record(page, 'third')).events.length >= 1, 'it gets events');
  assert.equal((await answer(`/events?channel=b&ticket=${await issue({ channels: ['a'] })}`)).status, 403);
  const redis = await run('redis-cli', ['-s', broker.socket, 'SSE.TICKET', 'EX', '30s', 'tickets/b']);
  assert.equal((await answer(`/events?channel=tickets/b&ticket=${redis.stdout.trim()}`)).status, 200);
});

test('a stream ends uncleanly at the expiry of its token, and not before', async () => {
  const began = Date.now();
  const stream = new Subscriber(broker.url, ['expiring'],
    { headers: bearer(issuer.token(['expiring'], { seconds: 3 })), reconnect: false });
  await stream.opened();
  await until(() => stream.connections[0].clean !== null, 'it ends', 15);
  assert.equal(stream.connections[0].clean, false, 'come back');
  assert.ok(Date.now() - began > 2500, 'not before');
  assert.equal(stream.retries.length, 2, 'told when to come back at the start, and again at the end');
});

test('keys are exchanged by SIGHUP, and a bad file keeps the old ones', async () => {
  const next = new TokenIssuer('EdDSA');
  const token = (by) => bearer(by.token(['rotating']));
  const reload = async (file, said) => {
    writeFileSync(keyFile, file);
    const before_ = broker.log.length;
    broker.signal('SIGHUP');
    await until(() => said.test(broker.log.slice(before_)), `the log says ${said}`);
  };
  const status = async (by) => (await answer('/events?channel=rotating', token(by))).status;
  assert.deepEqual([await status(issuer), await status(next)], [200, 401]);
  await reload(issuer.keyFile + next.keyFile, /tokens: 5 keys/);
  await until(async () => await status(next) === 200, 'the new key counts');
  assert.equal(await status(issuer), 200, 'and so does the old one');
  await reload('a short secret', /the keys of tokens stay those that they were/);
  assert.match(broker.log, /\[token\] keys: .*token\.pem: an HMAC secret of 14 bytes is too short/);
  assert.deepEqual([await status(issuer), await status(next)], [200, 200]);
  await reload(next.keyFile, /tokens: 4 keys/);
  await until(async () => await status(issuer) === 401, 'the old key was taken away');
  assert.equal(await status(next), 200);
  await reload(issuer.keyFile, /tokens: 4 keys/);
});

test('check reads the keys, and says who may subscribe to what', async () => {
  const good = await fanfare(['check', '--set', `token.keys=${keyFile}`]);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /\/events +bearers of a token: what \*\* covers, as far as the token grants it\n/);
  assert.match(good.stdout, /tokens: 1 key: EdDSA\n/);
  const bad = await fanfare(['check', '--set', `token.keys=${join(folder, 'absent.pem')}`]);
  assert.equal(bad.code, 78);
  assert.match(bad.stderr, /\[token\] keys: .*absent\.pem: No such file or directory/);
  const open = await fanfare(['check']);
  assert.match(open.stdout, /\/events +anyone: what \*\* covers\n/);
});
