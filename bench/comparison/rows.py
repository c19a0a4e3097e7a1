"""The table: what is measured, on whom, which figure counts, and the goal it is held against."""
import dataclasses

from comparison import spoken

PER_CPU = "deliveries_per_cpu_second"
P99 = "latency_p99_ms"


@dataclasses.dataclass(frozen=True)
class Goal:
    """Of Fanfare's median: `times` that of `peer`, or a number of its own; at least or at most."""
    bound: float
    peer: str = ""          # another server of the row
    figure: str = ""        # or another figure of the same run
    row: str = ""           # or the same figure of another row
    server: str = ""        # not of Fanfare's row, but of this one
    at_most: bool = False

    def __str__(self):
        word = (f"{self.server} " if self.server else "") + ("≤" if self.at_most else "≥")
        of = self.peer or (self.figure and "its own " + self.figure) or (self.row and f"“{self.row}”")
        return f"{word} {self.bound:,g} × {of}" if of else f"{word} {self.bound:,g}"


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    mode: str
    arguments: tuple
    figure: str
    goals: tuple = ()
    servers: tuple = ("fanfare", "reference", "nchan")
    also: tuple = ()        # (figure, goal) of the same runs
    seconds: float = 5
    seconds_quick: float = 2
    in_quick: bool = False
    once: bool = False
    turns: int = 1          # of each server in a round, one after the other: for small differences
    alone: bool = False     # the server is started for this row and stopped after its last turn
    apart: bool = False     # the server on one CPU, the load on another: neither takes from the other
    streams: int = 1        # of a connection, on servers that are spoken to in HTTP/2
    redis_benchmark: bool = False
    kernel_memory: bool = False

    def command(self, seconds):
        """What measures one server, less where that one listens."""
        if self.redis_benchmark:
            return (f"redis-benchmark -n {int(400_000 * seconds)} -r 1000 -P 64 -c 4 "
                    "PUBLISH load/__rand_int__ <200 bytes>, after one of -n 1200000; "
                    f"{self.turns} times a round, in turn")
        if self.kernel_memory:
            return "above_bare() of bench/comparison/kernel_memory.py"
        apart = "taskset -c 1 " if self.apart else ""  # and the server on CPU 0
        words = [*self.transport(self.servers[0]), *self.arguments]
        return f"{apart}fanfare-load {self.mode} --seconds {seconds:g} {' '.join(words)}"

    def transport(self, server):
        """What fanfare-load needs to be told besides, to speak to this server."""
        words = spoken.arguments(server)
        return [*words, "--streams", str(self.streams)] if "--h2" in words and self.streams > 1 else words


def arguments(text):
    return tuple(f"--{word}" if not word[0].isdigit() else word for word in text.split())


