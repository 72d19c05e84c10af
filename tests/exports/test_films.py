"""Letterboxd, IMDb, Trakt and Netflix: layouts of the sites with invented values."""

import calendar
from pathlib import Path

import pytest

from ratecast.errors import InputError
from ratecast.exports.export import Export
from ratecast.exports.imdb import is_film
from ratecast.exports.read import read_export
from tests.exports import writers as w


def seconds(*day: int) -> int:
    return calendar.timegm((*day, 0, 0, 0)[:6])


def rows(export: Export, *columns: str) -> list[tuple[object, ...]]:
    return export.frame.select(columns or ("title", "year", "rating", "at")).rows()


def boxd(day: str, name: str, year: int, uri: str, rating: object, **more: object) -> w.Row:
    row = {"Date": day, "Name": name, "Year": year, "Letterboxd URI": f"https://boxd.it/{uri}"}
    return {**row, "Rating": rating, **more}


RATINGS = w.table(
    w.LETTERBOXD,
    [
        boxd("2024-03-01", "Blue Lamp, Late", 2001, "aa", 3.5),
        boxd("2024-03-02", "Twin", 1990, "t1", 4),
        boxd("2024-03-03", "Twin", 1990, "t2", "0.5"),
        boxd("2024-03-04", "Élan", 1999, "ee", 2),
    ],
)


def test_letterboxd_ratings_keep_two_films_of_one_title(tmp_path: Path) -> None:
    (tmp_path / "anything.txt").write_text(RATINGS, "utf-8")
    export = read_export(tmp_path / "anything.txt")
    assert (export.source, str(export.scale)) == ("Letterboxd", "0.5:5:0.5")
    assert rows(export)[0] == ("Blue Lamp, Late", 2001, 3.5, seconds(2024, 3, 1))
    assert [row[2] for row in rows(export)] == [3.5, 4.0, 0.5, 2.0]
    assert any("more than one film: 2 films" in note for note in export.notes)
    assert "author" not in export.frame.columns


@pytest.mark.parametrize("header", [w.DIARY, w.REVIEWS])
def test_letterboxd_entries_are_keyed_by_title_and_year(tmp_path: Path, header: str) -> None:
    entries = [
        boxd("2024-05-02", "Again", 2001, "e2", 4.5, **{"Watched Date": "2024-05-01"}),
        boxd("2024-05-01", "Again", 2001, "e1", 2, **{"Watched Date": "2024-04-30"}),
        boxd("2024-06-01", "Again", 2001, "e3", "", Rewatch="Yes"),
        boxd("2024-06-01", "Again", 1951, "e4", 1, Tags='a, "b"'),
    ]
    export = read_export(w.write(tmp_path / "x.csv", header, entries))
    assert rows(export, "title", "year", "rating") == [("Again", 2001, 4.5), ("Again", 1951, 1.0)]
    assert export.notes[:2] == (
        "left out: 1 row with another rating of a title, of which the last dated counts",
        "left out: 1 row without a rating",
    )


def test_letterboxd_zip_reads_the_top_only(tmp_path: Path) -> None:
    diary = w.table(
        w.DIARY,
        [
            boxd("2024-03-01", "Blue Lamp, Late", 2001, "x1", 1),  # of the same day: ratings.csv
            boxd("2025-01-01", "Élan", 1999, "x2", 5),  # later
            boxd("2020-01-01", "Only Seen", 1980, "x3", 3),
            boxd("2025-01-01", "Twin", 1990, "x4", 2.5),  # of which of the two?
            boxd("2025-01-01", "Unrated", 1991, "x5", ""),
        ],
    )
    trap = w.table(w.LETTERBOXD, [boxd("2026-01-01", "Trap", 2000, "zz", 5)])
    files = {"ratings.csv": RATINGS, "diary.csv": diary, "deleted/diary.csv": trap}
    files |= {"orphaned/ratings.csv": trap, "likes/films.csv": trap, "watched.csv": trap}
    export = read_export(w.archive(tmp_path / "export.bin", files))
    found = {(title, year): rating for title, year, rating, _ in rows(export)}
    assert found[("Blue Lamp, Late", 2001)] == 3.5
    assert found[("Élan", 1999)] == 5.0
    assert found[("Only Seen", 1980)] == 3.0
    assert len(export) == 5
    assert not any(title == "Trap" for title, _ in found)
    notes = "; ".join(export.notes)
    assert "1 row of the diary or reviews whose title and year two rated films share" in notes
    assert "read from the ZIP: ratings.csv, diary.csv" in notes
    assert "what does not count: deleted/diary.csv, orphaned/ratings.csv, likes/films.csv" in notes
    assert "not one of ratings.csv, diary.csv, reviews.csv: watched.csv" in notes


