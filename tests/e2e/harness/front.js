// Front: a reverse proxy on a configuration of deploy/proxy, as run-front starts it: TLS and HTTP/2 before the broker.
import https from 'node:https';
import { fileURLToPath } from 'node:url';

import { start } from './command.js';
import { temporaryFolder } from './folder.js';
import { freePort } from './free_port.js';
import { until, within } from './wait.js';

const kRun = fileURLToPath(new URL('../../../deploy/proxy/run-front', import.meta.url));

// What they do to a stream; deploy/proxy/README.md has the same table in words.
//   comeBack: how an HTTP/2 client sees the end of a stream that is not complete
//   cuts: whether it cuts streams that are silent for longer than its time-out (undefined: where no other shares the connection)
//   slow: whether the broker notices a client that does not read
//   blocks: whether such a client's own other streams may wait for that one
//   survives: whether an EventSource survives a restart of the broker
const kNginx = { comeBack: 'unclean', cuts: true, slow: true, survives: true };
const kHaproxy = { comeBack: 'clean', cuts: true, slow: true, blocks: true, survives: true };
const kCaddy = { comeBack: 'clean', cuts: false, slow: true, survives: true };
export const kFronts = {
  'nginx': { ...kNginx, run: ['nginx'] },
  'HAProxy': { ...kHaproxy, run: ['haproxy'] },
  'HAProxy, h2c': { ...kHaproxy, run: ['--h2c', 'haproxy'] },
  'Caddy': { ...kCaddy, run: ['caddy'] },
  'Caddy, h2c': { ...kCaddy, run: ['--h2c', 'caddy'] },
  'h2o': { comeBack: 'clean', cuts: true, slow: false, survives: true, run: ['h2o'] },
  'Varnish': { comeBack: 'clean', cuts: true, slow: false, survives: true, run: ['varnish'] },
  'nghttpx': { comeBack: 'unclean', cuts: true, slow: true, survives: false, run: ['nghttpx'] },
  'nghttpx, h2c': { comeBack: 'unclean', cuts: undefined, slow: true, survives: false, run: ['--h2c', 'nghttpx'] },
};

// Whether requests pass through it to the broker.
function passes(port) {
  return new Promise((resolve) => {
    const options = { port, host: '127.0.0.1', path: '/position', method: 'HEAD', rejectUnauthorized: false, agent: false };
    https.request(options, (answer) => { answer.resume(); resolve(answer.statusCode === 200); })
      .on('error', () => resolve(false)).end();
  });
}

export class Front {
  // `broker`: its port, or the path of its Unix socket. `silence`: seconds for which a stream may be silent, in place of an hour.
  static async start(broker, { run = ['nginx'], silence } = {}) {
    const front = new Front();
    front.run = silence ? ['--silence', `${silence}`, ...run] : run;
    front.prefix = temporaryFolder();
    front.broker = broker;
    front.port = await freePort();
    await front.begin();
    return front;
  }

  get url() { return `https://localhost:${this.port}`; }

  async begin() {
    this.process = start(kRun, [...this.run, this.prefix, `${this.broker}`, `${this.port}`]);
    await until(() => {
      if (!this.process.running) throw Object.assign(new Error(`the front ended: ${this.process.stderr}`), { final: true });
      return passes(this.port);
    }, () => `the front passes requests on: ${this.process.stderr.slice(-1000)}`, 20);
  }

  async stop() {
    if (!this.process.running) return;
    this.process.child.kill('SIGTERM');
    await within(this.process.ended, 'the front ends', 10);
  }

  async restart() {
    await this.stop();
    await this.begin();
  }
}
