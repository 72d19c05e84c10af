"""A forecast as a sum of what the model knows of the user and of the movie."""

import pytest

from ratecast.serving.bias_terms import BiasTerms, bias_terms
from ratecast.serving.item_words import ItemWord
from ratecast.serving.live.served_model import load
from ratecast.serving.live.state import LiveState
from ratecast.serving.metrics import Metrics
from ratecast.serving.service import RatingService
from ratecast.serving.store.database import Store
from ratecast.serving.writer import GroupCommitWriter
from tests.serving.place import Place


def test_the_terms_are_forecasts_and_their_sum_is_the_forecast(place: Place) -> None:
    from ratecast.serving.live.published import ArtifactStore

    artifacts = ArtifactStore(place.home)
    store = Store(place.url)
    store.lock.take()
    assert artifacts.current is not None
    live = LiveState(load(artifacts.folder(artifacts.current), store.events_since()), [])

    async def rebuild() -> None: ...

    service = RatingService(live, GroupCommitWriter(store, live, Metrics()), rebuild)
    for user, movie in ((196, 242), (5, 50), (99_999, 50)):
        terms = bias_terms(service, user, movie)
        stars = service.predict(user, [movie])[0].stars
        assert terms.start + terms.user + terms.movie + terms.both == pytest.approx(stars)
        new_user = service.predict(99_999, [movie])[0].stars
        assert terms.start + terms.movie == pytest.approx(new_user)
    assert (terms.user, terms.both) == (0, 0)
    store.close()


def test_the_terms_as_sentences() -> None:
    pytest.importorskip("nicegui")
    from ratecast.serving.page.explanation import as_sum, sentences

    terms, book = BiasTerms(3.5, 0.4, -0.3, 0.0), ItemWord("book", "books")
    assert sentences(terms, book) == [
        "You give 0.40 more than others.",
        "This book gets 0.30 less than other books.",
    ]
    assert as_sum(terms) == "In stars: 3.50 + 0.40 - 0.30 + 0.00 = 3.60."
    more = BiasTerms(3.5, 0.0, 0.0, 0.25)
    assert sentences(more, book) == [
        "This book gets as much as other books.",
        "For you and this book together it is 0.25 more.",
    ]
