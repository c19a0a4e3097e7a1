// Application: a small node server behind a Unix socket or a port, as a route asks one. What it
// answers is a table by path; every question is kept.
import http from 'node:http';
import { rmSync } from 'node:fs';

export class Application {
  // `answers`: {path: (asked, answer) => …}. `path`: of a Unix socket; none: a port.
  static async start(answers, { path } = {}) {
    const application = new Application();
    application.answers = answers;
    application.path = path;
    application.port = 0;
    application.asked = []; // {method, url, headers, body}
    await application.begin();
    return application;
  }

  async begin() {
    if (this.path) rmSync(this.path, { force: true });
    this.connections = new Set();
    this.server = http.createServer(async (request, answer) => {
      let body = '';
      for await (const piece of request) body += piece;
      const { method, url, headers } = request;
      this.asked.push({ method, url, headers, body });
      const answers = this.answers[url.split('?')[0]];
      if (!answers) { answer.writeHead(404).end('no such page\n'); return; }
      answers(this.asked.at(-1), answer);
    });
    this.server.on('connection', (socket) => {
      this.connections.add(socket);
      socket.on('close', () => this.connections.delete(socket));
    });
    await new Promise((resolve) => this.server.listen(this.path ?? { port: this.port, host: '127.0.0.1' }, resolve));
    if (!this.path) this.port = this.server.address().port;
  }

  get upstream() { return this.path ? `unix:${this.path}` : `http://127.0.0.1:${this.port}`; }

  // As a deployment does: connections break, and nobody listens for a while.
  async stop() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.connections) socket.destroy();
    await closed;
  }

  async restart() {
    await this.stop();
    await this.begin();
  }
}
