"""docs/performance.md: the figures of benchmarks/results.json between their marks, and pictures."""

from collections.abc import Callable

from benchmarks import cluster_plan, on_cluster, pictures
from benchmarks.accuracy_table import accuracy_table
from benchmarks.curve_page import curve_table
from benchmarks.environment import ROOT
from benchmarks.loading import PEAK
from benchmarks.marks import Marks, with_section
from benchmarks.nets_on_cluster import nets_table
from benchmarks.records import Record, measured_at, versions, where
from benchmarks.settings_text import settings_text, tried_text
from benchmarks.start import start_table
from benchmarks.summary import Line, lines
from ratecast.atomic_write import write_text

PAGE, PICTURES = ROOT / "docs" / "performance.md", ROOT / "docs" / "pictures"
README, SHORT = ROOT / "README.md", "speed-25m"
COLUMNS = (
    "method", "load s", "fit s", "ratio", "whole s", "ratio", "peak GB", "ratio", "RMSE",
    "own", "k/s", "threads",
)  # fmt: skip


def write(results: Record) -> None:
    """The page anew, its pictures, and the table in the README."""
    write_text(PAGE, rendered(PAGE.read_text("utf-8"), results))
    write_text(README, in_short(README.read_text("utf-8"), results))
    for name, picture in pictures.of(results).items():
        picture.save(PICTURES / name)


def rendered(page: str, results: Record) -> str:
    """The page with the figures of every part between its marks."""
    for part, section in SECTIONS.items():
        text = f"Not measured yet: `python -m benchmarks.compare --only {part}`."
        if part in results:
            shown = pictures.of({part: results[part]})
            links = [f"![{picture.words}](pictures/{name})" for name, picture in shown.items()]
            text = "\n\n".join([section(results[part]), *links])
        page = with_section(page, _marks(part), text)
    return page


def in_short(readme: str, results: Record) -> str:
    """The README with what counts most of the largest comparison."""
    if SHORT not in results:
        return readme
    rows = ["| 25 million ratings | load and fit, s | peak GB | test RMSE |"]
    rows += ["| --- | ---: | ---: | ---: |"]
    for line in lines(results[SHORT]):
        if line.failed:
            rows.append(f"| {line.method} | {line.failed} | | |")
            continue
        figures = line.values
        rmse = "ranks only" if line.ranks_only else f"{figures['rmse']:.4f}"
        seconds = f"{figures['load'] + figures['fit']:.0f}"
        rows.append(f"| {line.method} | {seconds} | {figures['memory']:.1f} | {rmse} |")
    return with_section(readme, _marks(SHORT), "\n".join(rows))


def speed_table(section: Record) -> str:
    """One line a method; ratios are to ratecast's method of the same kind, in the same run."""
    rows = [f"| {' | '.join(COLUMNS)} |", "| --- |" + " ---: |" * (len(COLUMNS) - 1)]
    family = ""
    for line in lines(section):
        if line.family != family:
            family = line.family
            rows.append(f"| *{family}* |" + " |" * (len(COLUMNS) - 1))
        rows.append(_row(line))
    about = f"{measured_at(section)} {versions(section)}"
    return "\n".join([about, "", *rows, "", _winners(lines(section))])


def _row(line: Line) -> str:
    name = line.method if line.runs > 1 else f"{line.method} (1 run)"
    if line.failed:
        return f"| {name} | {line.failed} |" + " |" * (len(COLUMNS) - 2)
    cells = [name]
    cells += [_marked(line, "load", ".1f"), _marked(line, "fit", ".1f"), _times(line, "fit")]
    cells += [_marked(line, "whole", ".1f"), _times(line, "whole")]
    cells += [_marked(line, "memory", ".2f"), _times(line, "memory")]
    cells += ["ranks only" if line.ranks_only else _marked(line, "rmse", ".4f")]
    cells += ["" if line.own is None else f"{line.own:.4f}", _marked(line, "rate", ",.0f", 1e-3)]
    cells += ["" if line.used is None else f"{line.used:.1f} of {line.threads}"]
    return "| " + " | ".join(cells) + " |"


def _marked(line: Line, figure: str, form: str, unit: float = 1.0) -> str:
    """Bold where a peer wins."""
    text = format(line.values[figure] * unit, form)
    return f"**{text}**" if line.wins(figure) else text


