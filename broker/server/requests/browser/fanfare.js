// /fanfare.js: an event stream for pages that live long. It has the interface of an EventSource and reads what an
// EventSource reads; in addition the tabs of a site share one connection, a connection that died without a word is
// noticed, each connection can have a token of its own, and a place in the stream outlives a page load. Pages import
// it; nothing needs it. docs/CLIENTS.md says how it is used.
//
// It reads with fetch: an EventSource does not say whether it was refused (401) or is complete (204), sends no header,
// and hides heartbeats.
//
// Tabs that ask for the same URL (with its fragment) share a Web Lock and a BroadcastChannel of that name. The tab that
// holds the lock leads: it has the connection, and passes on what it reads. The others wait in line for the lock, which
// the browser gives to the next one when a tab is closed. Each tab knows the id of what it has dispatched, and ids are in
// one order: so whoever leads begins where it stands itself, and the others drop what they had already. A tab that is
// behind what it is passed, or hears nothing for too long, takes the lead. Where there are no locks (pages that came over
// plain http from another machine) each tab has its own connection.
//
// On the channel are [from, blocks, wait] (the lines of the events that follow the id `from`; `wait` is the time until the
// next attempt if there is no connection, and below zero if the stream is complete), and 0, by which a tab asks for that.
//
// As it is served (pack.mjs) it may have 2,048 bytes, which is why some things are said in a short way.

// Below zero if the id `a` is older than `b`, NaN if they are of different lives of the broker.
const order = (a, b) => ((a = a.split('-'))[0] == (b = b.split('-'))[0] ? a[1] - b[1] : NaN);

// `after`: the id to begin after. `fetch`: makes each connection, as fetch does: to add a token, or a ticket to the URL.
// `keep`: a page that is loaded again within so many ms goes on where it was. `silence`: a connection on which nothing came
// for so many ms, not even a heartbeat, is dead.
export const fanfare = (url, { after, fetch: connect = fetch, keep, silence = 4e4 } = {}) => {
  url = new Request(url).url;
  const { locks } = navigator;
  const { now } = Date;
  const Aborter = AbortController;
  const stream = new EventTarget();
  const end = new Aborter(); // of the stream
  const [kept, time] = `${keep && sessionStorage[url]}`.split(',');
  let last = after || (now() - time < keep ? kept : ''); // dispatched in this tab
  let retry = 1e3;
  let state = 0;
  let leads, life, bus, seen;
  let fresh; // nothing was dispatched since it took the lead: a newcomer's history may begin with a gap where it stands

  const emit = (event) => {
    stream.readyState = state;
    stream.dispatchEvent(event);
  };

  const take = ([from, blocks, wait = 0]) => {
    if (state > 1) return;
    const was = state;
    const ahead = order(from, last ||= from);
    seen = now() + wait;
    if (ahead > 0) return run(1);
    // The leader was told so before this tab came.
    if (from && ahead != ahead) {
      blocks.unshift(`event: gap\ndata: {"reason":"restarted","after":"${last}","resumed":"${from}"}\nid: ${from}`);
    }
    if (wait < 0) stream.close();
    else state = +!wait;
    if (!(was & state)) emit(new Event(state % 2 ? 'open' : 'error'));
    blocks.map((block) => {
      const fields = { id: '', event: 'message' };
      let data = '';
      block.replace(/(\w+): ([^\n]*)/g, (line, field, content) => {
        if (field == 'data') data += `\n${content}`;
        else fields[field] = content;
      });
      if (!data || state > 1 || order(fields.id, last) + fresh <= 0) return;
      fresh = 0;
      last = fields.id || last;
      emit(new MessageEvent(fields.event, { data: data.slice(1), lastEventId: last }));
    });
    if (keep) sessionStorage[url] = [last, now()];
  };

  const tell = (blocks, wait, message = [last, blocks, wait]) => {
    bus?.postMessage(message);
    take(message);
  };

  // Waits in line for the lead; takes it from whichever tab has it, even this one, if `steal`.
  const run = (steal) => {
    life?.abort();
    leads = 0;
    fresh = steal;
    const { signal } = life = new Aborter();
    const lead = async () => {
      while (!signal.aborted) {
        leads = 1;
        seen = now();
        try {
          const answer = await connect(url, { headers: { Accept: 'text/event-stream', 'Last-Event-ID': last }, signal });
          if (answer.status == 204) return tell([], -1);
          if (answer.ok) {
            let text = '';
            last ||= answer.headers.get('Last-Event-ID') || '';
            tell([]);
            await answer.body.pipeThrough(new TextDecoderStream()).pipeTo(new WritableStream({
              write(chunk) {
                retry = +/(^|\n)retry: (\d+)\n/.exec(chunk)?.[2] || retry;
                const blocks = (text + chunk).split('\n\n');
                text = blocks.pop();
                tell(blocks);
              },
            }));
          }
        } catch {}
        if (!signal.aborted) tell([], retry);
        if (!signal.aborted) await new Promise((wake) => setTimeout(signal.onabort = wake, retry));
        if (retry < 3e4) retry *= 2; // until a stream begins with another
      }
    };
    if (!bus) return lead();
    locks.request(url, steal ? { steal } : life, lead).catch(() => {
      if (signal.aborted) return;
      if (!leads) bus = bus.close(); // this page may have no locks
      run(0); // or another tab leads
    });
    bus.postMessage(0);
  };

  const start = () => {
    if (locks) {
      bus = new BroadcastChannel(url);
      bus.onmessage = ({ data }) => {
        if (data) fresh || take(data);
        else if (leads & state) bus.postMessage([last, []]);
      };
    }
    run(!last && /replay=|since=|=earl/.test(url)); // a newcomer's history (=earliest) comes on a connection of its own
  };

  const stop = () => {
    life.abort();
    bus = bus?.close();
  };

  const look = ({ type, persisted } = {}) => {
    if (type == 'pagehide') stop(); // a page that may come back holds no lock
    else if (type == 'pageshow') persisted && start();
    else if (now() - seen > silence || (type && !document.hidden && (type == 'online' || !state))) {
      tell([], 1);
      run(1);
    }
  };

  const watch = setInterval(look, 1e3);
  stream.close = () => {
    stop();
    stream.readyState = state = 2;
    clearInterval(watch);
    end.abort();
  };
  ['online', 'pagehide', 'pageshow', 'visibilitychange'].map((event) => addEventListener(event, look, end));
  start();
  return stream;
};
