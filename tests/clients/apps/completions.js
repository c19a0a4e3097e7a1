// A chat completion service with OpenAI's interface: it takes the prompt, picks a channel for the answer,
// sends the client there, and publishes the answer as it comes. The stream outlives this process.
import { randomUUID } from 'node:crypto';

import express from 'express';

import { ingest } from './ingest.js';

// `generate(messages)` yields the pieces of an answer; `streams`: the broker, as clients reach it.
export function completions({ socket, streams, generate }) {
  const app = express();
  const broker = ingest(socket);
  app.post('/v1/chat/completions', express.json(), async (request, response) => {
    const id = randomUUID();
    // 307 keeps the method: the client POSTs its body to the broker, which reads no channel in it.
    response.redirect(307, `${streams}/events?channel=answers/${id}&last_event_id=earliest`);
    const chunk = (delta, reason = null) => broker.publish(`answers/${id}`,
      { id, object: 'chat.completion.chunk', model: request.body.model, choices: [{ index: 0, delta, finish_reason: reason }] });
    for await (const content of generate(request.body.messages)) await chunk({ content });
    await chunk({}, 'stop');
    await broker.publish(`answers/${id}`, '[DONE]');
    await broker.finish(`answers/${id}`);
  });
  app.on('close', () => broker.close());
  return app;
}