OURS = ("fanfare",)
BOTH = ("fanfare", "fanfare 2")
ALL = ("fanfare", "fanfare 2", "reference", "nchan")
RATE = "deliveries_per_second"
# Nothing may be slower with two shards than with one. What differs by less than a tenth does not
# differ on these machines.
TWO = Goal(0.9, peer="fanfare", server="fanfare 2")
# CPU of one delivery over HTTP/2, 100 streams a connection: at most 0.15 of that over HTTP/1.1; over
# TLS at most 1.6 times that without.
SHARED = Goal(round(1 / 0.15, 2), peer="fanfare")
SEALED = Goal(0.625, peer="fanfare")
H2 = ("fanfare h2", "fanfare h2 tls", "fanfare", "nchan h2", "nchan h2 tls")
TLS = ("fanfare tls", "fanfare", "nchan tls")
HANDSHAKES = ("fanfare tls", "s_server tls", "nchan tls")
ROWS = [
    Row("idle, 19,000", "idle", arguments("subscribers 19000"), "rss_bytes_per_connection",
        (Goal(320, at_most=True),), seconds=1, seconds_quick=1, in_quick=True, alone=True,
        also=(("setup_cpu_us_per_connection", Goal(1.15, peer="reference", at_most=True)),)),
    # Before rows with so many connections that no port is left for a minute.
    Row("kernel memory, 10,000 idle", "", (), "kernel_bytes_above_bare",
        (Goal(300, at_most=True),), servers=("fanfare", "reference"), once=True, alone=True,
        kernel_memory=True, in_quick=True),
    Row("set-up, 19,000: open, with a token, asked", "idle",
        arguments("subscribers 19000"), "setup_cpu_us_per_connection",
        (Goal(1.2, peer="fanfare", server="fanfare token", at_most=True),
         Goal(2.5, peer="fanfare", server="fanfare asked", at_most=True)),
        ("fanfare", "fanfare token", "fanfare asked"), seconds=1, seconds_quick=1, alone=True, apart=True,
        also=(("rss_bytes_per_connection", None),)),
    Row("idle, 100,000", "idle", arguments("subscribers 100000"), "rss_bytes_per_connection",
        (Goal(320, at_most=True),), servers=("fanfare 100k",), seconds=30, once=True, alone=True,
        also=(("idle_cpu_percent_of_a_core", Goal(5, at_most=True)),)),
    Row("fanout 1 × 1,000, 1 in flight", "fanout", arguments("subscribers 1000 window 1"), PER_CPU,
        (Goal(0.95, peer="reference"), TWO), ALL, seconds=3, turns=2, in_quick=True,
        also=((RATE, TWO),)),
    Row("fanout 1 × 10,000, 1 in flight", "fanout", arguments("subscribers 10000 window 1"), PER_CPU,
        (Goal(0.95, peer="reference"), TWO), ALL, seconds=3, turns=2, in_quick=True,
        also=((RATE, TWO),)),
    Row("shards on one CPU, 1 × 1,000, 1 in flight", "fanout",
        arguments("subscribers 1000 window 1"), PER_CPU, (TWO,), BOTH, seconds=3, turns=2,
        alone=True, apart=True, also=((RATE, TWO),)),
    Row("shards on one CPU, 1 × 10,000, 1 in flight", "fanout",
        arguments("subscribers 10000 window 1"), PER_CPU, (TWO,), BOTH, seconds=3, turns=2,
        alone=True, apart=True, also=((RATE, TWO),)),
    Row("fanout 1 × 1,000, 32 in flight", "fanout", arguments("subscribers 1000 window 32"), PER_CPU,
        (Goal(5, peer="reference"), Goal(8, peer="nchan"), TWO), ALL, seconds=4, in_quick=True,
        also=((RATE, TWO),)),
    Row("fanout 1 × 10,000, 8 in flight", "fanout", arguments("subscribers 10000 window 8"), PER_CPU,
        (Goal(5, peer="reference"), Goal(8, peer="nchan"), TWO), ALL, seconds=4, in_quick=True,
        also=((RATE, TWO),)),
    Row("fanout 1 × 1,000, as acknowledged", "fanout", arguments("subscribers 1000 window 0"),
        PER_CPU, (Goal(5e6),), ("fanfare long",), seconds=0.3, seconds_quick=0.15, alone=True,
        in_quick=True),  # some 100,000 events: readers need ten seconds for what that publishes
    Row("fanout 1,000 × 10, 64 bytes, 1,000 in flight", "fanout",
        arguments("subscribers 10000 channels 1000 window 1000 event-bytes 64"), PER_CPU,
        (Goal(1, peer="reference"),), seconds=4, in_quick=True),
    Row("fanout 10,000 × 1, 1,000 in flight", "fanout",
        arguments("subscribers 10000 channels 10000 window 1000"), PER_CPU,
        (Goal(0.5, row="fanout 1 × 10,000, 1 in flight"), TWO), BOTH, seconds=4),
    Row("fanout 100 streams of 100 channels, 100 in flight", "fanout",
        arguments("subscribers 100 channels 10000 channels-each 100 window 100"), PER_CPU,
        (Goal(0.5, row="fanout 1 × 1,000, 1 in flight"),), OURS, seconds=4),
    Row("h2 idle, 5,000 sessions with a stream each", "idle", arguments("subscribers 5000"),
        "rss_bytes_per_connection", (Goal(10240, at_most=True),),
        ("fanfare h2", "fanfare h2 tls", "nchan h2"), seconds=1, seconds_quick=1, in_quick=True, alone=True,
        also=(("setup_cpu_us_per_connection", None),)),
    Row("h2 idle, 190 sessions with 100 streams each", "idle", arguments("subscribers 19000"),
        "rss_bytes_per_extra_stream", (Goal(480, at_most=True),), ("fanfare h2", "nchan h2"),
        seconds=1, seconds_quick=1, in_quick=True, alone=True, streams=100,
        also=(("setup_cpu_us_per_extra_stream", None),)),
    Row("h2 fanout 1 × 1,000, 100 streams a connection, 1 in flight", "fanout",
        arguments("subscribers 1000 window 1"), PER_CPU, (SHARED,), H2, seconds=3, in_quick=True,
        streams=100, also=((RATE, None),)),
    Row("h2 fanout 1 × 10,000, 100 streams a connection, 1 in flight", "fanout",
        arguments("subscribers 10000 window 1"), PER_CPU, (SHARED,), H2, seconds=3, streams=100,
        also=((RATE, None),)),
    Row("h2 answers of 2 KB, 1,000 sessions with 10 in flight each", "fetch",
        (*arguments("subscribers 1000"), "--path", "/fanfare.js"), "answers_per_cpu_second", (None,),
        ("fanfare h2", "nchan h2", "nghttpd h2"), seconds=2, alone=True, streams=10,
        also=(("rss_bytes_per_connection", None),)),
    Row("tls idle, 10,000", "idle", arguments("subscribers 10000"), "rss_bytes_per_connection",
        (Goal(14336, at_most=True),), TLS, seconds=1, seconds_quick=1, in_quick=True, alone=True,
        also=(("setup_cpu_us_per_connection", None),)),
    Row("tls fanout 1 × 1,000, 1 in flight", "fanout", arguments("subscribers 1000 window 1"), PER_CPU,
        (SEALED,), TLS, seconds=3, turns=2, in_quick=True, also=((RATE, None),)),
    Row("tls fanout 1 × 10,000, 1 in flight", "fanout", arguments("subscribers 10000 window 1"),
        PER_CPU, (SEALED,), TLS, seconds=3, also=((RATE, None),)),
    Row("tls fanout 1 × 1,000, 32 in flight", "fanout", arguments("subscribers 1000 window 32"),
        PER_CPU, (Goal(0.4, peer="fanfare"),), TLS, seconds=3, also=((RATE, None),)),
    Row("tls handshakes, full", "handshake", (), "cpu_us_per_handshake",
        (Goal(1.1, peer="s_server tls", at_most=True),), HANDSHAKES, seconds=3, apart=True, alone=True),
    Row("tls handshakes, resumed", "handshake", arguments("resume"), "cpu_us_per_handshake",
        (Goal(1.1, peer="s_server tls", at_most=True),), HANDSHAKES, seconds=3, apart=True, alone=True),
    Row("paced 20/s × 10,000", "fanout", arguments("subscribers 10000 rate 20"), P99,
        (Goal(150, at_most=True),), ("fanfare", "nchan"), seconds=8),
    Row("paced 5/s × 10,000", "fanout", arguments("subscribers 10000 rate 5"), P99,
        (Goal(1.1, peer="reference", at_most=True),), seconds=6),
    Row("publish RESP, 1,000 channels", "publish", arguments("channels 1000"),
        "events_per_cpu_second", (Goal(1e6),), BOTH, seconds=4, in_quick=True,
        also=(("events_per_second", TWO),)),
    Row("publish NDJSON, 1,000 channels", "publish",
        arguments("channels 1000") + ("--dialect", "ndjson"), "events_per_cpu_second",
        (Goal(1e6),), OURS, seconds=4, in_quick=True),
    Row("redis-benchmark PUBLISH", "", (), "events_per_cpu_second", (Goal(1, peer="redis"),),
        ("fanfare", "redis"), seconds=2, seconds_quick=1, redis_benchmark=True, in_quick=True,
        alone=True, turns=4,
        also=(("events_per_second", Goal(1, peer="redis")),)),
    Row("publish beside 10,000 patterns", "patterns", arguments("subscribers 10000 channels 1000"),
        "patterns_events_per_cpu_second", (Goal(0.7, figure="names_events_per_cpu_second"),), OURS,
        seconds=4, alone=True,
        also=(("loaded_events_per_cpu_second", Goal(0.9, figure="alone_events_per_cpu_second")),
              ("beside_many_us_per_stream",
               Goal(2, figure="beside_few_us_per_stream", at_most=True)))),
    Row("storm 19,000 × 100 missed", "storm", arguments("subscribers 19000 missed 100 live 100"),
        "cpu_us_per_client", (Goal(0.2, peer="nchan", at_most=True),), ("fanfare", "nchan"),
        also=(("live_storm_latency_p99_ms",
               Goal(3, figure="live_quiet_latency_p99_ms", at_most=True)),)),
    Row("1 × 10,000 beside 1,000 quiet channels", "beside",
        arguments("subscribers 10000 window 8 live 1000 live-rate 500"),
        "live_beside_latency_p99_ms",
        (Goal(0.5, figure="loud_latency_p50_ms", at_most=True),), OURS, seconds=5, once=True,
        also=(("live_quiet_latency_p99_ms", None),)),
    Row("slow, a tenth of 10,000 stalled", "slow",
        arguments("subscribers 10000 event-bytes 1000 rate 5"), "others_latency_p99_ms",
        (Goal(1.2, figure="before_latency_p99_ms", at_most=True),), OURS, seconds=60, once=True,
        also=(("socket_growth_bytes_per_stalled", Goal(32768, at_most=True)),
              ("rss_growth_bytes_per_stalled", None))),
]