def test_letterboxd_reviews_are_read_too(tmp_path: Path) -> None:
    reviews = w.table(w.REVIEWS, [boxd("2025-01-01", "Élan", 1999, "x2", 5, Review="Good")])
    other = "Date,Name,Year,Letterboxd URI\n"
    files = {"reviews.csv": reviews, "likes/films.csv": other, "profile.csv": "Date Joined\n"}
    export = read_export(w.archive(tmp_path / "a.zip", files))
    assert rows(export, "title", "rating") == [("Élan", 5.0)]
    assert export.notes[-3:] == (
        "read from the ZIP: reviews.csv",
        "not read, because in folders of what does not count: likes/films.csv",
        "not read, because without ratings: profile.csv",
    )
    both = read_export(w.archive(tmp_path / "b.zip", {"ratings.csv": RATINGS, **files}))
    assert ("Élan", 5.0) in rows(both, "title", "rating")
    assert "read from the ZIP: ratings.csv, reviews.csv" in both.notes


def test_a_year_that_is_not_read_is_said(tmp_path: Path) -> None:
    years = {"A": "199", "B": "MCMXC", "C": "", "D": "1990.0"}
    films = [boxd("2024-03-01", name, 0, name, 4, Year=year) for name, year in years.items()]
    export = read_export(w.write(tmp_path / "x.csv", w.LETTERBOXD, films))
    assert export.frame["year"].to_list() == [None, None, None, 1990]
    assert "year not read in 2 rows, as '199'" in export.notes


def test_a_zip_without_ratings_is_refused(tmp_path: Path) -> None:
    path = w.archive(tmp_path / "a.zip", {"deleted/ratings.csv": RATINGS})
    with pytest.raises(InputError, match=r"Letterboxd with deleted/ratings.csv, but without"):
        read_export(path)
    path = w.archive(tmp_path / "a.zip", {"notes.txt": "x"})
    with pytest.raises(InputError, match="no export of a rating site in this ZIP"):
        read_export(path)
    path = w.archive(tmp_path / "a.zip", {"watchlist.csv": "Date,Name,Year,Letterboxd URI\n"})
    with pytest.raises(InputError, match=r"a ZIP of Letterboxd with watchlist.csv, but without"):
        read_export(path)
    with pytest.raises(InputError, match="an empty ZIP; get it from the site again"):
        read_export(w.archive(tmp_path / "a.zip", {}))
    unrated = w.table(w.DIARY, [boxd("2025-01-01", "Unrated", 1991, "x5", "")])
    empty = w.table(w.LETTERBOXD, [])
    path = w.archive(tmp_path / "b.zip", {"ratings.csv": empty, "diary.csv": unrated})
    with pytest.raises(InputError, match=r"no ratings \(left out: 1 row without a rating\); rate"):
        read_export(path)
    path = w.archive(tmp_path / "c.zip", {"ratings.csv": RATINGS})
    whole = path.read_bytes()
    for torn in (whole[:40] + whole[45:], whole.replace(b"ratings", b"rating", 1), whole[:-30]):
        path.write_bytes(torn)
        with pytest.raises(InputError) as refusal:
            read_export(path)
        assert "\n" not in str(refusal.value)
    path.write_bytes(whole[:40])
    with pytest.raises(InputError, match="broken ZIP"):
        read_export(path)


def imdb(const: str, title: str, rating: object, **more: object) -> w.Row:
    row = {"Const": const, "Title": title, "Your Rating": rating, "IMDb Rating": 7.9}
    return {**row, "Date Rated": "2024-02-29", "Title Type": "Movie", "Year": 1999, **more}


