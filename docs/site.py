"""Adds the reference and files of the project to the documentation site.

The pages are read in the repository too, so their links are relative to the repository. Here they
are rewritten to where the file is in the site.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from ratecast.cli import GROUPS, pages
from ratecast.models import MODELS

ROOT = Path(__file__).parent.parent
COMMAND_LINE = "reference/command-line.md"

# Title of a page, and the modules on it.
ROOMS: dict[str, list[str]] = {
    "The public surface": ["ratecast"],
    "Ratings and splits": ["ratings", "splits", "audit", "errors"],
    "Data": ["data", "data.editions", "data.frames"],
    "The contract of a model": ["models", "modelling.contract.model",
                                "modelling.contract.observing", "modelling.contract.hooks",
                                "modelling.contract.forecast", "modelling.contract.settings",
                                "artifact"],
    "Models": [path.partition(":")[0].removeprefix("ratecast.") for path in MODELS.values()],
    "Queries": ["queries.top_n", "queries.similar"],
    "Training": ["training", "training.experiment", "training.train",
                 "training.lightning_trainer", "training.overfit", "training.lr_find",
                 "training.sweep"],
    "Evaluation": ["evaluation.evaluation", "evaluation.protocol", "metrics.scores",
                   "metrics.intervals", "evaluation.split_scores", "evaluation.score_rows",
                   "evaluation.report", "evaluation.tune.tune", "evaluation.tune.search",
                   "evaluation.tune.folds", "evaluation.tune.result"],
}  # fmt: skip
# Files outside this folder, and their place in the site.
OUTSIDE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the generated pages to the navigation."""
    assert config.nav is not None
    (reference,) = (section["Reference"] for section in config.nav if "Reference" in section)
    made = [{"Command line": COMMAND_LINE}, *({title: _page(title)} for title in ROOMS)]
    reference[:0] = made
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference, and the files outside this folder that pages link to."""
    files.append(File.generated(config, COMMAND_LINE, content=pages.markdown(GROUPS)))
    for title, modules in ROOMS.items():
        blocks = "\n\n".join(f"::: {_whole(module)}" for module in modules)
        files.append(File.generated(config, _page(title), content=f"# {title}\n\n{blocks}\n"))
    for source, target in OUTSIDE.items():
        text = (ROOT / source).read_text("utf-8")
        files.append(File.generated(config, target, content=text))
    for path in sorted((ROOT / "results").glob("*.json")):
        name = f"results/{path.name}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    for path in sorted((ROOT / "findings").glob("*.sh")):
        files.append(File.generated(config, f"findings/{path.name}", abs_src_path=str(path)))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        name = f"notebooks/{path.name}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite links of the repository to links of the site."""
    if page.file.src_uri in OUTSIDE.values():
        markdown = markdown.replace("](docs/", "](").replace("](README.md", "](index.md")
    markdown = markdown.replace("](../README.md", "](index.md")
    # The site has no source files.
    markdown = re.sub(r"\[([^\]]*)\]\(\.\./src/[^)]*\)", r"\1", markdown)
    for source, target in OUTSIDE.items():
        markdown = re.sub(rf"\]\((\.\./)?{re.escape(source)}", f"]({target}", markdown)
    for folder in ("results", "notebooks", "findings"):
        markdown = markdown.replace(f"](../{folder}/", f"]({folder}/")
    return markdown


def _whole(module: str) -> str:
    return module if module == "ratecast" else f"ratecast.{module}"


def _page(title: str) -> str:
    return f"reference/{title.lower().replace(' ', '-')}.md"