def _times(line: Line, figure: str) -> str:
    """The ratio; nothing where ratecast was not measured."""
    ratio = line.ratios.get(figure)
    return "" if ratio is None else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


WORDS = {
    "load": "load", "fit": "fit", "memory": "memory", "whole": "whole process", "rmse": "RMSE",
    "rate": "forecasts a second",
}  # fmt: skip


def _winners(lines: list[Line]) -> str:
    """Every place where a peer is better, in words."""
    won = {line.method: [WORDS[figure] for figure in WORDS if line.wins(figure)] for line in lines}
    peers = [f"{method} ({', '.join(words)})" for method, words in won.items() if words]
    return f"Where a peer wins (bold): {'; '.join(peers)}." if peers else "No peer wins anywhere."


def chosen_table(section: Record) -> str:
    """RMSE on validation rows of everything that was tried."""
    rows = ["| method | tried: RMSE | chosen |", "| --- | --- | --- |"]
    for row in section["rows"]:
        tried = tried_text(row.get("tried", []))
        rows.append(
            f"| {row['method']} | {tried or row.get('failed')} | {settings_text(row['chosen'])} |"
        )
    return "\n".join([f"{where(section)}.", "", *rows])


def loading_table(section: Record) -> str:
    """Seconds of each step, and the most memory that its process held."""
    figures = section["rows"][0]["figures"]
    rows = [measured_at(section), "", "| step | |", "| --- | ---: |"]
    for name, value in figures.items():
        unit = "" if name.endswith(PEAK) else " s"
        rows.append(f"| {name} | {value:.2f}{unit} |")
    return "\n".join(rows)


def limits_table(section: Record) -> str:
    """What the machine gives at most, and what the kernels take of it."""
    most = {row["threads"]: row["figures"] for row in section["rows"] if not row["ratings"]}
    rows = [measured_at(section), "", "| threads | copy, GB/s | matrix product, GFLOP/s |"]
    rows += ["| ---: | ---: | ---: |"]
    rows += [
        f"| {n} | {one['copy_gb_a_second']:.1f} | {one['gflops']:.0f} |" for n, one in most.items()
    ]
    rows += ["", "| kernel | ratings | threads | ns a rating | GFLOP/s | of the product's | GB/s "
             "| of the copy's |", "| --- |" + " ---: |" * 7]  # fmt: skip
    return "\n".join([*rows, *_kernel_rows(section, most)])


def _kernel_rows(section: Record, most: dict[int, Record]) -> list[str]:
    kernels = [row for row in section["rows"] if row["ratings"]]
    return [
        f"| {name} | {row['ratings']:,} | {row['threads']} | {one['ns_a_rating']:.1f} | "
        f"{one['gflops']:.1f} | {one['gflops'] / most[row['threads']]['gflops']:.0%} | "
        f"{one['gb_a_second']:.1f} | "
        f"{one['gb_a_second'] / most[row['threads']]['copy_gb_a_second']:.0%} |"
        for row in kernels
        for name, one in row["figures"].items()
    ]


