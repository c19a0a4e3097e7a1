// An Express application that publishes what changes. Its pages listen to /events?channel=orders/*.
import express from 'express';

import { ingest } from './ingest.js';

export function orders({ socket }) {
  const broker = ingest(socket);
  const app = express();
  app.put('/orders/:number', express.json(), async (request, response) => {
    const { number } = request.params;
    const order = { number, ...request.body }; // save it first
    // The key makes it safe to publish again: the same version is published once.
    const event = { event: 'changed', id: `order-${number}-${order.version}` };
    const { id } = await broker.publish(`orders/${number}`, order, event);
    response.json({ id });
  });
  app.on('close', () => broker.close());
  return app;
}
