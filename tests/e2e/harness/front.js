// Front: Debian's nginx as deploy/proxy/run-nginx starts it: TLS and HTTP/2 before the broker.
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';

import { start } from './command.js';
import { temporaryFolder } from './folder.js';
import { freePort } from './free_port.js';
import { until, within } from './wait.js';

const kRun = fileURLToPath(new URL('../../../deploy/proxy/run-nginx', import.meta.url));

function answersTls(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('secureConnect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
}

export class Front {
  static async start(brokerPort) {
    const front = new Front();
    front.prefix = temporaryFolder();
    front.brokerPort = brokerPort;
    front.port = await freePort();
    await front.begin();
    return front;
  }

  get url() { return `https://localhost:${this.port}`; }

  async begin() {
    this.process = start(kRun, [this.prefix, `${this.brokerPort}`, `${this.port}`]);
    await until(() => {
      if (!this.process.running) throw new Error(`nginx ended: ${this.process.stderr}`);
      return answersTls(this.port);
    }, 'nginx answers', 20);
  }

  async stop() {
    if (!this.process.running) return;
    this.process.child.kill('SIGTERM');
    await within(this.process.ended, 'nginx ends', 10);
  }

  async restart() {
    await this.stop();
    await this.begin();
  }
}
