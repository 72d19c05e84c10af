"""Tables of MovieLens with several rows for each movie: tags and the tag genome."""

import polars as pl

from ratecast.column_types import rows_of
from ratecast.data.column_roles import normalized
from ratecast.data.feature_types import as_number
from ratecast.data.side_columns import SideSource
from ratecast.data.standard_columns import GIVEN_AT, VALUE
from ratecast.errors import InputError
from ratecast.ratings import MOVIE

_TAGS, _GENOME = {"movieid", "tag", "timestamp"}, {"movieid", "tagid", "relevance"}


def gathered(source: SideSource) -> SideSource | None:
    """One row for each movie, of tags or genome scores; None for another table.

    Tags become the column `tags`, a set whose values have the time at which each was first given;
    they are compared without case. Scores become the column `genome`, a vector.
    """
    names = {normalized(name): name for name in reversed(source.frame.columns)}
    wanted = next((layout for layout in (_TAGS, _GENOME) if names.keys() >= layout), None)
    if wanted is None:
        return None
    columns = [source.frame[names[name]].rename(name) for name in sorted(wanted)]
    rows = pl.DataFrame(
        column if column.name == "tag" else as_number(column, source.location).column
        for column in columns
    )
    table = _tags(rows) if wanted is _TAGS else _genome(rows, source.where)
    return SideSource(table, source.where, rows_of(source.where))


def _tags(rows: pl.DataFrame) -> pl.DataFrame:
    tag = pl.col("tag").str.strip_chars().str.to_lowercase()
    first = (
        rows.with_columns(tag)
        .filter(pl.col("tag") != "")
        .group_by("movieid", "tag", maintain_order=True)
        .agg(pl.col("timestamp").min().cast(pl.Int64))
    )
    given = pl.struct(pl.col("tag").alias(VALUE), pl.col("timestamp").alias(GIVEN_AT))
    return first.group_by(pl.col("movieid").cast(pl.Int64).alias(MOVIE), maintain_order=True).agg(
        given.alias("tags")
    )


def _genome(scores: pl.DataFrame, where: str) -> pl.DataFrame:
    size = scores["tagid"].n_unique()
    table = (
        scores.sort("movieid", "tagid")
        .group_by(pl.col("movieid").cast(pl.Int64).alias(MOVIE), maintain_order=True)
        .agg(pl.col("relevance").cast(pl.Float32).alias("genome"))
    )
    short = table.filter(pl.col("genome").list.len() != size)
    if short.height:
        raise InputError(
            f"{where}: movie {short[MOVIE][0]} has {len(short['genome'][0])} scores, not {size}; "
            "give the whole file"
        )
    return table.with_columns(pl.col("genome").list.to_array(size))
