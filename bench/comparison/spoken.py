"""How a server is spoken to: its name ends in "h2", "tls" or "h2 tls", or it is HTTP/1.1 in clear."""


def arguments(server):
    """For fanfare-load."""
    return [f"--{word}" for word in server.split() if word in ("h2", "tls")]


def process(server):
    """The name of the process that is spoken to: nginx listens to all of them, and so does a broker but
    for TLS, which a broker without a listener for it knows nothing of."""
    ports_of_its_own = ("h2",) if not server.startswith("nchan") else ("h2", "tls")
    return " ".join(word for word in server.split() if word not in ports_of_its_own)
