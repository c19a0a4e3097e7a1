// A page that shows what an application has in its database, and then what changes: nothing is lost between the two.
import assert from 'node:assert/strict';

import { request } from '../e2e/harness/broker.js';
import { until } from '../e2e/harness/wait.js';
import { ingest } from './apps/ingest.js';
import { shows } from './harness/stage.js';

const shown = (page) => page.$$eval('dd', (all) => all.map((one) => one.textContent).join(' '));

shows('the position fence: what changes while a page loads its state', async (t, stage) => {
  const { broker, site } = stage;
  const application = ingest(broker.socket);
  t.after(() => application.close());
  const stock = { apples: 1, pears: 1 };
  const change = (name, left) => {
    stock[name] = left; // the database first
    return application.publish(`stock/${name}`, { [name]: left });
  };
  const asked = [];
  site.on('/stock', (_, response) => asked.push(response));
  const answer = (state) => {
    asked.shift().setHeader('Content-Type', 'application/json').end(JSON.stringify(state));
  };
  const page = await stage.open(t, 'fence');
  const shows = (text, why) => until(async () => await shown(page) === text, why, 20);
  await until(() => asked.length === 1, 'the page has the position and asks for the state');
  await change('apples', 2); // the state will have it, and so will the stream
  const state = JSON.stringify(stock);
  await change('pears', 3); // the state will not
  answer(JSON.parse(state));
  await shows('2 3', 'both are shown, though the state was older than one of them');
  await change('apples', 4);
  await shows('4 3', 'and it follows');
  await broker.restart();
  stock.pears = 9; // nobody could be told
  await until(() => asked.length === 1, 'the page was sent a gap, and loads its state again', 20);
  answer(stock);
  await shows('4 9', 'which is right again');
  assert.deepEqual(page.problems, []);
  return 'a state that was older than the newest change was made good by the stream, and loaded anew after a restart';
});

shows('the position, from curl and in the answer to a publish', async (t, stage) => {
  const { broker } = stage;
  const id = await broker.publish('notes', 'one');
  const { headers, body } = await request(`${broker.url}/position`);
  assert.deepEqual([body, headers['last-event-id'], headers['cache-control']], [`${id}\n`, id, 'no-store']);
  const json = await request(`${broker.url}/position`, { headers: { accept: 'application/json' } });
  assert.deepEqual(JSON.parse(json.body), { position: id });
  return `${id} in text and in JSON`;
}, { browserless: true });
