// Words of the self-test, in English and Chinese, and what to change in which front. The lines of configuration are those of
// deploy/proxy.
export const kFrontNames = {
  nginx: 'nginx', caddy: 'Caddy', h2o: 'h2o', varnish: 'Varnish', nghttpx: 'nghttpx', apache: 'Apache httpd', envoy: 'Envoy',
  haproxy: 'HAProxy', cloudflare: 'Cloudflare', cloudfront: 'Amazon CloudFront', fastly: 'Fastly',
};

// By problem and front. HAProxy's lines are shown for a front that does not name itself: it never does.
export const kLines = {
  buffer: {
    nginx: 'proxy_buffering off;\nproxy_http_version 1.1;\n# and not: proxy_ignore_headers X-Accel-Buffering;',
    caddy: 'reverse_proxy 127.0.0.1:8080 {\n  flush_interval -1\n}',
    varnish: 'sub vcl_backend_response {\n  set beresp.do_stream = true;\n}',
    apache: 'ProxyPass "/" "http://127.0.0.1:8080/" flushpackets=on',
  },
  compress: {
    nginx: 'gzip off;\n# or: gzip_types without text/event-stream',
    caddy: '@pages not path /events*\nencode @pages gzip',
    varnish: 'sub vcl_backend_response {\n  set beresp.do_gzip = false;\n}',
    apache: 'SetEnvIf Request_URI "^/events" no-gzip',
    haproxy: '# leave text/event-stream out of this line:\ncompression type text/html text/css application/javascript',
  },
  cut: {
    nginx: 'proxy_read_timeout 1h;',
    haproxy: 'timeout client 1h\ntimeout server 1h',
    h2o: 'http2-idle-timeout: 3600\nproxy.timeout.io: 3600000',
    varnish: '.first_byte_timeout = 1h;\n.between_bytes_timeout = 1h;',
    nghttpx: 'backend-read-timeout=1h\nfrontend-http2-read-timeout=1h',
    apache: 'ProxyTimeout 3600',
    envoy: 'timeout: 0s\nstream_idle_timeout: 3600s',
  },
  version: {
    nginx: 'listen 443 ssl http2;',
    haproxy: 'bind :443 ssl crt site.pem alpn h2,http/1.1',
    apache: 'Protocols h2 http/1.1',
  },
};
export const kBrokerLines = {
  cut: (seconds) => `[delivery]\nheartbeat = "${seconds}s"`,
  ends: () => '[delivery]\nend_event = "end"',
};

const s = (ms) => (ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000).toString());

