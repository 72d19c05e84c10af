"""What the items of a table are called, and where the name comes from."""

from pathlib import Path

import polars as pl
import pytest

from ratecast.cli import main
from ratecast.data.trained_table import TrainedTable, item_column
from ratecast.errors import InputError
from ratecast.serving.item_words import ItemWord
from ratecast.table_options import TableOptions


@pytest.mark.parametrize(
    ("column", "one", "many"),
    [
        ("book_id", "book", "books"), ("bookId", "book", "books"), ("BookID", "book", "books"),
        ("isbn", "book", "books"), ("parent_asin", "product", "products"),
        ("film", "film", "films"),
        ("item_id:token", "item", "items"), ("business_id", "business", "businesses"),
        ("story", "story", "stories"), ("anime_id", "anime", "anime"), ("ID", "item", "items"),
        ("x1", "item", "items"), ("movieId", "movie", "movies"), ("mid", "movie", "movies"),
    ],
)  # fmt: skip
def test_the_word_of_a_column(column: str, one: str, many: str) -> None:
    assert ItemWord.of_column(column) == ItemWord(one, many)


def test_the_word_of_an_option() -> None:
    assert ItemWord.of("book") == ItemWord("book", "books")
    assert ItemWord.of("person/people") == ItemWord("person", "people")
    assert (ItemWord.of("item").a, ItemWord.of("book").a) == ("an item", "a book")
    for text in ("", "<b>", "a/b/c", "x" * 31):
        with pytest.raises(InputError, match="--item-word"):
            ItemWord.of(text)


def test_a_text_names_the_items() -> None:
    book = ItemWord("book", "books")
    assert book.worded("Movie 3 is not known.") == "Book 3 is not known."
    assert book.worded("has no movie factors") == "has no book factors"
    assert book.worded("the movies") == "the books"
    assert ItemWord().worded("Movie 3") == "Movie 3"


def test_the_column_of_a_table_is_known_by_its_names(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user_id": [1], "book_id": [2], "rating": [3]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_csv(tmp_path / "a.tsv", separator="\t")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    plain = TableOptions()
    for name in ("a.csv", "a.tsv", "a.parquet", "a.jsonl"):
        assert item_column(str(tmp_path / name), plain) == "book_id", name
    assert item_column(str(tmp_path / "a.csv"), TableOptions(columns="movie=rating")) == "rating"
    assert item_column(str(tmp_path / "none.csv"), plain) is None
    assert item_column(str(tmp_path / "a.csv"), TableOptions(header=False)) is None
    assert item_column("ml-100k", plain) is None


def test_a_fit_keeps_its_table_beside_the_model(tmp_path: Path) -> None:
    rows = [(u, b, 1 + (u * b) % 5, u * 20 + b) for u in range(20) for b in range(12)]
    table = pl.DataFrame(rows, ["user_id", "book_id", "rating", "timestamp"], orient="row")
    table.write_csv(tmp_path / "books.csv")
    out = tmp_path / "out"
    assert main(["train", "bias", f"--data={tmp_path / 'books.csv'}", f"--out={out}"]) == 0
    (file,) = out.rglob("table.json")
    found = TrainedTable.read(file)
    assert found is not None
    assert (found.data, found.item_column) == (str(tmp_path / "books.csv"), "book_id")
    assert set(found.figures) == {"train/rmse", "valid/rmse"}
    file.write_text("[]")
    assert TrainedTable.read(file) is None
