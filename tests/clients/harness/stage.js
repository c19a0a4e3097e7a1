// Stage: what each system plays on. The built broker with broker.toml serves the streams, a Site serves
// the pages, and Chromium finds both under the addresses that the pages name, whatever ports they have.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launch } from '../../e2e/harness/browser.js';
import { Broker } from '../../e2e/harness/broker.js';
import { CuttingProxy } from '../../e2e/harness/cutting_proxy.js';
import { temporaryFolder } from '../../e2e/harness/folder.js';
import { until } from '../../e2e/harness/wait.js';
import { Site } from './site.js';

process.setMaxListeners(200); // every broker cleans up at the exit

const kConfig = fileURLToPath(new URL('../broker.toml', import.meta.url));
const kRoute = /^\[\[route\]\]\n(?:\w.*\n)+/gm;
const kOutput = process.env.FANFARE_OUTPUT ?? fileURLToPath(new URL('../../../build/dev/tests/clients', import.meta.url));
mkdirSync(kOutput, { recursive: true });

// Where the pages of the tests live; every other name of example.com is an origin that nobody allowed.
export const kSite = 'http://app.example.com';
// What the pages take for their servers: port 80 reaches the broker itself, the others by way of a
// proxy that a test can cut.
const kDirect = ['127.0.0.1:80', 'push.example.com:80'];
const kCuttable = ['127.0.0.1:3000', 'localhost:3000', '127.0.0.1:7345', 'push.example.com:3000'];

export class Stage {
  // `passes`: paths of the site that the broker serves. `routes(folder)`: in place of the routes of broker.toml; they
  // may name files in a temporary folder, stage.folder.
  // `prepare(stage)` comes first. `args`: for the browser.
  static async start({ set = [], passes = [], browserless = false, routes, prepare, args = [], backForwardCache = false } = {}) {
    const stage = new Stage();
    await prepare?.(stage);
    let config = kConfig;
    if (routes) {
      stage.folder = temporaryFolder();
      config = join(stage.folder, 'broker.toml');
      writeFileSync(config, readFileSync(kConfig, 'utf8').replaceAll(kRoute, '') + routes(stage.folder, stage));
    }
    stage.broker = await Broker.start({ config, set });
    stage.proxy = await CuttingProxy.start(stage.broker.httpPort);
    stage.site = await Site.start({ passes: Object.fromEntries(passes.map((path) => [path, stage.proxy.port])) });
    const map = (names, port) => names.map((name) => `MAP ${name} 127.0.0.1:${port}`);
    const rules = [...map(kDirect, stage.broker.httpPort), ...map(kCuttable, stage.proxy.port),
      ...map(['*.example.com:80'], stage.site.port)];
    if (!browserless) stage.browser = await launch({ args: [`--host-resolver-rules=${rules.join(',')}`, ...args], backForwardCache });
    return stage;
  }

  async stop() {
    await this.browser?.close();
    await this.broker.stop();
    this.proxy.close();
    this.site.close();
  }

  // One tab. `page.problems` holds what a page threw. `t`: the test that it closes with.
  async open(t, name, { context, site = kSite, query = '' } = {}) {
    const page = await (context ?? this.browser).newPage();
    t.after(() => page.close());
    page.problems = [];
    page.on('pageerror', (error) => page.problems.push(String(error)));
    await page.goto(`${site}/${name}${query}`);
    return page;
  }

  async subscribers(count, seconds) {
    await until(async () => (await this.broker.metric('subscribers')) === count, `${count} streams are open`, seconds);
  }
}

// What a page has noted in `window.seen`.
export const seen = (page) => page.evaluate(() => window.seen);

// Resolves with what the page has noted as soon as it satisfies `fact`.
export function untilSeen(page, fact, what, seconds) {
  return until(async () => {
    const noted = await seen(page);
    return fact(noted) && noted;
  }, what, seconds);
}

export const shoot = (page, name) => page.screenshot({ path: join(kOutput, `${name}.png`) });

// A test on a stage of its own, whose function returns what it saw, in words.
export function shows(name, body, options) {
  test(name, { timeout: 120_000 }, async (t) => {
    const stage = await Stage.start(options);
    t.after(() => stage.stop());
    const saw = await body(t, stage);
    console.log(`PASS ${name}: ${saw}`);
  });
}