const en = {
  page: 'Fanfare · self-test',
  title: 'Do event streams get through?',
  lead: 'This page opens a few streams from your browser to the broker and watches what becomes of them on the way.',
  remedies: 'What to do', again: 'Test again', copy: 'Copy the report', copied: 'Copied', figures: 'Figures for the broker’s operator',
  probes: {
    way: 'The way to the broker', fields: 'Header fields', stream: 'Events as they happen', compress: 'Compression',
    ends: 'Ends of streams', source: 'EventSource', idle: 'Silent streams',
  },
  running: 'measuring …', unknown: 'Not known: no stream arrived.',
  idleRunning: (ms, of) => `silent for ${Math.round(ms / 1000)} s of ${Math.round(of / 1000)} s …`,
  verdict: {
    run: ['Measuring …', (left) => `${left} of 7 still to come.`],
    good: ['Event streams get through.', () => 'Nothing on the way holds them back, changes or cuts them.'],
    note: ['Event streams get through.', (n) => `${n === 1 ? 'One thing' : `${n} things`} could be better.`],
    bad: [(n) => (n === 1 ? 'There is one problem on the way.' : `There are ${n} problems on the way.`), () => 'Below is what to change, and where.'],
    closed: ['The broker does not answer this page.', () => ''],
    token: ['The measurements need a token.', () => ''],
  },
  way: {
    none: (p, b) => `${p} from your browser, ${b} at the broker. No proxy shows itself.`,
    unknown: (p, b) => `${p} from your browser, ${b} at the broker: there is a proxy between them that does not name itself (HAProxy is like that).`,
    known: (p, b, f) => `${p} from your browser to ${f}, ${b} from there to the broker.`,
    six: ' Over HTTP/1.1 a browser opens six connections to a host, and each stream takes one: with HTTP/2 all share one.',
    closed: (status) => (status === 401 || status === 403 ? `Open this page as /selftest?token=…, with one that lets you subscribe (status ${status}).` : `Its answer was ${status}.`),
    failed: 'The request failed. Is the broker there?',
  },
  fields: {
    good: 'Last-Event-ID and other fields arrive at the broker, and those of its answers arrive here.',
    request: 'Last-Event-ID does not arrive at the broker: a client that comes back would miss events.',
    other: 'Fields that this page sends do not arrive at the broker.',
    answer: 'Fields of the broker\'s answers do not arrive here.',
    type: (type) => `The answer's type was changed to “${type || 'none'}”: an EventSource refuses that.`,
  },
  stream: {
    good: (first, gap) => `The first line came after ${Math.round(first)} ms, the next ones about ${s(gap)} s apart, as the broker sent them.`,
    nothing: (ms) => `Nothing arrived within ${s(ms)} s, although the broker sent a line each second: something holds the answer back.`,
    lumps: (beats, ms) => `${beats} lines that were sent a second apart arrived together, after ${s(ms)} s: something collects them.`,
    few: (beats, ms) => `Only ${beats} of the lines of ${s(ms)} s arrived: something collects them.`,
    cut: 'The stream broke off.', status: (status) => `It was answered ${status}.`,
  },
  compress: {
    good: 'The stream arrives as the broker sent it.',
    bad: (coding) => `The stream was compressed on the way (${coding}), although the broker forbids that (no-transform). Events may wait in the compressor.`,
    transform: 'Cache-Control: no-transform was taken away, so that another proxy may compress the stream.',
  },
  ends: {
    good: 'A stream that is complete and one that is to come back are told apart.',
    hidden: 'A stream that broke off looks complete here. EventSource comes back all the same; clients that use fetch() cannot know.',
    never: 'A stream that is complete looks broken here: clients would come back for nothing.',
    failed: 'A stream that had ended did not end here.',
  },
  source: {
    good: (ms) => `It opened after ${Math.round(ms)} ms, came back after a cut, and said where it had been.`,
    stopped: 'It stopped for good: something answered with an error, or with another type.',
    silent: 'It did not open, or nothing arrived.',
    once: 'It did not come back after a cut.',
    id: 'It came back, but its Last-Event-ID did not arrive: it would miss events.',
  },
  idle: {
    good: (ms) => `A stream that was silent for ${s(ms)} s was still open.`,
    kept: (ms, beat) => `A silent stream is cut after ${s(ms)} s. The broker's heartbeat, each ${s(beat)} s, keeps it open.`,
    bad: (ms, beat) => `A silent stream is cut after ${s(ms)} s, before the broker's heartbeat (each ${s(beat)} s): clients would come back again and again.`,
    status: (status) => `It was answered ${status}.`,
  },
  remedy: {
    buffer: ['Let events pass as they come', 'The proxy waits until it has enough, or until the stream ends. The broker asks it not to, with X-Accel-Buffering: no; it does not listen.'],
    compress: ['Do not compress event streams', 'A compressor keeps small events until it has enough of them.'],
    cut: ['Allow more silence', 'Give the proxy a longer time-out for answers that are silent, or have the broker send heartbeats more often.'],
    ends: ['Say the end in the stream', 'Where a proxy makes every end look clean, the broker can send an event before a real one. Clients take a stream that ends without it as to be resumed.'],
    fields: ['Let header fields pass', 'The proxy must pass on Last-Event-ID, and the answer\'s Content-Type. As long as it does not, clients can resume with ?last_event_id= in the URL.'],
    version: ['Offer HTTP/2', 'One connection for all streams of a page. It needs TLS.'],
    inFront: (front) => `In ${front}`, perhaps: 'In HAProxy, if it is one', broker: 'Or in broker.toml', brokerOnly: 'In broker.toml',
    other: 'Look in its manual for buffering, compression and time-outs of answers (“read timeout”, “idle timeout”).',
  },
};