def test_imdb_ratings(tmp_path: Path) -> None:
    films = [
        imdb("tt0000011", "Der Fall", 9, **{"Original Title": "The Case", "Title Type": "Film"}),
        imdb("tt0000012", "Reihe: Teil", 8, **{"Title Type": "Fernsehepisode"}),
        imdb("tt0000013", "Series", 8, **{"Title Type": "TV Series"}),
        imdb("tt0000014", "Mini", 10, **{"Title Type": "TV Mini Series", "Year": ""}),
    ]
    export = read_export(w.write(tmp_path / "x.csv", w.IMDB, films))
    assert rows(export, "title", "original", "year", "imdb", "rating", "at") == [
        ("Der Fall", "The Case", 1999, "tt0000011", 9.0, seconds(2024, 2, 29)),
        ("Mini", None, None, "tt0000014", 10.0, seconds(2024, 2, 29)),
    ]
    assert export.notes == (
        "left out: 1 row of the type Fernsehepisode",
        "left out: 1 row of the type TV Series",
    )


def test_imdb_types_of_many_languages() -> None:
    films = ["Movie", "movie", "Película", "Téléfilm", "tvMovie", "short", "", "tvMiniSeries"]
    others = ["tvSeries", "TV Episode", "Épisode TV", "Serie de TV", "videoGame", "podcastSeries"]
    assert all(map(is_film, films))
    assert not any(map(is_film, [*others, "tvMiniSeries Episode"]))


def test_imdb_lists_leave_out_the_unrated(tmp_path: Path) -> None:
    films = [imdb("tt0000011", "One", ""), imdb("tt0000012", "Two", 3, **{"Date Rated": ""})]
    export = read_export(w.write(tmp_path / "x.csv", w.IMDB_LIST, films))
    assert rows(export, "title", "rating", "at") == [("Two", 3.0, None)]
    assert export.notes == (
        "left out: 1 row without a rating",
        "without a time: 1 of 1 ratings",
    )
    with pytest.raises(InputError, match=r"IMDb, but no ratings \(left out: 1 row without"):
        read_export(w.write(tmp_path / "x.csv", w.IMDB_LIST, films[:1]))
    without = w.IMDB_LIST.removesuffix(",Your Rating,Date Rated")
    with pytest.raises(InputError, match="IMDb without ratings; export the page"):
        read_export(w.write(tmp_path / "x.csv", without, []))


def test_imdb_to_2017(tmp_path: Path) -> None:
    film = {
        "const": "tt0000021",
        "created": "Sat Dec 31 00:00:00 2016",
        "Title": "L\u2019Été — Œuvre",
    }
    more = {"Title type": "Feature Film", "You rated": 8, "IMDb Rating": 6.1, "Year": 2014}
    export = read_export(w.imdb_old(tmp_path / "ratings.csv", [{**film, **more}]))
    assert rows(export, "title", "imdb", "rating", "at") == [
        ("L\u2019Été — Œuvre", "tt0000021", 8.0, seconds(2016, 12, 31))
    ]
    assert "Windows" in export.notes[-1]


def test_one_windows_line_does_not_change_the_others(tmp_path: Path) -> None:
    text = w.table(w.IMDB, [imdb("tt0000011", "Élan", 9), imdb("tt0000012", "X-Été", 9)])
    head, tail = text.split("X-")
    (tmp_path / "x.csv").write_bytes(head.encode() + b"X-" + tail.encode("cp1252"))
    assert [row[0] for row in rows(read_export(tmp_path / "x.csv"))] == ["Élan", "X-Été"]


def test_trakt_csv_leaves_out_shows_and_episodes(tmp_path: Path) -> None:
    film = {"type": "movie", "title": "Far", "year": 2014, "trakt_rating": 8.3, "trakt_id": 5}
    film |= {"imdb_id": "tt0000031", "tmdb_id": 77, "rating": 9}
    items = [
        {**film, "rated_at": "2021-03-22T06:33:24.000Z"},
        {**film, "type": "episode", "rated_at": "2021-03-22T06:33:24Z"},
        {**film, "type": "show", "rated_at": "2021-03-22T06:33:24Z"},
        {**film, "type": "episode", "rated_at": "2021-03-22T06:33:24Z"},
    ]
    export = read_export(w.write(tmp_path / "x.csv", w.TRAKT, items))
    assert rows(export, "imdb", "tmdb", "rating", "at") == [("tt0000031", 77, 9.0, 1616394804)]
    assert export.notes == (
        "left out: 2 rows of the type episode",
        "left out: 1 row of the type show",
    )


