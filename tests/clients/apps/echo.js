// An application that answers each reader who comes with the parameters of his request: it watches the
// streams that open, since the request itself went to the broker.
import { ingest, watch } from './ingest.js';

export function echo({ socket }) {
  const broker = ingest(socket);
  let id = 0;
  const watching = watch(socket, ({ event, query, present }) => {
    if (event !== 'subscribe' || present) return;
    const { channel, ...params } = Object.fromEntries(new URLSearchParams(query));
    broker.publish(channel, { id: ++id, time: new Date().toISOString(), params }, { event: 'customEvent' });
  });
  return { close: () => { watching.close(); broker.close(); } };
}
