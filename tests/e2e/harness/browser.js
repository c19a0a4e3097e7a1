// Browser: headless Chromium or Firefox, and a web server for the pages it opens. The pages record what happens
// to them; nothing here knows what a broker is.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { fileURLToPath } from 'node:url';

import playwright from 'playwright-core';

import { temporaryFolder } from './folder.js';
import { certificate, kBrowserFlags, kEncrypted, kScheme } from './transport.js';

const kFlags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export function launch({ args = [], backForwardCache = false } = {}) {
  const ignoreDefaultArgs = backForwardCache ? ['--disable-back-forward-cache'] : [];
  return playwright.chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: [...kFlags, ...kBrowserFlags, ...args], ignoreDefaultArgs });
}

// Debian's Firefox as it is, over WebDriver BiDi: what playwright calls "firefox" is a build of its own.
function launchFirefox() {
  const env = { ...process.env, HOME: temporaryFolder() }; // it refuses one that belongs to somebody else
  return playwright._bidiFirefox.launch({ executablePath: '/usr/bin/firefox-esr', headless: true, env });
}

// Both, for what a test shows of EventSource, or of how a browser uses its connections: {Chromium, Firefox, close}.
export const kBrowserNames = ['Chromium', 'Firefox'];
export async function launchAll() {
  const [Chromium, Firefox] = await Promise.all([launch(), launchFirefox()]);
  return { Chromium, Firefox, close: () => Promise.all([Chromium.close(), Firefox.close()]) };
}

const kLibrary = new URL('../node_modules/@microsoft/fetch-event-source/lib/esm/', import.meta.url);
const kModules = new URL('../node_modules/', import.meta.url);

// A page reads streams over TLS with its cookies only if it came over TLS itself.
async function serve(answer) {
  if (!kEncrypted) return http.createServer(answer);
  const files = await certificate();
  return https.createServer({ cert: readFileSync(files.certificate), key: readFileSync(files.key) }, answer);
}

// An origin: a page without content, and the client library. It listens on every loopback name, so
// that http://127.0.0.1:port and http://localhost:port are two origins of one server.
export class Pages {
  static async start() {
    const pages = new Pages();
    pages.server = await serve((request, response) => {
      const library = /^\/fetch-event-source\/([a-z]+)(\.js)?$/.exec(request.url);
      if (library) {
        response.setHeader('Content-Type', 'text/javascript');
        return response.end(readFileSync(fileURLToPath(new URL(`${library[1]}.js`, kLibrary))));
      }
      // Any file of an installed package, for pages that import it.
      const module = /^\/modules\/([\w@./-]+\.js)$/.exec(request.url);
      if (module) {
        response.setHeader('Content-Type', 'text/javascript');
        return response.end(readFileSync(fileURLToPath(new URL(module[1], kModules))));
      }
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end('<!doctype html><title>a page</title><script type="importmap">' +
        '{"imports":{"eventsource-parser":"/modules/eventsource-parser/dist/index.js"}}</script>');
    });
    await new Promise((resolve) => pages.server.listen(0, '127.0.0.1', resolve));
    return pages;
  }

  get port() { return this.server.address().port; }
  get origin() { return `${kScheme}://127.0.0.1:${this.port}`; }
  get otherOrigin() { return `${kScheme}://localhost:${this.port}`; }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

// Opens an EventSource in `page` that records its whole life; `record(page, name)` reads it.
export function listen(page, name, url, { withCredentials = false, types = ['tick', 'gap'] } = {}) {
  return page.evaluate(([key, address, credentials, names]) => {
    const life = { log: [], opened: 0, errors: 0 };
    const source = new EventSource(address, { withCredentials: credentials });
    const take = (event) => life.log.push({
      type: event.type, data: event.data, lastEventId: event.lastEventId, origin: event.origin, at: Date.now(),
    });
    source.onopen = () => { life.opened += 1; life.log.push({ type: 'open', state: source.readyState, at: Date.now() }); };
    source.onerror = () => { life.errors += 1; life.log.push({ type: 'error', state: source.readyState }); };
    source.onmessage = take;
    for (const type of names) source.addEventListener(type, take);
    window.sources = { ...window.sources, [key]: { source, life } };
  }, [name, url, withCredentials, types]);
}

// What has happened to each of them, asked for in one go.
export function records(page, names) {
  return page.evaluate((keys) => keys.map((key) => {
    const { source, life } = window.sources[key];
    return { ...life, state: source.readyState, events: life.log.filter(({ data }) => data !== undefined) };
  }), names);
}

export const record = async (page, name) => (await records(page, [name]))[0];
