// Every alert of deploy/prometheus fires when its cause is made, in a real Prometheus that scrapes real brokers, and none
// does before; the Grafana dashboard asks for nothing that is not there. Times are short: harness/prometheus.js.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, copyFileSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Application } from './harness/application.js';
import { Broker, request } from './harness/broker.js';
import { fanfare, kBinary, run, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { Prometheus, alertNames, dashboardQueries, kRules, limitNames } from './harness/prometheus.js';
import { RawConnection } from './harness/raw.js';
import { Subscriber } from './harness/subscriber.js';
import { TokenIssuer } from './harness/tokens.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const at = (name) => join(folder, name);
const issuer = new TokenIssuer('EdDSA');
const stranger = new TokenIssuer('EdDSA');
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const fired = new Set(); // alerts, and limits of FanfareLimitReached and FanfareClientsOverLimit
const held = []; // what is open until the end: {close()}
const brokers = {};
let application;
let hooked = 204; // what it answers to a hook
let prometheus;

const keep = (thing) => { held.push(thing); return thing; };
const times = (count, make) => Promise.all(Array.from({ length: count }, (_, i) => make(i)));
const streams = (broker, count, query, options) =>
  times(count, () => keep(new Subscriber(broker.url, query, { reconnect: false, ...options })).opened());
const idle = async (port, options) => {
  const socket = net.connect({ port, host: '127.0.0.1', ...options });
  socket.on('error', () => {});
  keep({ close: () => socket.destroy() });
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return socket;
};
// 600 kB at once.
const publishMuch = (broker, channel) => request('http://x/publish', {
  method: 'POST', body: `{"channel":"${channel}","data":"${'x'.repeat(60_000)}"}\n`.repeat(10),
  headers: { 'Content-Type': 'application/x-ndjson' }, socketPath: broker.socket,
});
const get = (broker, path, options) => request(`${broker.url}${path}`, options).catch(() => {});
const listenersPort = (broker, what) => Number(new RegExp(`${what}127\\.0\\.0\\.1:(\\d+)`).exec(broker.log)[1]);

// The alert fires for that broker (and limit) while `cause`, if it is a function, is made again and again.
async function fires(alert, instance, { limit, cause } = {}) {
  let done = false;
  const making = (async () => { while (cause && !done) await cause(); })();
  try {
    await until(async () => (await prometheus.alerts()).some((labels) => labels.alertname === alert &&
      labels.instance === instance && (limit === undefined || labels.limit === limit)), `${alert} ${limit ?? ''} fires for ${instance}`, 60);
  } finally {
    done = true;
    await making;
  }
  fired.add(alert);
  if (limit) fired.add(limit);
}
const reaches = (limit, instance, cause) => fires('FanfareLimitReached', instance, { limit, cause });

// A pair that is good for `hours`, in place of the one that the broker has.
function shortLived(hours) {
  const stamp = new Date(Date.now() + hours * 3_600_000).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  mkdirSync(at(`ca-${hours}`));
  const ca = (name) => at(`ca-${hours}/${name}`);
  writeFileSync(ca('index'), '');
  writeFileSync(ca('serial'), '01\n');
  writeFileSync(ca('config'), `[ca]\ndefault_ca = own\n[own]\ndatabase = ${ca('index')}\nserial = ${ca('serial')}\nnew_certs_dir = ${folder}\n` +
    'default_md = sha256\npolicy = any\nx509_extensions = names\n[any]\ncommonName = supplied\n[names]\nsubjectAltName = DNS:localhost\n' +
    '[req]\ndistinguished_name = dn\n[dn]\n');
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  openssl('req', '-config', ca('config'), '-new', '-key', at('tls/key.pem'), '-subj', '/CN=localhost', '-out', ca('request'));
  openssl('ca', '-batch', '-selfsign', '-config', ca('config'), '-keyfile', at('tls/key.pem'), '-in', ca('request'), '-notext',
    '-startdate', '20260101000000Z', '-enddate', `${stamp}Z`, '-out', ca('certificate'));
  copyFileSync(ca('certificate'), at('tls/certificate.pem'));
}

before(async () => {
  assert.equal((await fanfare(['cert', '--self-signed', at('tls')])).code, 0);
  writeFileSync(at('keys.pem'), issuer.keyFile);
  execFileSync('mkfifo', [at('access.fifo')]);
  openSync(at('access.fifo'), constants.O_RDONLY | constants.O_NONBLOCK); // nobody reads it
  application = await Application.start({ '/hook': (_, answer) => answer.writeHead(hooked).end(), '/silent': () => {}, '/large': (_, answer) => answer.end('x'.repeat(5000)) });
  writeFileSync(at('applications.toml'), ['hooked', 'many'].map((name) => `[[hook]]\nurl = "${application.upstream}/hook"\nchannels = ["${name}/*"]\nretries = 1\nsettle = "0s"\n`).join('') +
    ['silent', 'large'].map((path) => `[[route]]\npath = "/${path}"\nupstream = "${application.upstream}"\n`).join('') +
    '[[route]]\npath = "/down"\nupstream = "http://127.0.0.1:1"\n');
  const one = 'server.shards=1';
  const begin = async (name, set, options) => { brokers[name] = await Broker.start({ set, ...options }); };
  const hang = ['python3', '-B', fileURLToPath(new URL('harness/hang.py', import.meta.url))];
  writeFileSync(at('hang'), `#!/bin/sh\nexec ${hang.join(' ')} "$@"\n`, { mode: 0o755 });
  const begun = await Promise.allSettled([
    begin('room', [one, 'limits.connections=10']),
    begin('descriptors', [one, 'server.backend=epoll', 'limits.connections=300']),
    begin('limits', [one, 'limits.patterns=1', 'limits.queries_bytes=0B', 'limits.replay_channels=1', 'limits.heartbeat_events=0',
      'limits.body_bytes=1KiB', 'limits.idempotency_keys=1', 'limits.tickets=0', 'limits.channels=4', 'limits.clients=1',
      'limits.streams_per_address=1000', 'access.buffer=4KiB', `access.log=${at('access.fifo')}`, 'publish.listen=127.0.0.1:0',
      `publish.keys=${at('keys.pem')}`, `token.keys=${at('keys.pem')}`, 'token.need=optional', 'limits.publish_connections=1',
      'limits.ingest_connections=3', 'listen.https=127.0.0.1:0', 'limits.head_time=3s', `tls.certificate=${at('tls/certificate.pem')}`,
      `tls.key=${at('tls/key.pem')}`, 'limits.tls_handshakes=1']),
    begin('clients', [one, `token.keys=${at('keys.pem')}`, 'token.need=optional', 'limits.connections_per_address=30',
      'limits.streams_per_address=1', 'limits.requests_per_address=20/h', 'limits.streams_per_token=1', 'limits.requests_per_token=20/h']),
    begin('history', [one, 'history.total_bytes=1MiB', 'delivery.compress=true', 'limits.compressors=0']),
    begin('memory', [one, 'history.total_bytes=256MiB', 'history.bytes=256MiB', 'delivery.stall=2s', 'limits.replay_channels=1000000']),
    begin('busy', [one]),
    begin('stuck', ['server.shards=2', 'limits.presence_time=100ms', 'limits.ingest_pending_bytes=64KiB'], { wrapper: at('hang') }),
    begin('applications', [one, 'limits.upstream_connections=1', 'limits.upstream_answer_bytes=1KiB', 'limits.upstream_time=3s',
      'limits.hook_channels=100'], { config: at('applications.toml') }),
    begin('mortal', [one, 'limits.drain=1min']),
  ]);
  for (const { reason } of begun) if (reason) throw reason;
  prometheus = await Prometheus.start(brokers, ['memory']);
});
after(async () => {
  for (const thing of held) thing.close();
  await prometheus?.stop();
  await application?.stop();
  for (const [name, broker] of Object.entries(brokers)) broker.signal(name === 'stuck' ? 'SIGTERM' : 'SIGKILL');
});

test('promtool has nothing to say of the rules', async () => {
  const { code, stdout, stderr } = await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', kRules]);
  assert.equal(code, 0, stdout + stderr);
});

test('no alert fires while all is well', async () => {
  await until(async () => (await prometheus.ask('count_over_time(up[1m]) > 2')).length === Object.keys(brokers).length, 'some scrapes');
  // A machine that is busy with other tests makes turns long, and scrapes late.
  const own = (await prometheus.alerts()).filter(({ alertname }) => !['FanfareTurnsLong', 'FanfareDown'].includes(alertname));
  assert.deepEqual(own, []);
});

// Brokers side by side, and on each one cause after the other.
describe('alerts', { concurrency: 5 }, () => {
  describe('of the broker "room"', { concurrency: 1 }, () => {
    test('seats: nearly all are taken, then all are, then not even a connection fits', async () => {
      const broker = brokers.room;
      await streams(broker, 9, ['seats']);
      await fires('FanfareNearlyFull', 'room');
      await streams(broker, 1, ['seats']);
      await fires('FanfareSubscribersTurnedAway', 'room', { cause: () => get(broker, '/events?channel=seats') });
      await reaches('connections', 'room', () => times(80, () => idle(broker.httpPort)));
    });

    test('the admin listener is full', async () => {
      await reaches('admin_connections', 'room', () => times(5, () => idle(brokers.room.adminPort)));
    });
  });

  describe('of the broker "descriptors"', { concurrency: 1 }, () => {
    test('descriptors: few are left, then none', async () => {
      const broker = brokers.descriptors;
      const allow = (count) => execFileSync('prlimit', [`--pid=${broker.process.pid}`, `--nofile=${count}:`]);
      allow(330);
      await times(300, () => idle(broker.httpPort));
      await fires('FanfareDescriptors', 'descriptors');
      await times(30, () => idle(broker.httpPort));
      allow(300);
      await fires('FanfareAcceptFails', 'descriptors', { cause: () => idle(broker.httpPort) });
    });
  });

  describe('of the broker "limits"', { concurrency: 1 }, () => {
    let publishing = []; // what takes the last places

    test('limits: each that is reached is named', async () => {
      const broker = brokers.limits;
      const ingest = (path, body) => request(`http://x${path}`, { method: 'POST', body, socketPath: broker.socket });
      await streams(broker, 1, ['one/*']);
      await broker.publish('a/1', 'x');
      await broker.publish('a/2', 'x');
      const key = () => `${Math.random()}`;
      const again = {
        patterns: () => get(broker, '/events?channel=two/*'),
        queries_bytes: () => streams(broker, 1, 'channel=a/1&who=me').then(([stream]) => stream.close()),
        replay_channels: () => new Promise((resolve) => {
          const stream = new Subscriber(broker.url, 'channel=a/1&channel=a/2&replay=1&each=channel', { reconnect: false });
          stream.opened().then(() => { stream.close(); resolve(); }, resolve);
        }),
        heartbeat_events: () => get(broker, '/events?channel=a/1&heartbeat_event=mine'),
        bodies_bytes: () => get(broker, '/events', { method: 'POST', body: 'x'.repeat(2000) }),
        idempotency_keys: () => broker.publish('a/1', 'x', { key: key() }),
        tickets: () => ingest('/ticket', JSON.stringify({ channels: ['a/1'] })),
        channels: () => times(1, (i) => ingest(`/publish/more/${i}-${key()}`, 'x')),
      };
      for (const [limit, cause] of Object.entries(again)) await reaches(limit, 'limits', cause);
      await fires('FanfarePublishersRefused', 'limits', { cause: again.channels });

      await streams(broker, 1, ['a/1']); // 127.0.0.1 holds a place
      await reaches('clients', 'limits', async () => {
        const socket = await idle(broker.httpPort, { localAddress: '127.0.0.2' });
        socket.write('GET /events?channel=a/1 HTTP/1.1\r\nHost: x\r\n\r\n');
        await new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
        socket.destroy();
      });
      const over = (port) => async () => { (await idle(port)).destroy(); };
      const publishers = listenersPort(broker, 'publishers, with a token: ');
      await idle(publishers);
      await reaches('publish_connections', 'limits', over(publishers));
      publishing = await times(3, () => RawConnection.open(broker.socket).then(keep));
      await reaches('ingest_connections', 'limits', () => RawConnection.open(broker.socket).then((raw) => raw.close(), () => {}));
    });

    test('an access log that nobody reads lacks lines', async () => {
      await fires('FanfareAccessLogIncomplete', 'limits', { cause: () => times(20, () => get(brokers.limits, `/${'x'.repeat(2000)}`)) });
      await fires('FanfareRequestsRefused', 'limits', { cause: () => get(brokers.limits, '/nowhere') });
    });

    test('TLS: too many handshakes at a time, some that fail, and certificates that expire', async () => {
      const port = listenersPort(brokers.limits, 'https://');
      (await idle(port)).write('\x16'); // it begins, and does not go on
      await reaches('tls_handshakes', 'limits', async () => {
        const socket = await idle(port);
        socket.resume().write('\x16');
        await new Promise((resolve) => socket.once('close', resolve));
      });
      await until(async () => (await brokers.limits.metrics())['fanfare_closes_total{reason="head_timeout"}'] > 0, 'its time is up');
      await fires('FanfareTlsFails', 'limits', { cause: async () => (await idle(port)).end('GET / HTTP/1.1\r\n\r\n') });
      shortLived(48);
      await fires('FanfareCertificateExpires', 'limits');
      shortLived(1);
      await fires('FanfareCertificateExpired', 'limits');
    });

    test('tokens: those of another issuer are refused, of subscribers and of publishers', async () => {
      const broker = brokers.limits;
      const headers = bearer(stranger.token(['a/1']));
      await fires('FanfareTokensRefused', 'limits', { cause: () => get(broker, '/events?channel=a/1', { headers }) });
      const publisher = `http://127.0.0.1:${listenersPort(brokers.limits, 'publishers, with a token: ')}/publish/a`;
      publishing.forEach((raw) => raw.close());
      await fires('FanfarePublishersNotLetIn', 'limits', {
        cause: () => request(publisher, { method: 'POST', body: 'x', headers: bearer(stranger.token(undefined, { publish: ['a'] })) }).catch(() => {}),
      });
    });
  });

  describe('of the broker "clients"', { concurrency: 1 }, () => {
    test('one client takes too much: by its address, by its token', async () => {
      const broker = brokers.clients;
      let address = 10;
      const ask = (from, headers = {}) => new Promise((resolve) => {
        const socket = net.connect({ port: broker.httpPort, host: '127.0.0.1', localAddress: from });
        const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
        socket.on('error', resolve).on('close', resolve).once('data', () => setTimeout(() => socket.destroy(), 5));
        socket.write(`GET /events?channel=a HTTP/1.1\r\nHost: x\r\n${fields}\r\n`);
      });
      const over = (limit, cause) => fires('FanfareClientsOverLimit', 'clients', { limit, cause });
      await over('connections_per_address', () => times(40, () => idle(broker.httpPort, { localAddress: '127.0.0.9' })));
      await over('streams_per_address', () => { address += 1; return times(15, () => ask(`127.0.1.${address}`)); });
      await over('requests_per_address', () => times(30, () => ask('127.0.0.3')));
      let subject = 0;
      const ofAll = (count) => {
        const headers = bearer(issuer.token(['a'], { sub: `user-${subject += 1}` }));
        return times(count, () => ask(`127.0.${2 + Math.floor(Math.random() * 200)}.${1 + Math.floor(Math.random() * 200)}`, headers));
      };
      await over('streams_per_token', () => ofAll(15));
      await over('requests_per_token', () => ofAll(60));
    });
  });

  describe('of the broker "history"', { concurrency: 1 }, () => {
    test('there are no more compressors', async () => {
      const headers = { 'Accept-Encoding': 'gzip' };
      await reaches('compressors', 'history', async () => {
        const [stream] = await streams(brokers.history, 1, ['gzip'], { headers });
        stream.close();
      });
    });

    test('the history: full, cut, and too short for those who come back', async () => {
      const broker = brokers.history;
      const first = await broker.publish('news', 'first');
      const fill = () => times(4, (i) => broker.publish(i === 0 ? 'news' : `other/${i}`, 'x'.repeat(60_000)));
      await fires('FanfareHistoryNearlyFull', 'history', { cause: fill });
      await fires('FanfareHistoryCut', 'history', { cause: fill });
      await fires('FanfareEventsLost', 'history', { cause: async () => {
        const stream = new Subscriber(broker.url, ['news'], { headers: { 'Last-Event-ID': first }, reconnect: false });
        await until(() => stream.gaps.length > 0, 'a gap');
        stream.close();
      } });
    });
  });

  describe('of the broker "memory"', { concurrency: 1 }, () => {
    test('memory: the history grows to what the process may have', async () => {
      const broker = brokers.memory;
      const { process_resident_memory_bytes: now } = await broker.metrics();
      const allowed = Math.round(now * 1.2) + 16 * 1024 * 1024;
      execFileSync('prlimit', [`--pid=${broker.process.pid}`, `--rss=${allowed}`]);
      assert.equal((await broker.metrics()).fanfare_memory_max_bytes, allowed);
      await fires('FanfareMemory', 'memory', { cause: () => publishMuch(broker, 'large') });
    });

    test('subscribers that do not read are behind, and then disconnected', async () => {
      const broker = brokers.memory;
      const frozen = await streams(broker, 6, ['frozen']);
      frozen.forEach((stream) => stream.pause());
      const fill = () => publishMuch(broker, 'frozen');
      await fires('FanfareSubscribersBehind', 'memory', { cause: fill });
      await fires('FanfareSlowSubscribers', 'memory', { cause: fill });
    });

    test('a broker that has too much to do: busy, with long turns, late', async () => {
      const broker = brokers.memory;
      const kChannels = 10_000;
      const publisher = keep(await RawConnection.open(broker.socket));
      publisher.send(Array.from({ length: kChannels }, (_, i) => `{"channel":"many/${i}","data":"x"}\n`).join(''));
      await publisher.until((text) => text.length > kChannels * 5 && text.split('\n').length > kChannels, 'there are many channels', 20);
      await streams(broker, 1, ['late']);
      const newest = '/events?channel=many/*&poll=1&replay=1&each=channel';
      let wanted = true;
      const loop = async (step) => { while (wanted) await step(); };
      const loops = [loop(() => broker.publish('late', 'x'))];
      // As many as make an answer take 0.7 s, whatever the machine's speed: longer, and no scrape would come through.
      let took = 0;
      const heavy = async () => {
        const began = performance.now();
        await get(broker, newest);
        took = performance.now() - began;
      };
      const more = setInterval(() => { if (took < 700) loops.push(loop(heavy)); }, 300);
      try {
        for (const alert of ['FanfareShardBusy', 'FanfareTurnsLong', 'FanfareDeliveryLate']) await fires(alert, 'memory');
      } finally {
        clearInterval(more);
        wanted = false;
        await Promise.all(loops);
      }
    });
  });

  describe('of the broker "busy"', { concurrency: 1 }, () => {
    test('HTTP/2 clients that flood are reported', async () => {
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
      const ping = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      const flood = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings, ...Array(20_000).fill(ping)]);
      await fires('FanfareHttp2Floods', 'busy', { cause: async () => {
        const socket = await idle(brokers.busy.httpPort);
        socket.resume().write(flood);
        await new Promise((resolve) => socket.once('close', resolve));
      } });
    });
  });

  describe('of the broker "applications"', { concurrency: 1 }, () => {
    test('applications: a hook that nobody answers, routes whose application is down, silent or talks too much', async () => {
      const broker = brokers.applications;
      const occupy = (name, count) =>
        new Subscriber(broker.url, Array.from({ length: count }, (_, i) => `${name}/${i}`), { reconnect: false });
      hooked = 503;
      const few = keep(occupy('hooked', 1));
      await fires('FanfareHookFails', 'applications');
      await fires('FanfareHookEventsLost', 'applications');
      few.close();
      await reaches('hook_channels', 'applications', async () => { const many = occupy('many', 120); await many.opened(); many.close(); });
      await fires('FanfareApplicationFails', 'applications', { cause: () => get(broker, '/down') });
      await reaches('upstream_answer_bytes', 'applications', () => get(broker, '/large'));
      await fires('FanfareApplicationQueue', 'applications', { cause: () => times(3, () => get(broker, '/silent')) });
    });

    test('a watcher that does not read misses notices', async () => {
      const broker = brokers.applications;
      const watcher = keep(await RawConnection.open(broker.socket));
      watcher.send('{"op":"watch","channels":["hall"]}\n');
      await until(() => watcher.received.includes('present'), 'it watches');
      watcher.socket.pause();
      const query = `channel=hall&padding=${'x'.repeat(7000)}`;
      await fires('FanfareWatchersBehind', 'applications', { cause: () => times(40, async () => {
        const stream = await new Subscriber(broker.url, query, { reconnect: false }).opened();
        stream.close();
      }) });
    });
  });

  describe('of the broker "stuck"', { concurrency: 1 }, () => {
    test('a shard that stands still is reported, a question that it does not answer, and publishers that wait for it', async () => {
      const broker = brokers.stuck;
      broker.signal('SIGUSR2');
      await until(() => /hanging/.test(broker.log), 'a shard hangs');
      await fires('FanfareShardStuck', 'stuck');
      await reaches('presence_time', 'stuck', () => request('http://x/channels/a/subscribers', { socketPath: broker.socket }));
      const publisher = keep(await RawConnection.open(broker.socket));
      publisher.send(`{"channel":"a","data":"${'x'.repeat(60_000)}"}\n`.repeat(10)); // the shard that stands still never has it
      await fires('FanfarePublishersSlowed', 'stuck');
    });
  });

  describe('of the broker "mortal"', { concurrency: 1 }, () => {
    test('a broker that restarts again and again, drains for long, and is gone', async () => {
      const broker = brokers.mortal;
      await fires('FanfareRestarts', 'mortal', { cause: async () => {
        await broker.restart();
        const [, epoch] = /epoch (\w+)/.exec(broker.log);
        await until(async () => (await prometheus.ask(`fanfare_info{epoch="${epoch}"}`)).length > 0, 'this life was scraped', 30);
      } });
      await streams(broker, 20, ['a']);
      broker.signal('SIGTERM');
      await fires('FanfareNotServing', 'mortal');
      await broker.kill();
      await fires('FanfareDown', 'mortal');
    });
  });
});

test('every alert and every limit of the rules has fired', () => {
  assert.deepEqual([...alertNames(), ...limitNames()].filter((name) => !fired.has(name)), []);
});

test('each query of the dashboard finds something', async () => {
  const empty = [];
  for (const [panel, query] of dashboardQueries()) {
    if ((await prometheus.ask(query)).length === 0) empty.push(`${panel}: ${query}`);
  }
  assert.deepEqual(empty, []);
});
