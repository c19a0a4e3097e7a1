// An application that the broker asks about each request to its routes (upstream): it looks at who asks and what
// for, picks a channel, and lets the client in with Fanfare-Channels; then it only publishes. Any other answer goes to
// the client as it is.
import { randomUUID } from 'node:crypto';

import express from 'express';

import { ingest } from './ingest.js';

// `users`: {token: name}; `answer(question)` yields pieces of text.
export function asked({ socket, users, answer }) {
  const broker = ingest(socket);
  const app = express();

  // Fanfare-Replay: what is published before the client is there is not lost.
  const letIn = (response, channel) => response.set({ 'Fanfare-Channels': channel, 'Fanfare-Replay': '1000' }).end();
  const signedIn = (request, response, next) => (users[request.get('Authorization')] ? next() : response.sendStatus(401));

  // Asked for newcomers only (ask = "newcomers"): a client that comes back after a cut asks for no second answer.
  app.post('/ai/chat', signedIn, express.json(), async (request, response) => {
    const channel = `chat/${randomUUID()}`;
    letIn(response, channel);
    for await (const text of answer(request.body.message)) await broker.publish(channel, { text });
    await broker.publish(channel, {}, { event: 'done' });
    await broker.finish(channel);
  });

  app.post('/v1/chat/completions', signedIn, express.json(), async (request, response) => {
    const id = randomUUID();
    const channel = `answers/${id}`;
    letIn(response, channel);
    const chunk = (delta, reason = null) => broker.publish(channel, { id, object: 'chat.completion.chunk',
      model: request.body.model, choices: [{ index: 0, delta, finish_reason: reason }] });
    for await (const content of answer(request.body.messages.at(-1).content)) await chunk({ content });
    await chunk({}, 'stop');
    await broker.publish(channel, '[DONE]');
    await broker.finish(channel);
  });

  // An answer for this client alone: what its parameters were.
  app.get('/sse', async (request, response) => {
    const channel = `own/${randomUUID()}`;
    letIn(response, channel);
    await broker.publish(channel, { id: 1, time: new Date().toISOString(), params: request.query }, { event: 'customEvent' });
  });

  app.on('close', () => broker.close());
  return app;
}