def stages_table(section: Record) -> str:
    """Seconds of a fit by what they are spent on."""
    names = list(section["rows"][0]["seconds_of"])
    rows = [measured_at(section), "", f"| method | ratings | {' | '.join(names)} |"]
    rows += ["| --- |" + " ---: |" * (1 + len(names))]
    for row in section["rows"]:
        cells = [f"{row['seconds_of'][name]:.2f}" for name in names]
        rows.append(f"| {row['method']} | {row['ratings']:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


def growth_table(section: Record) -> str:
    """Epoch by table; a cost that grows linearly keeps its nanoseconds a rating."""
    rows = [
        measured_at(section),
        "",
        "| model | ratings | epoch s | ns a rating | bytes a rating |",
    ]
    rows += ["| --- | ---: | ---: | ---: | ---: |"]
    points = sorted(section["rows"], key=lambda row: (row["model"], row["rows"]))
    return "\n".join([*rows, *map(_growth_row, points)])


def _growth_row(row: Record) -> str:
    start = f"| {row['model']} | {row['rows']:,} |"
    if "failed" in row:
        return f"{start} {row['failed']} | | |"
    seconds, memory = row["epoch_seconds"], row["bytes_a_rating"]
    return f"{start} {seconds:.2f} | {seconds / row['rows'] * 1e9:,.0f} | {memory:,.0f} |"


def flagship_table(section: Record) -> str:
    """What `state_space` takes for a rating of a large table."""
    row = section["rows"][0]
    about = (
        f"{measured_at(section)} {row['ratings']:,} ratings of {row['movies']:,} movies by "
        f"{row['users']:,} users; {row['refits']} refits on the way; {row['peak_gb']:.1f} GB "
        "at most."
    )
    rows = [about, "", "| forecast | ratings | seconds | ratings a second | µs a rating |"]
    rows += ["| --- |" + " ---: |" * 4]
    for name, (count, seconds) in row["stages"].items():
        cells = f"{seconds:,.1f} | {count / seconds:,.0f} | {seconds / count * 1e6:.1f}"
        rows.append(f"| {name} | {count:,} | {cells} |")
    return "\n".join(rows)


def billion_table(section: Record) -> str:
    """Seconds by stage and the most memory, in memory and out of core."""
    names = list(section["rows"][0]["seconds"])
    rows = [measured_at(section), "", f"| | ratings | {' | '.join(names)} | peak GB | RMSE |"]
    rows += ["| --- |" + " ---: |" * (3 + len(names))]
    for row in section["rows"]:
        cells = [f"{row['seconds'][name]:,.0f}" for name in names]
        cells += [f"{row['peak_gb']:.1f}", f"{row['rmse']['valid']:.4f}"]
        rows.append(f"| {row['how']} | {row['ratings']:,} | {' | '.join(cells)} |")
    small, large = (row["seconds"]["whole"] for row in section["rows"])
    times = section["rows"][1]["ratings"] / section["rows"][0]["ratings"]
    return "\n".join([*rows, "", f"{times:.0f} times the ratings in {large / small:.1f} times the "
                      "seconds."])  # fmt: skip


def cluster_table(section: Record) -> str:
    """Seconds of each work at each place, and how much two workers gain."""
    rows = [measured_at(section), ""]
    rows += ["| work | of | without Ray, 1 thread | 1 worker | 2 workers | gain of the second |"]
    rows += ["| --- | --- |" + " ---: |" * 4]
    works = dict.fromkeys(row["work"] for row in section["rows"])
    for work in works:
        found = {row["place"]: row for row in section["rows"] if row["work"] == work}
        alone, one, two = (found[place]["seconds"]["each"] for place in on_cluster.PLACES)
        unit = found["two workers"]["unit"]
        gain = "" if work == "start" else f"{one / two:.2f}"
        rows.append(f"| {work} | {unit} | {alone:.2f} | {one:.2f} | {two:.2f} | {gain} |")
    return "\n".join([*rows, "", *cluster_plan.lines(section["rows"])])


def large_cluster_table(section: Record) -> str:
    """Seconds and the most memory of all processes together."""
    rows = [measured_at(section), "", "| work | of | seconds | peak GB |"]
    rows += ["| --- | --- | ---: | ---: |"]
    for row in section["rows"]:
        of = ", ".join(f"{count:,} {name}" for name, count in row["sizes"].items())
        stages = [f"{name} {s:,.0f}" for name, s in row["seconds"].items() if name != "whole"]
        seconds = f"{row['seconds']['whole']:,.0f}" + (f" ({', '.join(stages)})" if stages else "")
        rows.append(f"| {row['work']} | {of} | {seconds} | {row['peak_gb']:.1f} |")
    return "\n".join(rows)


def _marks(part: str) -> Marks:
    return f"<!-- {part}: written by `make bench` -->", f"<!-- /{part} -->"


SECTIONS: dict[str, Callable[[Record], str]] = {
    "curve-25m": curve_table,
    "curve-1m": curve_table,
    "speed-25m": speed_table,
    "speed-1m": speed_table,
    "speed-100m": speed_table,
    "tune": chosen_table,
    "tune-25m": chosen_table,
    "loading": loading_table,
    "limits": limits_table,
    "stages": stages_table,
    "growth": growth_table,
    "flagship": flagship_table,
    "accuracy": accuracy_table,
    "billion": billion_table,
    "cluster": cluster_table,
    "cluster-large": large_cluster_table,
    "cluster-nets": nets_table,
    "start": start_table,
}