const zh = {
  page: 'Fanfare · 自检',
  title: '事件流能顺利到达吗？',
  lead: '本页从您的浏览器向服务端打开几条事件流，观察它们在途中的遭遇。',
  remedies: '处理办法', again: '重新检测', copy: '复制报告', copied: '已复制', figures: '详细数据（供运维人员查看）',
  probes: { way: '到服务端的路径', fields: '请求头与响应头', stream: '事件是否即时到达', compress: '压缩', ends: '流的结束方式', source: 'EventSource', idle: '静默的流' },
  running: '检测中…', unknown: '未知：没有流到达。',
  idleRunning: (ms, of) => `已静默 ${Math.round(ms / 1000)} 秒，共 ${Math.round(of / 1000)} 秒…`,
  verdict: {
    run: ['检测中…', (left) => `共 7 项，还剩 ${left} 项。`],
    good: ['事件流可以顺利到达。', () => '途中没有任何环节缓冲、改动或切断它们。'],
    note: ['事件流可以顺利到达。', (n) => `有 ${n} 处可以改进。`],
    bad: [(n) => `途中存在 ${n} 个问题。`, () => '下面说明应在哪里修改什么。'],
    closed: ['服务端没有应答本页。', () => ''],
    token: ['检测需要令牌。', () => ''],
  },
  way: {
    none: (p, b) => `浏览器使用 ${p}，服务端收到的是 ${b}。未发现代理。`,
    unknown: (p, b) => `浏览器使用 ${p}，服务端收到的是 ${b}：中间有一个不透露名称的代理（HAProxy 就是这样）。`,
    known: (p, b, f) => `浏览器到 ${f} 使用 ${p}，从那里到服务端使用 ${b}。`,
    six: ' 使用 HTTP/1.1 时，浏览器对同一主机最多打开六个连接，每条流占用一个；使用 HTTP/2 时，所有流共用一个连接。',
    closed: (status) => (status === 401 || status === 403 ? `请以 /selftest?token=… 打开本页，令牌须允许订阅（状态码 ${status}）。` : `应答的状态码为 ${status}。`),
    failed: '请求失败。服务端在运行吗？',
  },
  fields: {
    good: 'Last-Event-ID 等请求头能到达服务端，响应头也能到达这里。',
    request: 'Last-Event-ID 没有到达服务端：重新连接的客户端会漏掉事件。',
    other: '本页发出的请求头没有到达服务端。',
    answer: '服务端的响应头没有到达这里。',
    type: (type) => `响应的类型被改成了“${type || '无'}”，EventSource 会拒绝。`,
  },
  stream: {
    good: (first, gap) => `第一行在 ${Math.round(first)} 毫秒后到达，之后约每 ${s(gap)} 秒一行，与服务端的发送一致。`,
    nothing: (ms) => `服务端每秒发送一行，但 ${s(ms)} 秒内什么也没有到达：途中有环节扣住了响应。`,
    lumps: (beats, ms) => `${beats} 行本应相隔一秒，却在 ${s(ms)} 秒后同时到达：途中有环节在积攒数据。`,
    few: (beats, ms) => `${s(ms)} 秒内只到达了 ${beats} 行：途中有环节在积攒数据。`,
    cut: '流中断了。', status: (status) => `应答的状态码为 ${status}。`,
  },
  compress: {
    good: '流原样到达，与服务端发送的一致。',
    bad: (coding) => `流在途中被压缩（${coding}），尽管服务端用 no-transform 禁止这样做。事件可能滞留在压缩器中。`,
    transform: 'Cache-Control: no-transform 被去掉了，其他代理可能会压缩流。',
  },
  ends: {
    good: '“已完结”的流与“需要重连”的流可以区分。',
    hidden: '中断的流在这里看起来像是正常完结。EventSource 仍会重连，但使用 fetch() 的客户端无从得知。',
    never: '正常完结的流在这里看起来像是中断：客户端会白白重连。',
    failed: '已经结束的流在这里没有结束。',
  },
  source: {
    good: (ms) => `在 ${Math.round(ms)} 毫秒后打开，中断后自动重连，并告知了上次的位置。`,
    stopped: '它彻底停止了：途中有环节返回了错误，或改变了类型。',
    silent: '它没有打开，或没有收到任何内容。',
    once: '中断之后它没有重连。',
    id: '它重连了，但 Last-Event-ID 没有到达：会漏掉事件。',
  },
  idle: {
    good: (ms) => `静默 ${s(ms)} 秒后，流仍然打开。`,
    kept: (ms, beat) => `静默的流在 ${s(ms)} 秒后被切断；服务端每 ${s(beat)} 秒一次的心跳会使它保持打开。`,
    bad: (ms, beat) => `静默的流在 ${s(ms)} 秒后被切断，早于服务端的心跳（每 ${s(beat)} 秒一次）：客户端会不断重连。`,
    status: (status) => `应答的状态码为 ${status}。`,
  },
  remedy: {
    buffer: ['让事件即时通过', '代理要等攒够数据或流结束后才转发。服务端已用 X-Accel-Buffering: no 要求它不要这样做，但它没有理会。'],
    compress: ['不要压缩事件流', '压缩器会扣住较小的事件，直到攒够为止。'],
    cut: ['允许更长的静默', '延长代理对静默响应的超时时间，或让服务端更频繁地发送心跳。'],
    ends: ['在流中说明结束', '如果代理使所有的结束看起来都正常，服务端可以在真正结束之前发送一个事件；没有这个事件就结束的流，客户端应当重连。'],
    fields: ['放行请求头与响应头', '代理必须转发 Last-Event-ID 以及响应的 Content-Type。在此之前，客户端可以用 URL 中的 ?last_event_id= 续传。'],
    version: ['提供 HTTP/2', '一个页面的所有流共用一个连接。需要 TLS。'],
    inFront: (front) => `在 ${front} 中`, perhaps: '在 HAProxy 中（如果使用的是它）', broker: '或者在 broker.toml 中', brokerOnly: '在 broker.toml 中',
    other: '请在其手册中查找响应的缓冲、压缩与超时（“read timeout”“idle timeout”）。',
  },
};

export const kWords = { en, zh };
