// Broker: the real binary, on ports the kernel chose and a socket in a temporary folder; it keeps
// them over a restart, as a real one does.
import { join } from 'node:path';

import { kBinary, start } from './command.js';
import { temporaryFolder } from './folder.js';
import { isSubscribers, kEncrypted, kScheme, send, settings } from './transport.js';
import { until, within } from './wait.js';

// Brokers that took over from those that the test started.
const successors = new Set();
process.on('exit', () => {
  for (const pid of successors) try { process.kill(pid, 'SIGKILL'); } catch { /* it has ended */ }
});

export class Broker {
  // `set`: overrides as in --set, after the ones every test broker gets. `wrapper`: a program that
  // runs the command it is given. `binary`: in place of the one that was built.
  static async start({ set = [], config, env, wrapper, binary = kBinary } = {}) {
    const broker = new Broker();
    broker.binary = binary;
    broker.folder = temporaryFolder();
    broker.socket = join(broker.folder, 'ingest.sock');
    broker.set = set;
    broker.config = config;
    broker.env = env;
    broker.wrapper = wrapper;
    broker.httpPort = 0; // where subscribers are served, in clear or over TLS
    broker.adminPort = 0;
    await broker.begin();
    return broker;
  }

  get url() { return `${kScheme}://127.0.0.1:${this.httpPort}`; }
  get adminUrl() { return `http://127.0.0.1:${this.adminPort}`; }
  get log() { return this.process.stderr; }

  arguments() {
    const set = [
      `listen.http=127.0.0.1:${kEncrypted ? 0 : this.httpPort}`,
      ...this.transport,
      `listen.admin=127.0.0.1:${this.adminPort}`,
      `listen.ingest=${this.socket}`,
      ...this.set,
    ];
    return ['serve', ...(this.config ? ['--config', this.config] : []),
      ...set.flatMap((one) => ['--set', one])];
  }

  async begin() {
    this.transport = await settings(this.httpPort);
    const command = [...(this.wrapper ? [this.wrapper] : []), this.binary, ...this.arguments()];
    const running = start(command[0], command.slice(1), { env: this.env });
    this.process = running;
    this.pid = running.pid;
    running.ended.then(({ code, signal }) => {
      if (running.told || code === 1 || code === 78) return;
      console.error(`the broker ended by itself (code ${code}, signal ${signal}):\n${running.stderr}`);
    });
    await until(() => {
      if (!this.process.running) throw Object.assign(new Error(`the broker ended: ${this.log}`), { final: true });
      return /admin: http/.test(this.log);
    }, 'the broker says where it listens', 20);
    this.httpPort = Number(new RegExp(`subscribers: ${kScheme}://127\\.0\\.0\\.1:(\\d+)`).exec(this.log)[1]);
    isSubscribers(this.url);
    this.adminPort = Number(/admin: http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)[1]);
  }

  // As a power cut would.
  async kill() {
    this.signal('SIGKILL');
    await this.process.ended;
  }

  signal(name) {
    this.process.told = true;
    if (this.process.running) process.kill(this.pid, name);
  }

  // SIGUSR2, to which `serves` another process; resolves with what the log says meanwhile.
  async upgrade({ serves = true } = {}) {
    const from = this.log.length;
    this.signal('SIGUSR2');
    const said = () => this.log.slice(from);
    if (!serves) {
      await until(() => /this process goes on/.test(said()), () => `the broker goes on: ${said()}`, 30);
      return said();
    }
    await until(() => /upgrade: process \d+ serves/.test(said()) && /admin: http/.test(said()), () => `another one serves: ${said()}`, 30);
    this.pid = Number(/upgrade: process (\d+) serves/.exec(said())[1]);
    successors.add(this.pid);
    return said();
  }

  // SIGTERM; resolves with the exit code.
  async stop(seconds = 20) {
    if (!this.process.running) return null;
    this.signal('SIGTERM');
    try {
      return (await within(this.process.ended, 'the broker ends after SIGTERM', seconds)).code;
    } finally {
      if (this.process.running) this.signal('SIGKILL');
    }
  }

  // SIGKILL and again: a new epoch on the same ports.
  async restart() {
    await this.kill();
    await this.begin();
  }

  // {name: value}, labels as part of the name.
  async metrics() {
    const { body } = await request(`${this.adminUrl}/metrics`);
    const metrics = {};
    for (const line of body.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const space = line.lastIndexOf(' ');
      metrics[line.slice(0, space)] = Number(line.slice(space + 1));
    }
    return metrics;
  }

  async metric(name) { return (await this.metrics())[`fanfare_${name}`]; }

  // One event through the HTTP dialect; resolves with its id.
  async publish(channel, data, { event, key, retry } = {}) {
    const query = new URLSearchParams();
    if (event !== undefined) query.set('event', event);
    if (key !== undefined) query.set('id', key);
    if (retry !== undefined) query.set('retry', retry);
    const { status, body } = await request(`http://x/publish/${channel}?${query}`,
      { method: 'POST', body: data, socketPath: this.socket });
    if (status !== 200) throw new Error(`publish: ${status} ${body}`);
    return JSON.parse(body).id;
  }

  async finish(channel) {
    return request(`http://x/finish/${channel}`, { method: 'POST', socketPath: this.socket });
  }
}

// One request, one whole answer.
export function request(url, { method = 'GET', headers = {}, body, socketPath } = {}) {
  return new Promise((resolve, reject) => {
    const sent = send(url, { method, headers, socketPath }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () => resolve({
        status: answer.statusCode,
        headers: answer.headers,
        body: Buffer.concat(pieces).toString('utf8'),
      }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
