// Proxies: Debian's nginx and HAProxy in front of the broker, in each of the ways in which a front says for whom it asks:
// a field of the request, or the PROXY protocol, version 1 and 2. They connect from 127.0.0.1.
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { start } from './command.js';
import { temporaryFolder } from './folder.js';
import { freePort } from './free_port.js';
import { until, within } from './wait.js';

const kNginxModules = '/usr/lib/nginx/modules';

const nginxConfig = (broker, ports) => `
load_module ${kNginxModules}/ngx_stream_module.so;
daemon off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path tmp/${kind};`).join('\n  ')}
  upstream fanfare { server 127.0.0.1:${broker}; keepalive 8; }
  server {
    listen 127.0.0.1:${ports['nginx, X-Forwarded-For']};
    location / {
      proxy_pass http://fanfare;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffering off;
    }
  }
}
stream {
  server { listen 127.0.0.1:${ports['nginx, PROXY']}; proxy_pass 127.0.0.1:${broker}; proxy_protocol on; }
}
`;

const haproxyConfig = (broker, ports) => `
defaults
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend fields
  mode http
  bind 127.0.0.1:${ports['HAProxy, X-Forwarded-For']}
  default_backend fields
backend fields
  mode http
  option forwardfor
  http-reuse always
  server fanfare 127.0.0.1:${broker}
listen first
  mode tcp
  bind 127.0.0.1:${ports['HAProxy, PROXY version 1']}
  server fanfare 127.0.0.1:${broker} send-proxy
listen second
  mode tcp
  bind 127.0.0.1:${ports['HAProxy, PROXY version 2']}
  server fanfare 127.0.0.1:${broker} send-proxy-v2
`;

export const kWays = ['nginx, X-Forwarded-For', 'nginx, PROXY', 'HAProxy, X-Forwarded-For', 'HAProxy, PROXY version 1',
  'HAProxy, PROXY version 2'];

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
}

export class Proxies {
  static async start(brokerPort) {
    const proxies = new Proxies();
    proxies.ports = {};
    for (const way of kWays) proxies.ports[way] = await freePort();
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'tmp'));
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(brokerPort, proxies.ports));
    writeFileSync(join(folder, 'haproxy.cfg'), haproxyConfig(brokerPort, proxies.ports));
    const path = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
    proxies.processes = [
      start('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { env: { PATH: path } }),
      start('haproxy', ['-q', '-f', join(folder, 'haproxy.cfg')], { env: { PATH: path } }),
    ];
    for (const way of kWays) {
      await until(() => {
        for (const one of proxies.processes) if (!one.running) throw new Error(`a proxy ended: ${one.stderr}`);
        return answers(proxies.ports[way]);
      }, `${way} answers`, 20);
    }
    return proxies;
  }

  url(way) { return `http://127.0.0.1:${this.ports[way]}`; }

  async stop() {
    for (const one of this.processes) {
      if (!one.running) continue;
      one.child.kill('SIGTERM');
      await within(one.ended, 'a proxy ends', 10);
    }
  }
}
