"""What is counted and timed, for Prometheus."""

from fastapi import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

EDGES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Measures:
    """Requests by route and status, their seconds, ratings, models: one registry for each app."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.requests = Counter(
            "ratecast_requests", "Requests answered", ("route", "method", "status"), registry=own
        )
        self.seconds = Histogram(
            "ratecast_request_seconds", "Time to answer", ("route",), buckets=EDGES, registry=own
        )
        self.ratings = Counter("ratecast_ratings", "Ratings made durable", registry=own)
        self.removals = Counter("ratecast_removals", "Ratings taken back", registry=own)
        self.commits = Counter("ratecast_commits", "Commits of the store", registry=own)
        self.failures = Counter("ratecast_commit_failures", "Commits that failed", registry=own)
        self.swaps = Counter("ratecast_models_swapped", "Models put in force", registry=own)
        self.rebuilds = Counter("ratecast_rebuilds", "Models told anew", registry=own)
        self.refused = Counter("ratecast_models_refused", "Models refused", registry=own)
        self.ready = Gauge("ratecast_ready", "1 once the model is ready", registry=own)
        self.model = Gauge(
            "ratecast_model", "1 for the artifact in force", ("artifact", "name"), registry=own
        )

    def page(self) -> Response:
        """All of it in the text form of Prometheus."""
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)
