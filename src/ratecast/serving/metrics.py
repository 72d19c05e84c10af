"""Counters and timings of the service, for Prometheus."""

from fastapi import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

# Upper bounds of the histogram of response times, in seconds.
BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """All metrics of one app, in a registry of its own."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self._of_requests: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self.requests = Counter(
            "ratecast_requests", "Requests completed", ("route", "method", "status"), registry=own
        )
        self.seconds = Histogram(
            "ratecast_request_seconds", "Response time", ("route",), buckets=BUCKETS, registry=own
        )
        self.ratings = Counter("ratecast_ratings", "Ratings committed", registry=own)
        self.removals = Counter("ratecast_removals", "Ratings deleted", registry=own)
        self.commits = Counter("ratecast_commits", "Commits of the store", registry=own)
        self.failures = Counter("ratecast_commit_failures", "Commits that failed", registry=own)
        self.swaps = Counter("ratecast_models_swapped", "New models put in service", registry=own)
        self.rebuilds = Counter(
            "ratecast_rebuilds", "Models rebuilt after a rating was deleted", registry=own
        )
        self.refused = Counter("ratecast_models_refused", "New models refused", registry=own)
        self.ready = Gauge("ratecast_ready", "1 while /readyz answers 200", registry=own)
        self.model = Gauge(
            "ratecast_model", "1 for the artifact in service", ("artifact", "name"), registry=own
        )

    def count(self, about: tuple[str, str, str], seconds: float) -> None:
        """Count a request. about: its route, method and status. seconds: that it took."""
        counters = self._of_requests.get(about)
        if counters is None:
            # Found once: looking them up takes longer than counting.
            counters = self.requests.labels(*about), self.seconds.labels(about[0])
            self._of_requests[about] = counters
        counters[0].inc()
        counters[1].observe(seconds)

    def page(self) -> Response:
        """All metrics in the text format of Prometheus."""
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)
