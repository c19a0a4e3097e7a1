// An Express application that types a text into the channel of its readers, one code point a tick, and
// finishes it. The page asks it to begin; the stream is the broker's.
import express from 'express';

import { ingest } from './ingest.js';

export function typewriter({ socket, text, tick }) {
  const app = express();
  app.post('/type', async (_request, response) => {
    response.sendStatus(202);
    const broker = ingest(socket);
    // Not text.split(''), which tears an emoji into two halves that are no characters.
    for (const character of text) {
      await broker.publish('typewriter', character, { event: 'message_name' });
      await new Promise((resolve) => setTimeout(resolve, tick));
    }
    await broker.finish('typewriter');
    broker.close();
  });
  return app;
}
