// `fanfare top` in a terminal of known size: what a person sees who presses its keys.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { fanfare, kBinary, run, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const server = join(folder, 'tmux');
const token = join(folder, 'token');
const kToken = '0123456789abcdef';
const tmux = async (...args) => {
  const { code, stdout, stderr } = await run('tmux', ['-S', server, '-f', '/dev/null', ...args], { env: { PATH: process.env.PATH, TERM: 'xterm' } });
  assert.equal(code, 0, stderr);
  return stdout;
};

let broker;
const streams = [];
before(async () => {
  writeFileSync(token, `${kToken}\n`, { mode: 0o600 });
  broker = await Broker.start({ set: ['server.shards=2', `listen.admin_token_file=${token}`] });
  for (const query of ['channel=room/1', 'channel=room/1&channel=hall', 'channel=room/*']) {
    streams.push(await new Subscriber(broker.url, query).opened());
  }
  await broker.publish('room/1', 'hello');
  await broker.publish('hall', 'hello');
});
after(async () => {
  streams.forEach((stream) => stream.close());
  await tmux('kill-server').catch(() => {});
  await broker?.stop();
});

// A terminal with `fanfare top` in it.
class Top {
  constructor(columns) { this.name = `top${columns}`; this.columns = columns; }

  async open(...options) {
    const command = [kBinary, 'top', '--admin', `127.0.0.1:${broker.adminPort}`, '--token-file', token, '--interval', '200ms', ...options];
    await tmux('new-session', '-d', '-s', this.name, '-x', `${this.columns}`, '-y', '40', `${command.join(' ')}; echo ended; sleep 60`);
    return this;
  }

  press(...keys) { return tmux('send-keys', '-t', this.name, ...keys); }
  pane() { return tmux('capture-pane', '-p', '-t', this.name); }
  async shows(fact, what) {
    let seen = '';
    await until(async () => fact.test(seen = await this.pane()), () => `${what}; seen:\n${seen}`);
    for (const line of seen.split('\n')) assert.ok([...line].length <= this.columns, line);
    return seen;
  }
}

for (const columns of [80, 200]) {
  test(`${columns} columns: pages, sorting, a filter, a pause and the end, by keys`, async () => {
    const top = await new Top(columns).open();
    const overview = await top.shows(/room\/1[^]*STATE[^]*127\.0\.0\.1/, 'the overview has channels and connections');
    assert.match(overview, /subscribers +3 \(0 behind\)/);
    assert.match(overview, /Tab 1 2 3 pages/);
    await top.press('2');
    await top.shows(/SUBSCRIBERS[^]*sort: -rate/, 'the channels');
    await top.press('s', 's');
    const channels = await top.shows(/sort: -subscribers/, 'sorted by subscribers');
    assert.match(channels, /3 .*room\/1\n[^]* 1 .*hall/, 'the most first');
    await top.press('r');
    assert.match(await top.shows(/sort: subscribers[^]*/, 'the other way round'), /hall\n[^]*room\/1/);
    await top.press('/', 'h', 'a', 'l');
    await top.shows(/filter: hal_/, 'the filter is being typed');
    await top.press('Enter');
    await top.shows(/^(?![^]*room\/1)[^]*hall[^]*filter \(hal\)/, 'only the hall is left');
    await top.press('3');
    const connections = await top.shows(/STATE +LAG(?:(?!^live)[^])*(?:^live(?:(?!^live)[^])*){3}sort: lag/m, 'the three connections');
    assert.equal(/RTT/.test(connections), columns === 200, 'what has no room is left out');
    await top.press('/', 'h', 'a', 'l', 'l', 'Enter');
    const filtered = await top.shows(/filter \(hall\)/, 'those that get the channel');
    await until(async () => (await top.pane()).match(/^live/mg)?.length === 1, `one is left of:\n${filtered}`);
    await top.press('Escape');
    await until(async () => (await top.pane()).match(/^live/mg)?.length === 3, 'all are back');
    await top.press('p');
    await top.shows(/PAUSED/, 'it pauses');
    await top.press('p', 'q');
    await top.shows(/^ended/m, 'it ends, and the other screen is gone');
  });
}

test('the selected connection is closed when that is confirmed, and comes back', async () => {
  const top = await new Top(120).open('--page', 'connections');
  await top.shows(/STATE[^]*live/, 'the connections');
  await top.press('/', 'h', 'a', 'l', 'l', 'Enter');
  await until(async () => (await top.pane()).match(/^live/mg)?.length === 1, 'one');
  await top.press('x');
  await top.shows(/close s\d+\? y closes it/, 'it asks');
  await top.press('n');
  await top.shows(/x close/, 'and does nothing');
  assert.equal(streams[1].connections.length, 1);
  await top.press('x', 'y');
  await until(() => streams[1].connections.length === 2 && streams[1].open, 'its client has come back');
  assert.equal(streams[0].connections.length, 1);
  await top.press('q');
});

test('tail --admin tells who connects, and who is gone and why', async (t) => {
  const tail = start(kBinary, ['tail', '--admin', `127.0.0.1:${broker.adminPort}`, '--token-file', token]);
  t.after(() => tail.child.kill());
  const authorization = `Bearer ${kToken}`;
  // It tells of those that come after its first look: one each time, until it does.
  const told = () => / opened {2}s\d+ 127\.0\.0\.1:\d+ http\/1\.1 lives$/m.test(tail.stdout);
  await until(async () => {
    const stream = await new Subscriber(broker.url, 'channel=lives', { reconnect: false }).opened();
    t.after(() => stream.close());
    await until(told, 'a line', 1.5).catch(() => {});
    return told();
  }, () => `it is told of; said: ${tail.stdout} ${tail.stderr}`, 20);
  await request(`${broker.adminUrl}/api/close?channel=lives`, { method: 'POST', headers: { authorization } });
  await until(() => / closed {2}dismissed 127\.0\.0\.1:\d+ lives after /.test(tail.stdout), () => `and why: ${tail.stdout}`);
  tail.child.kill('SIGINT');
  assert.equal((await tail.ended).code, 0);
});

test('one table for a report, and sentences where something is wrong', async () => {
  const admin = `127.0.0.1:${broker.adminPort}`;
  const report = await fanfare(['top', '--once', '--interval', '100ms', '--page', 'channels', '--admin', admin, '--token-file', token]);
  assert.equal(report.code, 0, report.stderr);
  assert.match(report.stdout, /room\/1/);
  const without = await fanfare(['top', '--once', '--admin', admin]);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /wants the token of \[listen\] admin_token_file; name a file that holds it with --token-file/);
  const missing = await fanfare(['top', '--admin', admin, '--token-file', join(folder, 'none')]);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /--token-file: .*none/);
});

test('everything but the probes needs the token, as a bearer token or as a password', async () => {
  const status = async (path, headers = {}) => (await request(`${broker.adminUrl}${path}`, { headers })).status;
  assert.equal(await status('/healthz'), 200);
  assert.equal(await status('/readyz'), 200);
  for (const path of ['/', '/metrics', '/api/connections', '/events']) assert.equal(await status(path), 401, path);
  const basic = `Basic ${Buffer.from(`anybody:${kToken}`).toString('base64')}`;
  for (const authorization of [`Bearer ${kToken}`, basic]) {
    for (const path of ['/', '/metrics', '/api/connections']) assert.equal(await status(path, { authorization }), 200, path);
  }
  assert.equal(await status('/metrics', { authorization: 'Bearer 0123456789abcdeF' }), 401);
});
