// Orders, with Express. It publishes what changes over the broker's local socket, and is asked who may listen.
import http from 'node:http';

import express from 'express';

const { FANFARE_SOCKET = '/run/fanfare/ingest.sock', PORT = 3000 } = process.env;
const agent = new http.Agent({ keepAlive: true });

function ask(method, path, body = '') {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: FANFARE_SOCKET, agent, method, path }, async (answer) => {
      let text = '';
      for await (const piece of answer.setEncoding('utf8')) text += piece;
      if (answer.statusCode === 200) resolve(text);
      else reject(new Error(text));
    });
    request.on('error', reject).end(body);
  });
}

// With a key it does no harm to publish again: a kept connection may turn out to be closed.
async function publish(channel, event, key, data) {
  const path = `/publish/${channel}?${new URLSearchParams({ event, id: key })}`;
  const once = () => ask('POST', path, JSON.stringify(data));
  return JSON.parse(await once().catch(once)).id;
}

const orders = new Map(); // a database
const app = express();

app.put('/orders/:number', express.json(), async (request, response) => {
  const { number } = request.params;
  const order = { ...request.body, number };
  orders.set(number, order); // first the database, then the event
  try {
    response.json({ id: await publish(`orders/${number}`, 'changed', `order-${number}-${order.version}`, order) });
  } catch (error) {
    response.status(503).send(error.message);
  }
});

// What a page shows first. The position is read before the state, so that no change falls between the two.
app.get('/orders', async (_, response) => {
  const now = () => ask('GET', '/position');
  const { position } = JSON.parse(await now().catch(now));
  response.json({ position, orders: [...orders.values()] });
});

// The broker asks: who is it, and what may they listen to?
app.get('/orders/stream', (request, response) => {
  if (!/\bsession=ann\b/.test(request.get('Cookie'))) return response.status(401).send('sign in first\n');
  return response.set('Fanfare-Channels', 'orders/*').end();
});

const server = app.listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
