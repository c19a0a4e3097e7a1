// A chat whose answers are streams of their own: the application checks who asks, picks a channel, hands the
// request over to the broker (hand-over.conf), and publishes the answer there. A client that comes back with the
// id of an event gets the rest of its answer, and nothing is generated again.
import { randomUUID } from 'node:crypto';

import express from 'express';

import { ingest } from './ingest.js';

// `users`: {token: name}; `answer(message)` yields pieces of text.
export function chat({ socket, users, answer }) {
  const broker = ingest(socket);
  const latest = new Map(); // the channel of each user's latest question
  const app = express();
  app.post('/ai/chat', express.json(), async (request, response) => {
    const user = users[request.get('Authorization')];
    if (!user) return response.sendStatus(401);
    const resumed = request.get('Last-Event-ID') && latest.get(user);
    const channel = resumed || `chat/${randomUUID()}`;
    response.set('X-Accel-Redirect', `/_stream/${channel}`).end();
    if (resumed) return undefined;
    latest.set(user, channel);
    for await (const text of answer(request.body.message, channel)) await broker.publish(channel, { text });
    await broker.publish(channel, {}, { event: 'done' });
    return broker.finish(channel);
  });
  app.on('close', () => broker.close());
  return app;
}
