// Site: the web server of the pages: pages/NAME.html at /NAME, files of installed packages at /modules/ (those of
// the end-to-end tests alone at /e2e/), what a test adds, and the paths that it passes on to the broker, as a development server or a front does.
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

const kPages = new URL('../pages/', import.meta.url);
const kTheirs = new URL('../../e2e/node_modules/', import.meta.url);
const kModules = { modules: [new URL('../node_modules/', import.meta.url), kTheirs], e2e: [kTheirs] };
const kTypes = { html: 'text/html; charset=utf-8', js: 'text/javascript' };

export class Site {
  // `passes`: {path: port of the broker}; a query does not count.
  static async start({ passes = {} } = {}) {
    const site = new Site();
    site.passes = passes;
    site.handlers = {};
    site.passed = []; // {method, url, headers} of the requests passed on
    site.server = http.createServer((request, response) => site.answer(request, response));
    await new Promise((resolve) => site.server.listen(0, '127.0.0.1', resolve));
    return site;
  }

  get port() { return this.server.address().port; }

  // `handle(request, response)` answers `path` from now on.
  on(path, handle) { this.handlers[path] = handle; }

  answer(request, response) {
    const path = request.url.split('?')[0];
    if (this.passes[path]) return this.pass(request, response, this.passes[path]);
    if (this.handlers[path]) return this.handlers[path](request, response);
    const [, place, rest] = /^\/(modules|e2e)\/(.+)$/.exec(path) ?? [];
    const file = place ? moduleFile(kModules[place], rest) : pageFile(path.slice(1));
    if (!file) return response.writeHead(404).end();
    // What it imports is relative to where it really is.
    if (place && !file.pathname.endsWith(rest)) {
      const real = `${path}${file.pathname.endsWith('/index.js') ? '/index' : ''}.js`;
      return response.writeHead(302, { Location: real }).end();
    }
    response.setHeader('Content-Type', kTypes[file.pathname.endsWith('.html') ? 'html' : 'js']);
    response.end(readFileSync(fileURLToPath(file)));
  }

  // When either side is gone, so is the other, and an unclean end stays one.
  pass({ method, url, headers, ...request }, response, port) {
    this.passed.push({ method, url, headers });
    const incoming = response.req;
    const onward = http.request({ port, host: '127.0.0.1', method, path: url, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers).flushHeaders();
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

function pageFile(name) {
  if (!/^[\w-]+(\.js)?$/.test(name)) return null;
  const file = new URL(name.endsWith('.js') ? name : `${name}.html`, kPages);
  return existsSync(fileURLToPath(file)) ? file : null;
}

// Packages import their files without an extension, too.
function moduleFile(roots, path) {
  if (!/^[\w@./-]+$/.test(path) || path.includes('..')) return null;
  const names = /\.m?js$/.test(path) ? [path] : [`${path}.js`, `${path}/index.js`];
  const files = roots.flatMap((root) => names.map((name) => new URL(name, root)));
  return files.find((file) => existsSync(fileURLToPath(file))) ?? null;
}
