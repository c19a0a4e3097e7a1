// A SharedWorker: one stream for all the tabs of a site, and for a tab that comes later, too.
const ports = new Set();
const source = new EventSource(new URLSearchParams(location.search).get('url'));
const tell = (message) => ports.forEach((port) => port.postMessage(message));
source.onopen = () => tell({ what: 'open' });
source.onmessage = ({ data }) => tell({ what: 'message', data });
self.onconnect = ({ ports: [port] }) => {
  ports.add(port);
  port.start();
  if (source.readyState === EventSource.OPEN) port.postMessage({ what: 'open' });
};
