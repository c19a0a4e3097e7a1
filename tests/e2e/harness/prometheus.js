// Prometheus: Debian's, with the rules and the dashboard of deploy/, whose times are made short: what takes minutes there
// takes seconds here. It scrapes the brokers that it is given, under their names.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { request } from './broker.js';
import { start } from './command.js';
import { temporaryFolder } from './folder.js';
import { freePort } from './free_port.js';
import { until, within } from './wait.js';

const kDeploy = fileURLToPath(new URL('../../../deploy/', import.meta.url));
export const kRules = join(kDeploy, 'prometheus/fanfare.rules.yml');
const kInterval = '400ms';

// Windows of a few scrapes, and no patience. Restarts take longer than scrapes.
const quick = (text) => text.replaceAll('[15m]', '[30s]').replace(/\[\d+m\]/g, '[6s]').replace(/^ +for: \w+\n/gm, '');

export const alertNames = () => [...readFileSync(kRules, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
export const limitNames = () => [...readFileSync(kRules, 'utf8').matchAll(/\{limit: (\w+)\}/g)].map(([, name]) => name);

// Every query of the dashboard, as Grafana would ask it: [panel, PromQL].
export function dashboardQueries() {
  const { panels } = JSON.parse(readFileSync(join(kDeploy, 'grafana/fanfare.json'), 'utf8'));
  const all = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  return all.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title,
    expr.replaceAll('$__rate_interval', '6s').replaceAll('$__range', '1m').replaceAll('$instance', '.*')]));
}

export class Prometheus {
  // `brokers`: {name: Broker}; the `slow` ones may take two seconds to answer.
  static async start(brokers, slow = []) {
    const prometheus = new Prometheus();
    const folder = temporaryFolder();
    prometheus.port = await freePort();
    const group = ([name, { adminPort }]) => `{targets: ["127.0.0.1:${adminPort}"], labels: {instance: "${name}"}}`;
    const job = (name, interval, takes) => `  - {job_name: ${name}, scrape_interval: ${interval}, scrape_timeout: ${interval}, ` +
      `static_configs: [${Object.entries(brokers).filter(([one]) => takes(one)).map(group).join(', ')}]}`;
    writeFileSync(join(folder, 'fanfare.rules.yml'), quick(readFileSync(kRules, 'utf8')));
    writeFileSync(join(folder, 'prometheus.yml'), `global: {scrape_interval: ${kInterval}, scrape_timeout: ${kInterval}, evaluation_interval: ${kInterval}}
rule_files: [fanfare.rules.yml]
scrape_configs:
${job('fanfare', kInterval, (name) => !slow.includes(name))}
${job('slow', '2s', (name) => slow.includes(name))}
`);
    prometheus.process = start('prometheus', [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${prometheus.port}`, '--log.level=warn'], { env: { GOMAXPROCS: '1' } });
    await until(() => {
      if (!prometheus.process.running) throw Object.assign(new Error(prometheus.process.stderr), { final: true });
      return prometheus.ask('up').then((found) => found.length === Object.keys(brokers).length);
    }, 'Prometheus has scraped every broker', 30);
    return prometheus;
  }

  async api(path, query = {}) {
    const { body } = await request(`http://127.0.0.1:${this.port}/api/v1/${path}?${new URLSearchParams(query)}`);
    const answer = JSON.parse(body);
    if (answer.status !== 'success') throw new Error(`${path} ${JSON.stringify(query)}: ${answer.error}`);
    return answer.data;
  }

  async ask(query) { return (await this.api('query', { query })).result; }
  async alerts() { return (await this.api('alerts')).alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels); }

  async stop() {
    this.process.child.kill('SIGKILL');
    await within(this.process.ended, 'Prometheus ends', 10);
  }
}