def test_trakt_json(tmp_path: Path) -> None:
    ids = {"trakt": 5, "slug": "far-2014", "imdb": None, "tmdb": 77}
    film = {"rated_at": "2021-03-22T06:33:24.000Z", "rating": 9, "type": "movie"}
    show = {"rated_at": "2021-03-22T06:33:24.000Z", "rating": 9, "type": "show", "show": {}}
    items = [{**film, "movie": {"title": "Far", "year": 2014, "ids": ids}}, show]
    export = read_export(w.trakt_json(tmp_path / "x", items))
    assert rows(export, "title", "year", "imdb", "tmdb", "rating", "at") == [
        ("Far", 2014, None, 77, 9.0, 1616394804)
    ]
    assert export.notes == ("left out: 1 row of the type show",)
    with pytest.raises(InputError, match="item 3: no rating of Trakt"):
        read_export(w.trakt_json(tmp_path / "x", [*items, 7]))
    with pytest.raises(InputError, match="not a known export"):
        read_export(w.trakt_json(tmp_path / "x", [{"a": 1}]))
    (tmp_path / "x").write_text("[" * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        read_export(tmp_path / "x")


def netflix(profile: str, title: str, stars: object, thumbs: object) -> w.Row:
    kind = "Thumbs" if thumbs else "Stars"
    row = {"Profile Name": profile, "Title Name": title, "Rating Type": kind}
    when = {"Event Utc Ts": "2016-01-02 03:04:05", "Region View Date": "1/2/16"}
    return {**row, **when, "Star Value": stars, "Thumbs Value": thumbs}


def test_netflix_stars_of_one_profile(tmp_path: Path) -> None:
    given = [netflix("A", "One", 4, 0), netflix("A", "Two", 0, 2), netflix("B", "One", 1, "")]
    path = w.write(tmp_path / "x.csv", w.NETFLIX, given)
    with pytest.raises(
        InputError, match="2 profiles of a Netflix account, A, B; choose yours, as in --profile A"
    ):
        read_export(path)
    with pytest.raises(
        InputError, match="no profile 'C' in this Netflix account; give one of: A, B"
    ):
        read_export(path, profile="C")
    export = read_export(path, profile="A")
    assert rows(export) == [("One", None, 4.0, 1451703845)]
    assert export.notes == (
        "left out: 1 row with thumbs, which cannot be read as stars",
        "left out: 1 row of other profiles",
    )
    assert len(read_export(w.write(tmp_path / "x.csv", w.NETFLIX, given[:2]))) == 1
    with pytest.raises(InputError, match="rate movies by hand, or give the file of another site"):
        read_export(w.write(tmp_path / "x.csv", w.NETFLIX, given[1:2]))


def test_a_profile_of_another_site_is_said(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS, "utf-8")
    export = read_export(tmp_path / "ratings.csv", profile="A")
    assert export.notes[-1] == "the profile 'A' is not used: only Netflix has profiles"
    assert len(export) == 4


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Date,Name,Year,Letterboxd URI", "Letterboxd without ratings"),
        ("Title,Date", "Netflix viewing history without ratings"),
        ("film,stars", r"not a known export, by its first line \(film, stars\)"),
        ("user,movie,stars", "several users' ratings.* ratecast evaluate --data"),
        ("", "by its empty first line"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "x.csv").write_text(header)
    with pytest.raises(InputError, match=message) as refusal:
        read_export(tmp_path / "x.csv")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("rating", ["11", "7.5", "nan", "1_0", "good"])
def test_a_rating_off_the_scale_is_refused_with_its_line(tmp_path: Path, rating: str) -> None:
    films = [imdb("tt0000011", "Two\nlines", 9), imdb("tt0000012", "Three", rating)]
    with pytest.raises(InputError, match=rf"x\.csv, line 4: rating '{rating}' is not on the scale"):
        read_export(w.write(tmp_path / "x.csv", w.IMDB, films))


def test_a_torn_row_is_refused_with_its_line(tmp_path: Path) -> None:
    text = RATINGS.rstrip()[:-12]
    (tmp_path / "x.csv").write_text(text + "\n", "utf-8")
    with pytest.raises(InputError, match=r"line 5: \d fields, not 5"):
        read_export(tmp_path / "x.csv")
    with pytest.raises(InputError, match="No such file"):
        read_export(tmp_path / "none.csv")
